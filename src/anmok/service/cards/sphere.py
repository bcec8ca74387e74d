"""Distance and direction between two positions on the Earth, in degrees (WGS 84)."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the Earth, metres (IUGG)."""


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance of two positions in degrees, metres (haversine formula)."""
    first, second = radians(latitude), radians(other_latitude)
    half_lat, half_long = (second - first) / 2, radians(other_longitude - longitude) / 2
    square = sin(half_lat) ** 2 + cos(first) * cos(second) * sin(half_long) ** 2
    return 2 * EARTH_RADIUS * asin(sqrt(min(1.0, square)))


def bearing(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the direction in which a great circle leaves for the other position, degrees from north, 0 to 360."""
    first, second = radians(latitude), radians(other_latitude)
    turn = radians(other_longitude - longitude)
    east = sin(turn) * cos(second)
    north = cos(first) * sin(second) - sin(first) * cos(second) * cos(turn)
    return degrees(atan2(east, north)) % 360.0
