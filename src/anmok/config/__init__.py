"""The settings of every stage: frozen dataclasses, read from TOML, written as JSON.

Nothing here computes. A key that no stage knows, or a value of the wrong type, is a ``UsageError`` that
names the file, the key and what would have been right.
"""

from __future__ import annotations

from anmok.config.reading import from_mapping, to_json
from anmok.config.recipe import ClassWeights, Preprocessing, Recipe, ResizeRule, SamplerName, Strategy
from anmok.config.recipe_file import (
    AS_PUBLISHED_SUFFIX,
    RecipeFile,
    SearchRange,
    load_recipe,
    load_recipe_file,
    read_range,
)
from anmok.config.stages import (
    BALANCE_WORDS,
    BalanceConfig,
    BalanceRule,
    CleanConfig,
    CompareConfig,
    ExploreConfig,
    LeakPolicy,
    Limits,
    MapMethod,
    OffTopicMethod,
    SplitConfig,
    TuneConfig,
    policy_words,
)

__all__ = [
    "AS_PUBLISHED_SUFFIX",
    "BALANCE_WORDS",
    "BalanceConfig",
    "BalanceRule",
    "ClassWeights",
    "CleanConfig",
    "CompareConfig",
    "ExploreConfig",
    "LeakPolicy",
    "Limits",
    "MapMethod",
    "OffTopicMethod",
    "Preprocessing",
    "Recipe",
    "RecipeFile",
    "ResizeRule",
    "SamplerName",
    "SearchRange",
    "SplitConfig",
    "Strategy",
    "TuneConfig",
    "from_mapping",
    "load_recipe",
    "load_recipe_file",
    "policy_words",
    "read_range",
    "to_json",
]
