"""Flickr as documented: HTTP 200 for everything, ``stat`` says whether it went well; sizes may be missing."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "flickr/services/rest/"
KEYS = {"FLICKR_API_KEY": "flickr-secret-1"}
NUMBERS = {"": "0", "by": "4", "by-sa": "5", "cc0": "9"}


def answer(world: World, asked: Asked) -> Answer:
    params = asked.params
    if params.get("api_key") != KEYS["FLICKR_API_KEY"]:
        return json_answer({"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"})
    size, page = int(params["per_page"]), int(params["page"])
    every = world.by_query.get(params["text"], [])
    wanted = {number for number in params.get("license", "").split(",") if number}
    every = [one for one in every if not wanted or NUMBERS[one.licence] in wanted]
    rows = []
    for at, one in enumerate(every[(page - 1) * size : page * size]):
        kind = "l" if at % 2 else "c"
        row = {"id": one.name, "owner": "1@N00", "ownername": one.author, "title": one.name}
        row |= {"license": NUMBERS[one.licence], f"url_{kind}": world.address(one)}
        rows.append(
            {**row, f"width_{kind}": str(one.width), f"height_{kind}": one.height, "url_t": "https://t.example/t"}
        )
    photos = {"page": page, "pages": -(-len(every) // size), "perpage": size, "total": str(len(every)), "photo": rows}
    return json_answer({"photos": photos, "stat": "ok"})
