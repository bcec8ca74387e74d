"""Keywords in, licensed and deduplicated pictures out, with where they are from::

    plan = Plan(classes=(class_plan("cat", ["cat", "고양이"], "openverse"),), per_class=30)
    kept = collect(plan, Path("photos")).kept  # {"cat": 30}

In the order of the way of a picture: ``sources/`` (one file each: makes calls, reads pages), ``listing`` (which page is
next), ``fetching`` and ``scrapy_parts`` (manners and safety, on Scrapy), ``checking`` (is it a picture), ``judge`` (do
we have it already), ``state`` (all that outlives a kill), ``outcome`` (manifest, attribution).
"""

from anmok.collect.collected import Collected
from anmok.collect.collecting import check, collect
from anmok.collect.plan import ClassPlan, Limits, Manners, Plan, QueryText, class_plan, read_plan
from anmok.collect.sources import all_sources, get_source

__all__ = [
    "ClassPlan",
    "Collected",
    "Limits",
    "Manners",
    "Plan",
    "QueryText",
    "all_sources",
    "check",
    "class_plan",
    "collect",
    "get_source",
    "read_plan",
]
