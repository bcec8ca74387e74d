"""A recipe for any model and strategy, where nobody wrote one: settings that do well as a rule. Light.

The settings of fine-tuning are those of docs/fine-tuning.md, where they were measured with MobileNetV2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from anmok.config import Recipe, RecipeFile, Strategy
from anmok.config.recipe_text import recipe_text
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.models.layer_count import parse_freeze
from anmok.models.registry import ModelSpec, all_models, get_model

#: What ``partial`` leaves to learn where nobody says.
FREEZE = "all but 2 blocks"
EPOCHS = 10
#: What the first line of a recipe that is made here says.
ABOUT: Mapping[Strategy, str] = {
    "frozen": "as it learned before, never changed; logistic regression on its vectors.",
    "partial": "its last two blocks and a new last layer learn, the others stay as they are.",
    "full": "all of it learns on, the layers near the pictures more slowly.",
}


def default_recipe(model: str, strategy: Strategy | str = "frozen", *, freeze: str = "") -> Recipe:
    """Return a recipe that trains ``model`` by ``strategy``.

    Args:
        freeze: of ``partial``, as recipes write it; empty: all but the last two blocks.

    Raises:
        UnknownName: there is no such model.
        UsageError: the model cannot be trained so, or ``freeze`` cannot be read.
    """
    spec = get_model(model)
    if strategy not in spec.strategies:
        raise UsageError(
            _("{model} cannot be trained by the strategy {strategy}.").format(model=model, strategy=strategy),
            hint=_("It can by: {strategies}.").format(strategies=", ".join(spec.strategies)),
        )
    if strategy == "partial":
        parse_freeze(freeze or FREEZE)
        return _fine_tuning(spec, "partial", freeze or FREEZE)
    if strategy == "full":
        return _fine_tuning(spec, "full", "")
    from anmok.models.recipes import get_recipe, recipe_names

    # A recipe that somebody wrote knows more than what suits most models.
    if spec.recipe in recipe_names():
        return get_recipe(spec.recipe)
    return Recipe(name=model, model=model, image_size=spec.image_size)


def default_recipe_names() -> tuple[str, ...]:
    """Return the names that ``default_recipe_file`` knows: a backbone's, alone or with ``-partial`` or ``-full``."""
    return tuple(_by_name())


def default_recipe_file(name: str) -> RecipeFile | None:
    """Return the default recipe of that name; None where there is none."""
    found = _by_name().get(name)
    if found is None:
        return None
    spec, strategy = found
    recipe = default_recipe(spec.name, strategy)
    return RecipeFile(recipe=recipe, text=recipe_text(recipe, remarks=(f"{spec.title}: {ABOUT[strategy]}",)))


def _by_name() -> dict[str, tuple[ModelSpec, Strategy]]:
    return {
        spec.name if strategy == "frozen" else f"{spec.name}-{strategy}": (spec, strategy)
        for spec in all_models()
        if spec.facts is not None
        for strategy in spec.strategies
    }


def _fine_tuning(spec: ModelSpec, strategy: Strategy, freeze: str) -> Recipe:
    recipe = Recipe(
        name=f"{spec.name}-{strategy}",
        model=spec.name,
        strategy=strategy,
        head="linear",
        freeze=freeze,
        image_size=spec.image_size,
        augmentation="flip-shift",
        epochs=EPOCHS,
        batch_size=32,
        optimizer="adamw",
        learning_rate=spec.gentle_rate,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.1,
        label_smoothing=0.1,
    )
    # What lies near the pictures knows edges and colours, and has the least to learn.
    return dataclasses.replace(recipe, layer_decay=0.75) if strategy == "full" else recipe
