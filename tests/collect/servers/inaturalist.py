"""iNaturalist as documented: observations with photos of licences of their own, by rising number."""

from __future__ import annotations

from tests.collect.servers.world import Answer, Asked, World, json_answer

PATH = "inaturalist/v1/observations"


def answer(world: World, asked: Asked) -> Answer:
    size, above = int(asked.params["per_page"]), int(asked.params["id_above"])
    if size > 200:
        return json_answer({"error": "per_page is at most 200", "status": 422}, 422)
    every = world.by_query.get(asked.params["taxon_name"], [])
    rows = []
    for at, one in enumerate(every, 1):
        photo = {
            "id": at,
            "license_code": one.licence if one.licence == "cc0" else f"cc-{one.licence}" if one.licence else None,
            "url": f"{world.base}/photos/{one.name}/square.jpg",
            "original_dimensions": {"width": one.width, "height": one.height},
            "attribution": f"(c) {one.author}, some rights reserved",
        }
        user = {"login": "jo", "name": one.author}
        rows.append(
            {"id": at, "uri": f"https://inat.example/{at}", "taxon": {"name": "Felis"}, "user": user, "photos": [photo]}
        )
    shown = [row for row in rows if int(str(row["id"])) > above][:size]
    return json_answer({"total_results": len(every), "page": 1, "per_page": size, "results": shown})
