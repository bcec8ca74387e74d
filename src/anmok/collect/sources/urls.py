"""A list of addresses: one a line, or a CSV with a column ``url`` and, if wanted, where they are from."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection

from anmok.collect.found import Call, Found, Page, Query, Reply, SourceTrouble, number_of
from anmok.collect.licences import CODES, OTHERS, licence, licence_of_name
from anmok.collect.sources.base import Source
from anmok.collect.sources.registry import register_source


@register_source
class Urls(Source):
    """The query is the path of the file; a CSV may have ``url``, ``page_url``, ``author``, ``licence``, ``title``."""

    name = "urls"
    title = "A list of addresses"
    home = "docs/collect.md"
    is_api = False
    is_file = True
    delay = 0.0
    page_size = 500

    def first(self, query: Query, at_hand: Collection[str] = ()) -> Call:
        """Begin at the first line."""
        return Call(query.text, {"from": "0"})

    def read(self, reply: Reply, call: Call, query: Query) -> Page:
        """Read some of the lines."""
        try:
            text = reply.body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SourceTrouble("bad-request", f"{call.url} is no UTF-8: {error}") from error
        rows = _rows(text)
        begin = number_of(call.params.get("from"))
        end = begin + self.page_size
        found = tuple(_found(row) for row in rows[begin:end])
        return Page(found, call.but(**{"from": end}) if end < len(rows) else None, len(rows))


def _rows(text: str) -> list[dict[str, str]]:
    header = text.split("\n", 1)[0].lower()
    if "url" in [cell.strip().strip('"') for cell in header.split(",")]:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            rows = [{str(key).strip().lower(): value or "" for key, value in row.items() if key} for row in reader]
        except csv.Error as error:
            raise SourceTrouble("bad-request", f"line {reader.line_num}: {error}") from error
        return [row for row in rows if row.get("url", "").strip()]
    lines = (line.strip() for line in text.splitlines())
    return [{"url": line} for line in lines if line and not line.startswith("#")]


def _found(row: dict[str, str]) -> Found:
    named = row.get("licence", "") or row.get("license", "")
    code = named.strip().lower().removeprefix("cc-")
    return Found(
        image_url=row["url"].strip(),
        page_url=row.get("page_url", ""),
        title=row.get("title", ""),
        author=row.get("author", ""),
        licence=licence(code) if code in (*CODES, *OTHERS) else licence_of_name(named),
    )
