"""A recipe as the text of a TOML file that reads back as the same recipe."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from anmok.config.recipe import Recipe


def recipe_text(recipe: Recipe, *, remarks: tuple[str, ...] = ()) -> str:
    """Return the text of a recipe file: settings that differ from the usual ones, below remarks.

    Args:
        remarks: lines of a comment.
    """
    lines = [f"# {remark}" for remark in remarks]
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.default is dataclasses.MISSING or value != field.default:
            lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        # JSON's strings are TOML's, but for one character that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    # Numbers and truth values are written alike in both; TOML wants digits on both sides of a point, as repr has them.
    return json.dumps(value) if isinstance(value, bool | int) else repr(value)
