"""Wikimedia Commons as documented: generator and imageinfo together, several keys to continue with."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, Hosted, World, json_answer

PATH = "commons/w/api.php"
NAMES = {"by": "CC BY 2.0", "by-sa": "CC BY-SA 4.0", "cc0": "CC0", "pdm": "Public domain"}


def answer(world: World, asked: Asked) -> Answer:
    if "anmok" not in asked.headers.get("user-agent", "").lower():
        return Answer(b"Please set a user-agent and respect our robot policy", 403)
    params = asked.params
    if params.get("gsrnamespace") != "6" or params.get("formatversion") != "2":
        return json_answer({"error": {"code": "badparams", "info": "not what was documented"}})
    size, begin = int(params["gsrlimit"]), int(params.get("gsroffset", 0))
    if size > 50:
        return json_answer({"error": {"code": "toomany", "info": "at most 50 with thumbnails"}})
    every = world.by_query.get(params["gsrsearch"].removeprefix("filetype:bitmap "), [])
    rows = every[begin : begin + size]
    # Part of the file facts come with a second answer about the same pages.
    second = params.get("iicontinue")
    late = set() if len(rows) < 4 else {one.name for one in rows[-2:]}
    pages = [
        _page(world, one, begin + at, with_info=(one.name in late) is bool(second))
        for at, one in enumerate(rows)
        if not second or one.name in late
    ]
    pages.reverse()  # the order is that of page numbers; "index" has that of the search
    going_on: dict[str, object] = {}
    if late and not second:
        going_on = {"iicontinue": "x|y", "continue": "||", **({"gsroffset": begin} if begin else {})}
    elif begin + size < len(every):
        going_on = {"gsroffset": begin + size, "continue": "gsroffset||"}
    body: dict[str, object] = {"batchcomplete": not going_on, "query": {"pages": pages}}
    return json_answer({**body, "continue": going_on} if going_on else body)


def _page(world: World, one: Hosted, index: int, *, with_info: bool) -> dict[str, object]:
    info = {
        "url": world.address(one),
        "descriptionurl": f"https://commons.example/wiki/File:{one.name}",
        "thumburl": f"{world.base}/thumb/{one.name}",
        "thumbwidth": 960,
        "thumbheight": 960,
        "width": one.width,
        "height": one.height,
        "size": len(one.data),
        "mime": "image/jpeg",
        "user": "Uploader",
        "extmetadata": {
            "LicenseShortName": {"value": NAMES.get(one.licence, one.licence)},
            "LicenseUrl": {"value": "https://creativecommons.org/licenses/by/2.0"},
            "Artist": {"value": f'<a href="//x">{one.author} &amp; friends</a>'},
        },
    }
    page: dict[str, object] = {"pageid": index + 1, "ns": 6, "title": f"File:{one.name}", "index": index + 1}
    return {**page, "imageinfo": [info]} if with_info else page
