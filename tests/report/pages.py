"""A strict look at HTML: every element is closed in order, and what a page says and points to is listed."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
NO_CHILDREN = frozenset({"script", "style", "title"})


class Page(HTMLParser):
    """Parses a page; raises AssertionError at the first element that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.stack, f"never closed: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.stack, f"<{tag}/> closes itself outside of SVG"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1] == tag, f"</{tag}> closes <{self.stack[-1]}> at {self.getpos()}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            self.scripts.append(data)
        elif not self.stack or self.stack[-1] != "style":
            self.pieces.append(data)

    @functools.cached_property
    def text(self) -> str:
        """All text, white space joined, with ordinary spaces before per cent signs."""
        return " ".join("".join(f"{piece} " for piece in self.pieces).replace("\u00a0", " ").split())

    @functools.cached_property
    def programs(self) -> list[str]:
        """The scripts that run: all but blocks of data."""
        return [text for text in self.scripts if text.startswith('"use strict"')]

    @property
    def policy(self) -> str:
        """What the page lets a browser do."""
        (policy,) = [
            found["content"] or ""
            for tag, found in self.elements
            if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
        ]
        return policy

    def runs_its_own_scripts_alone(self) -> bool:
        """Tell whether the policy names each of the page's two scripts by its hash, and nothing more."""
        allowed = re.findall(r"script-src ([^;]*)", self.policy)[0].split()
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in self.programs]
        return len(hashes) == 2 and sorted(allowed) == sorted(f"'sha256-{digest}'" for digest in hashes)

    def attributes(self, tag: str, name: str) -> list[str]:
        """Return the values of an attribute of all elements of a kind."""
        return [found[name] or "" for kind, found in self.elements if kind == tag and name in found]

    def of_class(self, name: str) -> int:
        """Count the elements of a class."""
        return sum(name in (found.get("class") or "").split() for _kind, found in self.elements)
