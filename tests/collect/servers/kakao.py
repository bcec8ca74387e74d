"""Kakao as documented: ``is_end``, pages up to 50, errors with codes below zero."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "kakao/v2/search/image"
KEYS = {"KAKAO_REST_API_KEY": "kakao-secret-1"}


def answer(world: World, asked: Asked) -> Answer:
    if asked.headers.get("authorization") != f"KakaoAK {KEYS['KAKAO_REST_API_KEY']}":
        return json_answer({"code": -401, "msg": "cannot find Authorization : KakaoAK header"}, 401)
    size, page = int(asked.params["size"]), int(asked.params["page"])
    if not 1 <= size <= 80 or not 1 <= page <= 50:
        return json_answer({"errorType": "InvalidArgument", "message": "page is more than max"}, 400)
    every = world.by_query.get(asked.params["query"], [])
    rows = [
        {
            "collection": "blog",
            "thumbnail_url": "https://t.example/t",
            "image_url": world.address(one),
            "width": one.width,
            "height": one.height,
            "display_sitename": "Example blog",
            "doc_url": f"https://blog.example/{one.name}",
            "datetime": "2026-05-01T09:00:00.000+09:00",
        }
        for one in every[(page - 1) * size : page * size]
    ]
    meta = {"total_count": len(every), "pageable_count": len(every), "is_end": page * size >= len(every)}
    return json_answer({"meta": meta, "documents": rows})
