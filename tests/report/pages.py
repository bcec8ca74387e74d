"""A strict look at HTML: every element is closed in order, and what a page says and points to is listed."""

from __future__ import annotations

import functools
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

    def attributes(self, tag: str, name: str) -> list[str]:
        """Return the values of an attribute of all elements of a kind."""
        return [found[name] or "" for kind, found in self.elements if kind == tag and name in found]

    def of_class(self, name: str) -> int:
        """Count the elements of a class."""
        return sum(name in (found.get("class") or "").split() for _kind, found in self.elements)
