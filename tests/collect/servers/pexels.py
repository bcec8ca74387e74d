"""Pexels as documented: a bare key, ``next_page`` on all pages but the last."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "pexels/v1/search"
KEYS = {"PEXELS_API_KEY": "pexels-secret-1"}


def answer(world: World, asked: Asked) -> Answer:
    if asked.headers.get("authorization") != KEYS["PEXELS_API_KEY"]:
        return json_answer({"error": "Access to this API has been disallowed"}, 401)
    size, page = min(int(asked.params["per_page"]), 80), int(asked.params["page"])
    every = world.by_query.get(asked.params["query"], [])
    rows = [
        {
            "id": at,
            "width": one.width,
            "height": one.height,
            "url": f"https://www.pexels.com/photo/{one.name}/",
            "photographer": one.author,
            "photographer_url": "https://www.pexels.com/@jo",
            "alt": "a scene",
            "src": {"original": "https://images.example/o", "large": world.address(one)},
        }
        for at, one in enumerate(every[(page - 1) * size : page * size])
    ]
    body: dict[str, object] = {"page": page, "per_page": size, "total_results": len(every), "photos": rows}
    if page * size < len(every):
        body["next_page"] = f"https://api.pexels.com/v1/search?page={page + 1}&per_page={size}"
    return json_answer(body, **{"X-Ratelimit-Limit": "200", "X-Ratelimit-Remaining": "180"})
