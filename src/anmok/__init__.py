"""Anmok (안목, "a discerning eye"): which model recognises these pictures, and how far can I trust it?

What the command line does, Python code does by the same functions (docs/python-api.md):

>>> import anmok
>>> from pathlib import Path
>>> config = anmok.CompareConfig(models=("features-2d", "handcrafted"), leaks="repair", look_over=False)
>>> result = anmok.compare("sample", Path("out"), config)
>>> result.best
'handcrafted'
>>> for answer in anmok.Predictor.open("out/best.anmok").predict_source("photos"):
...     print(answer.path, answer.label)
IMG_0002.jpg Cheonjiyeon waterfall
IMG_0003.jpg Cheonjiyeon waterfall
IMG_0004.jpg Cheonjiyeon waterfall

Names are looked up when they are used, so ``import anmok`` itself is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from anmok.bundle.export import export_run
    from anmok.clean.apply import Applied
    from anmok.clean.decisions import AcceptRule
    from anmok.config import (
        BalanceConfig,
        BalanceRule,
        CleanConfig,
        CompareConfig,
        ExploreConfig,
        Limits,
        Recipe,
        SplitConfig,
        TuneConfig,
    )
    from anmok.data.balance import class_weights, undersample
    from anmok.data.manifest import Manifest
    from anmok.data.scan import scan
    from anmok.errors import AnmokError
    from anmok.evaluation.results import Comparison, Evaluation
    from anmok.explore.results import Exploration
    from anmok.inference.explain import Explanation, explain
    from anmok.inference.heat_map import HeatMap
    from anmok.inference.heat_mapper import HeatMapper
    from anmok.inference.overlay import heat_map_png
    from anmok.inference.predictor import Predictor
    from anmok.models.recipes import get_recipe, get_recipe_file
    from anmok.pipeline.augment import augment_preview
    from anmok.pipeline.augment_folder import augment_source
    from anmok.pipeline.balance import balance_source, oversample
    from anmok.pipeline.clean import Cleaning, apply_findings, clean_source
    from anmok.pipeline.compare import compare
    from anmok.pipeline.evaluate import Evaluated, evaluate
    from anmok.pipeline.explore import explore_source
    from anmok.pipeline.features2d import Features2dConfig, features_2d
    from anmok.pipeline.train import TrainOptions, resume_training, train_model
    from anmok.pipeline.tune import tune
    from anmok.records import Finding, Prediction, PredictionFailure
    from anmok.training.run import Run
    from anmok.tuning.results import Tuning

__all__ = [
    "AcceptRule",
    "AnmokError",
    "Applied",
    "BalanceConfig",
    "BalanceRule",
    "CleanConfig",
    "Cleaning",
    "CompareConfig",
    "Comparison",
    "Evaluated",
    "Evaluation",
    "Explanation",
    "Exploration",
    "ExploreConfig",
    "Features2dConfig",
    "Finding",
    "HeatMap",
    "HeatMapper",
    "Limits",
    "Manifest",
    "Prediction",
    "PredictionFailure",
    "Predictor",
    "Recipe",
    "Run",
    "SplitConfig",
    "TrainOptions",
    "TuneConfig",
    "Tuning",
    "apply_findings",
    "augment_preview",
    "augment_source",
    "balance_source",
    "class_weights",
    "clean_source",
    "compare",
    "evaluate",
    "explain",
    "explore_source",
    "export_run",
    "features_2d",
    "get_recipe",
    "get_recipe_file",
    "heat_map_png",
    "oversample",
    "resume_training",
    "scan",
    "train_model",
    "tune",
    "undersample",
]

_ROOMS = {
    "AcceptRule": "clean.decisions",
    "AnmokError": "errors",
    "Applied": "clean.apply",
    "BalanceConfig": "config",
    "BalanceRule": "config",
    "CleanConfig": "config",
    "Cleaning": "pipeline.clean",
    "CompareConfig": "config",
    "Comparison": "evaluation.results",
    "Evaluated": "pipeline.evaluate",
    "Evaluation": "evaluation.results",
    "Explanation": "inference.explain",
    "Exploration": "explore.results",
    "ExploreConfig": "config",
    "Features2dConfig": "pipeline.features2d",
    "Finding": "records",
    "HeatMap": "inference.heat_map",
    "HeatMapper": "inference.heat_mapper",
    "Limits": "config",
    "Manifest": "data.manifest",
    "Prediction": "records",
    "PredictionFailure": "records",
    "Predictor": "inference.predictor",
    "Recipe": "config",
    "Run": "training.run",
    "SplitConfig": "config",
    "TrainOptions": "pipeline.train",
    "TuneConfig": "config",
    "Tuning": "tuning.results",
    "apply_findings": "pipeline.clean",
    "augment_preview": "pipeline.augment",
    "augment_source": "pipeline.augment_folder",
    "balance_source": "pipeline.balance",
    "class_weights": "data.balance",
    "clean_source": "pipeline.clean",
    "compare": "pipeline.compare",
    "evaluate": "pipeline.evaluate",
    "explain": "inference.explain",
    "explore_source": "pipeline.explore",
    "export_run": "bundle.export",
    "features_2d": "pipeline.features2d",
    "get_recipe": "models.recipes",
    "get_recipe_file": "models.recipes",
    "heat_map_png": "inference.overlay",
    "oversample": "pipeline.balance",
    "resume_training": "pipeline.train",
    "scan": "data.scan",
    "train_model": "pipeline.train",
    "tune": "pipeline.tune",
    "undersample": "data.balance",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'anmok' has no attribute {name!r}")
    return getattr(import_module(f"anmok.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
