"""``anmok train``: one model the whole way, and on with it where it stopped."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import (
    default_folder,
    drop_small_classes_option,
    json_option,
    lang_option,
    leak_policy,
    repair_option,
    source_argument,
    test_option,
    threads_option,
    valid_option,
)
from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.config import CompareConfig, Recipe
    from anmok.evaluation.results import Comparison
    from anmok.pipeline.train import TrainOptions


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Train one model by a recipe, measure it honestly, and leave a report and a bundle."))
    def train(
        source: Annotated[str, source_argument()] = "",
        recipe: Annotated[
            str, typer.Option("--recipe", "-r", help=_("Name of a recipe (see `anmok recipes list`), or a .toml file."))
        ] = "",
        model: Annotated[
            str, typer.Option("--model", "-m", help=_("Instead of a recipe: a model (see `anmok models`)."))
        ] = "",
        strategy: Annotated[
            str,
            typer.Option(
                help=_(
                    "With --model: frozen, partial:N (the last N blocks learn), partial:last-30-layers, "
                    "partial:first-200-layers (these stay as they are), full or scratch."
                )
            ),
        ] = "",
        as_published: Annotated[
            bool, typer.Option("--as-published", help=_("Keep the mistakes of the recipe's source, to see them."))
        ] = False,
        epochs: Annotated[
            int | None,
            typer.Option(min=0, help=_("How often each picture is seen; 0: chosen by the number of pictures.")),
        ] = None,
        batch_size: Annotated[int | None, typer.Option(min=1, help=_("Pictures in a step."))] = None,
        learning_rate: Annotated[float | None, typer.Option(help=_("The highest one of the schedule."))] = None,
        image_size: Annotated[
            int | None, typer.Option(min=0, help=_("Side of the square that the model sees, pixels."))
        ] = None,
        augmentation: Annotated[str | None, typer.Option(help=_("A policy (see `anmok augment`)."))] = None,
        seed: Annotated[int | None, typer.Option(min=0, help=_("Seed of weights, order and augmentation."))] = None,
        settings: Annotated[
            list[str] | None,
            typer.Option(
                "--set", metavar="KEY=VALUE", help=_("Change any setting of the recipe; may be given several times.")
            ),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-train-SOURCE-RECIPE if not given.")),
        ] = None,
        go_on: Annotated[
            Path | None,
            typer.Option(
                "--resume", metavar="RUN", help=_("Go on with the training in this folder of results or run.")
            ),
        ] = None,
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        split_seed: Annotated[int, typer.Option(help=_("Seed of the split."))] = 0,
        repair: Annotated[bool, repair_option()] = False,
        allow_leaks: Annotated[
            bool, typer.Option("--allow-leaks", help=_("Measure in spite of leaks; the report says so."))
        ] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        no_precheck: Annotated[
            bool, typer.Option("--no-precheck", help=_("Do not look first whether the network can learn at all."))
        ] = False,
        tensorboard: Annotated[
            bool, typer.Option("--tensorboard", help=_("Write logs for TensorBoard into the run's folder."))
        ] = False,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.config import CompareConfig, SplitConfig
        from anmok.pipeline.recipe_choice import changed, choose_recipe

        shortcuts = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "image_size": image_size,
            "augmentation": augmentation,
            "seed": seed,
        }
        given = _settings(shortcuts, settings or [])
        if go_on is not None:
            _refuse_beside_resume(source, recipe or model, {k: v for k, v in given.items() if k != "epochs"})
            options = _options(tensorboard=tensorboard, precheck=not no_precheck)
            comparison, folder = _resume(go_on, epochs or 0, options, threads)
            show(comparison, folder, as_json=as_json)
            return
        if not source:
            raise UsageError(
                _("No pictures were named."),
                hint=_("For example: anmok train photos/ --recipe cnn-small, or anmok train --resume FOLDER."),
            )
        chosen = choose_recipe(recipe, model=model, strategy=strategy, as_published=as_published)
        chosen = changed(chosen, given)
        if as_published:
            _tell_mistakes(recipe)
        config = CompareConfig(
            models=(chosen.name,),
            split=SplitConfig(test=test, valid=valid, seed=split_seed),
            leaks=leak_policy(repair=repair, allow=allow_leaks),
            drop_small_classes=drop_small_classes,
            look_over=False,
            threads=threads,
        )
        folder = out or default_folder("anmok-train", source, chosen.name)
        words = [recipe and f"--recipe={recipe}", model and f"--model={model}", strategy and f"--strategy={strategy}"]
        command = _command(source, folder, config, [word for word in words if word], given, as_published=as_published)
        options = _options(tensorboard=tensorboard, precheck=not no_precheck)
        comparison = _train(source, folder, chosen, config, options, command)
        show(comparison, folder, as_json=as_json)


def _tell_mistakes(recipe: str) -> None:
    """Say on standard error what ``--as-published`` takes back in, from the comments of the recipe."""
    from anmok.cli.console import harmless, stderr
    from anmok.models.recipes import get_recipe_file, mistakes

    text = _("As its source has it, mistakes included: {mistakes}").format(mistakes=mistakes(get_recipe_file(recipe)))
    stderr().print(harmless(text), markup=False)


def _options(*, tensorboard: bool, precheck: bool) -> TrainOptions:
    # Loaded only now: it takes seconds on a small machine, and a mistyped name is to be answered at once.
    from anmok.pipeline.train import TrainOptions

    return TrainOptions(tensorboard=tensorboard, precheck=precheck)


def _settings(shortcuts: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """Return the changes to the recipe, from options of their own and from ``--set``."""
    from anmok.pipeline.recipe_choice import read_settings

    given = {name: value for name, value in shortcuts.items() if value is not None}
    further = read_settings(texts)
    twice = sorted(set(given) & set(further))
    if twice:
        raise UsageError(
            _("{setting} was given twice: by an option of its own and by --set.").format(setting=twice[0]),
            hint=_("Give it once."),
        )
    return given | further


def _refuse_beside_resume(source: str, recipe: str, given: dict[str, Any]) -> None:
    if source or recipe or given:
        raise UsageError(
            _("--resume goes on with what was begun, so it takes neither pictures nor a recipe nor other settings."),
            hint=_("Give --resume FOLDER, perhaps with more --epochs; or leave it out, to train anew."),
        )


def _command(
    source: str, folder: Path, config: CompareConfig, recipe: list[str], given: dict[str, Any], *, as_published: bool
) -> str:
    """Return the command line that makes the same again."""
    import json

    from anmok.config import policy_words

    words = ["anmok", "train", source, *recipe, "--out", str(folder)]
    words += ["--as-published"] if as_published else []
    for name, value in given.items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    words += ["--test", str(config.split.test), "--valid", str(config.split.valid)]
    words += ["--split-seed", str(config.split.seed)]
    words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
    return shlex.join(words)


def _train(
    source: str, folder: Path, recipe: Recipe, config: CompareConfig, options: TrainOptions, command: str
) -> Comparison:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.train import train_model

    try:
        with TerminalProgress() as progress:
            return train_model(source, folder, recipe, config, options=options, progress=progress, command=command)
    except KeyboardInterrupt as interrupt:
        _say_how_to_go_on(folder, interrupt)
        raise


def _resume(folder: Path, epochs: int, options: TrainOptions, threads: int) -> tuple[Comparison, Path]:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.train import resume_training

    try:
        with TerminalProgress() as progress:
            return resume_training(folder, epochs=epochs, options=options, threads=threads, progress=progress)
    except KeyboardInterrupt as interrupt:
        _say_how_to_go_on(folder, interrupt)
        raise


def _say_how_to_go_on(folder: Path, interrupt: KeyboardInterrupt) -> None:
    """Say it in place of what all commands say at Ctrl-C; nothing where it came before anything was trained."""
    from anmok.cli.app import Stopped

    if (folder / "runs").is_dir() or folder.parent.name == "runs":
        typer.echo("\n" + _("Go on with: {command}").format(command=_resume_command(folder)), err=True)
        raise Stopped from interrupt


def _resume_command(folder: Path) -> str:
    return shlex.join(["anmok", "train", "--resume", str(folder)])


def show(comparison: Comparison, folder: Path, *, as_json: bool) -> None:
    """Print the table, what was learned, the diagnosis, the paths and how to go on; or the summary as JSON."""
    from anmok.cli.compare import show as show_comparison

    model = comparison.models[0]
    run = folder / model.run
    done, kept = len(model.history), _kept(run)
    further = [(_("Run"), str(run))]
    logs = run / "tensorboard"
    if logs.is_dir():
        further.append(("TensorBoard", shlex.join(["tensorboard", "--logdir", str(logs)])))
    # Where the best epoch lies far back, more of them would be wasted, and the diagnosis says what would help.
    if done and model.recipe["strategy"] != "frozen" and 2 * kept >= done:
        further.append((_("Train longer"), f"{_resume_command(folder)} --epochs {2 * done}"))
    show_comparison(comparison, folder, as_json=as_json, remarks=_learned(run, kept), further=further)


def _kept(folder: Path) -> int:
    """Return the epoch whose weights a run kept, from 1; 0 for a head that knows no epochs."""
    from anmok.storage import read_json

    return int(read_json(folder / "checkpoint" / "checkpoint.json").get("epoch", 0))


def _learned(folder: Path, kept: int) -> list[str]:
    """Return in a sentence which epoch was kept; nothing for a head that knows no epochs."""
    from anmok.training.run import Run

    history = Run(folder).history()
    row = next((row for row in history if row["epoch"] == kept), None)
    if row is None:
        return []
    text = _("Epoch {epoch} of {epochs} was kept: validation loss {loss:.3f}, {accuracy:.1%} right.")
    return [text.format(epoch=kept, epochs=len(history), loss=row["valid_loss"], accuracy=row["valid_accuracy"])]
