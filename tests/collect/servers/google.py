"""Google's Custom Search as documented: ten a page, never more than a hundred, no ``items`` where there are none."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "google/customsearch/v1"
KEYS = {"GOOGLE_API_KEY": "google-secret-1", "GOOGLE_CSE_ID": "google-cx-1"}


def answer(world: World, asked: Asked) -> Answer:
    if (asked.params.get("key"), asked.params.get("cx")) != tuple(KEYS.values()):
        return _error(400, "API key not valid. Please pass a valid API key.", "badRequest", "INVALID_ARGUMENT")
    size, start = int(asked.params["num"]), int(asked.params["start"])
    if size > 10 or start + size > 101 or asked.params.get("searchType") != "image":
        return _error(400, "Request contains an invalid argument.", "badRequest", "INVALID_ARGUMENT")
    every = world.by_query.get(asked.params["q"], [])
    rows = [
        {
            "title": one.name,
            "link": world.address(one),
            "mime": "image/jpeg",
            "displayLink": "img.example",
            "image": {"contextLink": f"https://site.example/{one.name}", "height": one.height, "width": one.width},
        }
        for one in every[start - 1 : start - 1 + size]
    ]
    queries: dict[str, object] = {"request": [{"startIndex": start}]}
    if start - 1 + size < len(every):
        queries["nextPage"] = [{"startIndex": start + size}]
    body: dict[str, object] = {"searchInformation": {"totalResults": str(len(every))}, "queries": queries}
    return json_answer({**body, "items": rows} if rows else body)


def _error(code: int, message: str, reason: str, status: str) -> Answer:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return json_answer({"error": {"code": code, "message": message, "errors": errors, "status": status}}, code)
