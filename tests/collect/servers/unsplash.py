"""Unsplash as documented: search and random, downloads that must be reported, a spent quota as 403 in plain text."""

from __future__ import annotations

import random

from tests.collect.servers.world import Answer, Asked, Hosted, World, json_answer

PATH = "unsplash"
KEYS = {"UNSPLASH_ACCESS_KEY": "unsplash-secret-1"}


def answer(world: World, asked: Asked) -> Answer:
    if asked.headers.get("authorization") != f"Client-ID {KEYS['UNSPLASH_ACCESS_KEY']}":
        return json_answer({"errors": ["OAuth error: The access token is invalid"]}, 401)
    if asked.path.endswith("/download"):
        return json_answer({"url": "https://images.example/x"})
    every = world.by_query.get(asked.params["query"], [])
    if asked.path.endswith("/photos/random"):
        drawn = random.sample(every, min(int(asked.params["count"]), len(every)))
        return json_answer([_row(world, one) for one in drawn])
    size, page = min(int(asked.params["per_page"]), 30), int(asked.params["page"])
    rows = [_row(world, one) for one in every[(page - 1) * size : page * size]]
    return json_answer(
        {"total": len(every), "total_pages": -(-len(every) // size), "results": rows},
        **{"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "42"},
    )


def _row(world: World, one: Hosted) -> dict[str, object]:
    address = f"{world.address(one)}?ixid=1"
    links = {"html": f"https://unsplash.com/photos/{one.name}"}
    links["download_location"] = f"{world.base}/unsplash/photos/{one.name}/download?ixid=1"
    return {
        "id": one.name,
        "width": one.width,
        "height": one.height,
        "alt_description": "a scene",
        "urls": {"raw": address, "full": address, "regular": address, "small": address, "thumb": address},
        "links": links,
        "user": {"name": one.author, "username": "jo", "links": {"html": "https://unsplash.com/@jo"}},
    }
