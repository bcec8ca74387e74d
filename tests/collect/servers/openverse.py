"""Openverse as documented: pages of at most 20 without a key, 240 results, 401 for larger pages, limits in headers."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "openverse/v1/images/"


def answer(world: World, asked: Asked) -> Answer:
    size, page = int(asked.params.get("page_size", 20)), int(asked.params.get("page", 1))
    if size > 20:
        return json_answer({"detail": "page_size must be at most 20 for anonymous requests."}, 401)
    wanted = {code for code in asked.params.get("license", "").split(",") if code}
    every = [one for one in world.by_query.get(asked.params["q"], []) if not wanted or one.licence in wanted][:240]
    pages = -(-len(every) // size)
    if page > max(pages, 1):
        return json_answer({"detail": "Invalid page."}, 404)
    rows = [
        {
            "id": f"id-{one.name}",
            "title": one.name,
            "url": world.address(one),
            "thumbnail": f"{world.base}/openverse/v1/images/{one.name}/thumb/",
            "foreign_landing_url": f"https://site.example/{one.name}",
            "creator": one.author or None,
            "creator_url": None,
            "license": one.licence,
            "license_version": "2.0",
            "license_url": f"https://creativecommons.org/licenses/{one.licence}/2.0/",
            "source": "flickr",
            "provider": "flickr",
            "filetype": "jpg",
            "filesize": None,
            "width": one.width,
            "height": one.height,
            "mature": False,
            "attribution": "…",
        }
        for one in every[(page - 1) * size : page * size]
    ]
    body = {"result_count": len(every), "page_count": pages, "page_size": size, "page": page, "results": rows}
    return json_answer(body, **{"X-RateLimit-Limit-anon_burst": "20/min", "X-RateLimit-Available-anon_burst": "19"})
