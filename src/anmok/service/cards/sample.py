"""The five sights of Jeju of the built-in sample, as cards: so that `anmok serve` has something to tell at once.

Positions are rounded to about a hundred metres, and those of what lies near may be off by more: a sample, no guide.
The words are our own, the photos drawn by this program (``scripts/card-photos``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from anmok.data.sample.places import place_names
from anmok.service.cards.models import Card, CardPhoto, Nearby
from anmok.service.cards.photos import keep

_PHOTOS = Path(__file__).parent / "sample_photos"
_CREDIT = "Anmok, drawn by a program"
_SIGHT, _RESTAURANT, _LODGING = "sight", "restaurant", "lodging"


@dataclass(frozen=True, slots=True)
class _Place:
    category: str
    latitude: float
    longitude: float
    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class _Sight:
    latitude: float
    longitude: float
    en: str
    ko: str
    near: tuple[_Place, ...]


_SIGHTS = (
    _Sight(
        33.306,
        126.290,
        "A tea museum amid green fields in the west of the island: how tea is grown and made; a view over the rows.",
        "제주 서쪽의 푸른 차밭에 자리한 차 박물관입니다. 차를 기르고 만드는 과정을 보고 차밭을 내려다볼 수 있습니다.",
        (
            _Place(_SIGHT, 33.315, 126.273, "Jeju Glass Castle", "제주 유리의성"),
            _Place(_SIGHT, 33.304, 126.297, "Jeju Aerospace Museum", "제주항공우주박물관"),
            _Place(_SIGHT, 33.321, 126.268, "Hwansang gotjawal forest", "환상숲 곶자왈"),
            _Place(_RESTAURANT, 33.307, 126.289, "Tea garden cafe", "차밭 카페"),
            _Place(_LODGING, 33.306, 126.317, "Shinhwa World resort", "신화월드 리조트"),
        ),
    ),
    _Sight(
        33.528,
        126.771,
        "A tunnel that lava left behind, one of the largest of its kind; a kilometre of it can be walked. It is cool.",
        "용암이 흐르고 남긴 거대한 동굴로, 약 1 km 구간을 걸어 볼 수 있습니다. 안은 서늘하니 겉옷을 챙기세요.",
        (
            _Place(_SIGHT, 33.535, 126.772, "Gimnyeong maze park", "김녕 미로공원"),
            _Place(_SIGHT, 33.491, 126.809, "Bijarim forest", "비자림"),
            _Place(_SIGHT, 33.556, 126.796, "Woljeongri beach", "월정리 해변"),
            _Place(_RESTAURANT, 33.557, 126.76, "Gimnyeong harbour restaurants", "김녕항 식당가"),
            _Place(_RESTAURANT, 33.555, 126.794, "Woljeongri cafe street", "월정리 카페거리"),
            _Place(_LODGING, 33.558, 126.758, "Gimnyeong guest houses", "김녕 게스트하우스"),
        ),
    ),
    _Sight(
        33.462,
        126.310,
        "A cafe of mirrored glass on the shore of Aewol; the sea and the sky stand in its walls.",
        "애월 바닷가에 있는 거울 유리 외벽의 카페입니다. 벽에 바다와 하늘이 그대로 비칩니다.",
        (
            _Place(_SIGHT, 33.46, 126.311, "Handam coastal walk", "한담 해안산책로"),
            _Place(_SIGHT, 33.451, 126.305, "Gwakji beach", "곽지 해수욕장"),
            _Place(_RESTAURANT, 33.462, 126.309, "Aewol cafe street", "애월 카페거리"),
            _Place(_RESTAURANT, 33.464, 126.319, "Aewol harbour restaurants", "애월항 식당가"),
            _Place(_LODGING, 33.466, 126.322, "Aewol pensions", "애월 펜션"),
        ),
    ),
    _Sight(
        33.238,
        126.425,
        "Columns of basalt, five- and six-sided, that formed where lava met the sea and cooled.",
        "용암이 바다를 만나 식으면서 생긴 오각·육각 현무암 기둥이 해안을 따라 늘어서 있습니다.",
        (
            _Place(_SIGHT, 33.245, 126.412, "Jungmun Saekdal beach", "중문 색달 해변"),
            _Place(_SIGHT, 33.252, 126.417, "Cheonjeyeon waterfalls", "천제연 폭포"),
            _Place(_SIGHT, 33.252, 126.413, "Yeomiji botanical garden", "여미지 식물원"),
            _Place(_RESTAURANT, 33.25, 126.424, "Jungmun market restaurants", "중문 식당가"),
            _Place(_LODGING, 33.247, 126.408, "Hotels of Jungmun", "중문 호텔단지"),
            _Place(_LODGING, 33.239, 126.432, "Daepo harbour guest houses", "대포항 게스트하우스"),
        ),
    ),
    _Sight(
        33.247,
        126.554,
        "A waterfall of some twenty metres in a wooded gorge near Seogwipo, lit in the evening.",
        "서귀포의 울창한 계곡에 있는 높이 약 20 m의 폭포로, 저녁에는 조명이 켜집니다.",
        (
            _Place(_SIGHT, 33.238, 126.558, "Saeyeongyo bridge", "새연교"),
            _Place(_SIGHT, 33.245, 126.572, "Jeongbang waterfall", "정방 폭포"),
            _Place(_SIGHT, 33.24, 126.545, "Oedolgae rock", "외돌개"),
            _Place(_SIGHT, 33.246, 126.561, "Lee Jung-seop street", "이중섭 거리"),
            _Place(_RESTAURANT, 33.25, 126.564, "Seogwipo Olle market", "서귀포 매일올레시장"),
            _Place(_RESTAURANT, 33.24, 126.562, "Seogwipo harbour restaurants", "서귀포항 식당가"),
            _Place(_LODGING, 33.246, 126.566, "Hotels of Seogwipo", "서귀포 호텔"),
        ),
    ),
)


def load_sample(labels: Sequence[str]) -> int:
    """Make cards for those of the five sights that a bundle knows, and return how many.

    Args:
        labels: the bundle's classes, which may be named in English or Korean.
    """
    made = 0
    names = zip(place_names("en"), place_names("ko"), _SIGHTS, strict=True)
    with transaction.atomic():
        for number, (english, korean, sight) in enumerate(names):
            label = next((one for one in labels if one in (english, korean)), None)
            if label is None:
                continue
            card, is_new = Card.objects.get_or_create(
                label=label,
                defaults={
                    "number": number,
                    "name_en": english,
                    "name_ko": korean,
                    "description_en": sight.en,
                    "description_ko": sight.ko,
                    "latitude": sight.latitude,
                    "longitude": sight.longitude,
                },
            )
            if is_new:
                _fill(card, number, sight)
            made += is_new
    return made


def _fill(card: Card, number: int, sight: _Sight) -> None:
    for order, path in enumerate(sorted(_PHOTOS.glob(f"{number}-*.jpg"))):
        kept = keep(path.name, path.read_bytes())
        CardPhoto.objects.create(
            card=card, order=order, picture=kept.picture, width=kept.width, height=kept.height, credit=_CREDIT
        )
    Nearby.objects.bulk_create(
        Nearby(
            card=card,
            category=place.category,
            name_en=place.en,
            name_ko=place.ko,
            latitude=place.latitude,
            longitude=place.longitude,
        )
        for place in sight.near
    )
