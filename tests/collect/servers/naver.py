"""Naver as documented: API HUB with its gateway's errors, sizes as strings, tags and entities in titles."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "naver/search/v1/image"
KEYS = {"NCP_APIGW_API_KEY_ID": "naver-id-1", "NCP_APIGW_API_KEY": "naver-secret-1"}


def answer(world: World, asked: Asked) -> Answer:
    sent = asked.headers.get("x-ncp-apigw-api-key-id"), asked.headers.get("x-ncp-apigw-api-key")
    if sent != tuple(KEYS.values()):
        error = {
            "errorCode": "200",
            "message": "Authentication Failed",
            "details": "Invalid authentication information.",
        }
        return json_answer({"error": error}, 401)
    size, start = int(asked.params["display"]), int(asked.params["start"])
    if not 1 <= size <= 100 or not 1 <= start <= 1000:
        return json_answer({"errorMessage": "Invalid value", "errorCode": "SE03"}, 400)
    every = world.by_query.get(asked.params["query"], [])
    rows = [
        {
            "title": f"a <b>{one.name}</b> &amp; more",
            "link": world.address(one),
            "thumbnail": "https://t.example/1.jpg",
            "sizeheight": str(one.height),
            "sizewidth": str(one.width),
        }
        for one in every[start - 1 : start - 1 + size]
    ]
    date = "Fri, 20 Nov 2026 10:00:00 +0900"
    return json_answer(
        {"lastBuildDate": date, "total": len(every), "start": start, "display": len(rows), "items": rows}
    )
