"""Pixabay as documented: errors in plain text, 400 for a page out of range."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "pixabay/api/"
KEYS = {"PIXABAY_API_KEY": "pixabay-secret-1"}


def answer(world: World, asked: Asked) -> Answer:
    if asked.params.get("key") != KEYS["PIXABAY_API_KEY"]:
        return Answer(b'[ERROR 400] "key" must be a valid API key.', 400, {"Content-Type": "text/html"})
    size, page = int(asked.params["per_page"]), int(asked.params["page"])
    every = world.by_query.get(asked.params["q"], [])[:500]
    if (page - 1) * size >= max(len(every), 1):
        return Answer(b'[ERROR 400] "page" is out of valid range.', 400, {"Content-Type": "text/html"})
    rows = [
        {
            "id": at,
            "pageURL": f"https://pixabay.com/photos/{one.name}/",
            "type": "photo",
            "tags": "scene",
            "previewURL": "https://t.example/p",
            "webformatURL": "https://t.example/w",
            "largeImageURL": world.address(one),
            "imageWidth": one.width,
            "imageHeight": one.height,
            "user_id": 2,
            "user": one.author,
        }
        for at, one in enumerate(every[(page - 1) * size : page * size])
    ]
    return json_answer(
        {"total": len(every), "totalHits": len(every), "hits": rows},
        **{"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99", "X-RateLimit-Reset": "60"},
    )
