"""Instagram's Graph API as documented: a hashtag's number, then media with cursors; a token in ``next``."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "instagram/v23.0"
KEYS = {"IG_ACCESS_TOKEN": "instagram-secret-1", "IG_USER_ID": "17841400000000001"}
_NUMBER = "178430000"


def answer(world: World, asked: Asked) -> Answer:
    if asked.params.get("access_token") != KEYS["IG_ACCESS_TOKEN"] or asked.params.get("user_id") != KEYS["IG_USER_ID"]:
        error = {
            "message": "Error validating access token",
            "type": "OAuthException",
            "code": 190,
            "error_subcode": 460,
        }
        return json_answer({"error": {**error, "is_transient": False, "fbtrace_id": "A"}}, 400)
    if asked.path.endswith("/ig_hashtag_search"):
        names = sorted(world.by_query)
        number = names.index(asked.params["q"]) if asked.params["q"] in names else 0
        return json_answer({"data": [{"id": f"{_NUMBER}{number:03d}"}]})
    query = sorted(world.by_query)[int(asked.path.split("/")[-2][-3:])]
    size, begin = min(int(asked.params["limit"]), 50), int(asked.params.get("after", "0"))
    every = world.by_query[query]
    rows: list[dict[str, object]] = []
    for at, one in enumerate(every[begin : begin + size]):
        row: dict[str, object] = {"id": one.name, "permalink": f"https://ig.example/p/{one.name}", "like_count": 3}
        if at % 3:
            rows.append({**row, "media_type": "IMAGE", "media_url": world.address(one)})
        else:
            video = {"id": "v", "media_type": "VIDEO", "media_url": "https://cdn.example/v.mp4"}
            picture = {"id": "p", "media_type": "IMAGE", "media_url": world.address(one)}
            rows.append({**row, "media_type": "CAROUSEL_ALBUM", "children": {"data": [video, picture]}})
    paging: dict[str, object] = {"cursors": {"after": str(begin + size)}}
    if begin + size < len(every):
        paging["next"] = f"https://graph.facebook.com/?access_token={KEYS['IG_ACCESS_TOKEN']}&after={begin + size}"
    return json_answer({"data": rows, "paging": paging})
