"""Sources of pictures: one file each, one contract (``base``), found through ``registry``."""

from anmok.collect.sources.base import Source
from anmok.collect.sources.members import DEFAULT
from anmok.collect.sources.registry import all_sources, get_source, register_source

__all__ = ["DEFAULT", "Source", "all_sources", "get_source", "register_source"]
