"""``anmok evaluate``, run as a user runs it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from anmok.bundle.format import read_bundle, update_bundle_info
from anmok.bundle.unknown.rule import UnknownRule
from anmok.cli import main
from anmok.cli.evaluate import _class_table
from anmok.data.scan import scan
from bundle.small_bundles import LABELS
from evaluation.tinted import trained_bundle, write_shades
from report.comparisons import comparison

DIVIDED = {
    "train": dict.fromkeys(LABELS, 20),
    "valid": dict.fromkeys(LABELS, 5),
    "test": {"red": 12, "green": 11, "blue": 10},
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_bundle(tmp_path_factory.mktemp("bundle") / "colours.anmok", dict.fromkeys(LABELS, 20))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shades(tmp_path_factory.mktemp("source") / "shades", DIVIDED)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def as_json(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    code, out, _err = run(capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def test_json_has_the_metrics_in_the_form_of_the_summary(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path
) -> None:
    values = as_json(capsys, bundle, source)
    for metric in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"):
        assert set(values[metric]) == {"value", "low", "high"}
    assert (values["split"], values["pictures"]) == ("test", 33)
    assert [(row["class"], row["pictures"]) for row in values["classes"]] == [("red", 12), ("green", 11), ("blue", 10)]
    assert values["confusion"] == [[12, 0, 0], [0, 11, 0], [0, 0, 10]]
    assert values["accuracy"]["value"] == 1
    assert values["accuracy"]["low"] < 0.9
    assert not any("trained on" in warning for warning in values["warnings"])


def test_people_get_the_metrics_and_each_class_with_intervals(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path
) -> None:
    code, out, _err = run(capsys, bundle, source)
    assert code == 0
    assert "colours on shades: 33 test pictures" in out
    assert re.search(r"Accuracy\W+1\.000\W+0\.896\W+1\.000", out)
    for label in LABELS:
        assert label in out
    assert "1.00 (0.76-1.00)" in out


@pytest.mark.parametrize("split", ["train", "valid", "all"])
def test_another_split_is_measured_where_it_is_named(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, split: str
) -> None:
    values = as_json(capsys, bundle, source, "--split", split)
    assert values["split"] == split
    assert values["pictures"] == {"train": 60, "valid": 15, "all": 108}[split]


@pytest.mark.parametrize("split", ["train", "all"])
def test_pictures_that_the_model_was_trained_on_are_called_no_result(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, split: str
) -> None:
    warnings = as_json(capsys, bundle, source, "--split", split)["warnings"]
    assert "about 100% of its training pictures are among them. Training accuracy is no result" in warnings[0]


def test_training_pictures_are_recognised_in_a_source_that_is_not_divided(
    capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path
) -> None:
    folder = write_shades(tmp_path / "shades", {"": dict.fromkeys(LABELS, 30)})
    warnings = as_json(capsys, bundle, folder)["warnings"]
    assert "was trained on pictures that are measured here" in warnings[0]
    assert "all its pictures are measured" in warnings[1]


def test_the_split_train_is_no_result_even_if_the_pictures_are_not_recognised(
    capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path
) -> None:
    # The first 20 shades of each class are those that the bundle knows; they lie in test here.
    folder = write_shades(tmp_path / "shades", {"test": dict.fromkeys(LABELS, 20), "train": dict.fromkeys(LABELS, 15)})
    warnings = as_json(capsys, bundle, folder, "--split", "train")["warnings"]
    assert warnings[0].startswith("These are training pictures")


def test_validation_pictures_that_the_model_was_made_with_are_no_test_and_others_are_fine(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, tmp_path: Path
) -> None:
    data_hash = scan(source).content_hash
    own = trained_bundle(tmp_path / "own.anmok", dict.fromkeys(LABELS, 20), data_hash=data_hash)
    assert any("chosen by them" in text for text in as_json(capsys, own, source, "--split", "valid")["warnings"])
    assert not any("chosen by them" in text for text in as_json(capsys, own, source)["warnings"])
    assert not any("chosen by them" in text for text in as_json(capsys, bundle, source, "--split", "valid")["warnings"])


def test_without_test_pictures_the_validation_pictures_are_measured_and_that_is_said(
    capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path
) -> None:
    folder = write_shades(tmp_path / "shades", {"train": dict.fromkeys(LABELS, 20), "valid": dict.fromkeys(LABELS, 12)})
    values = as_json(capsys, bundle, folder)
    assert values["split"] == "valid"
    assert any("no test pictures; its validation pictures" in warning for warning in values["warnings"])


def test_a_manifest_is_measured_by_its_own_splits(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, tmp_path: Path
) -> None:
    scan(source).save(tmp_path / "m.parquet")
    assert as_json(capsys, bundle, tmp_path / "m.parquet")["pictures"] == 33


@pytest.mark.parametrize("name", ["model.anmok", "best.anmok"])
def test_the_folder_of_a_run_or_a_comparison_stands_for_its_bundle(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(bundle.read_bytes())
    assert as_json(capsys, tmp_path, source)["bundle"].endswith(name)


def test_a_folder_without_a_bundle_is_bad_usage_that_says_what_was_looked_for(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    code, _out, err = run(capsys, tmp_path, source)
    assert code == 2
    assert "best.anmok" in err


def test_an_unknown_split_is_bad_usage(capsys: pytest.CaptureFixture[str], bundle: Path, source: Path) -> None:
    code, _out, err = run(capsys, bundle, source, "--split", "tset")
    assert code == 2
    assert "'tset'" in err
    assert "train, valid, test, all" in err


def test_a_class_that_the_bundle_does_not_know_ends_with_its_name_and_two_ways_out(
    capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path
) -> None:
    folder = write_shades(tmp_path / "shades", {"test": {"red": 12, "green": 12, "Blue": 7}})
    code, out, err = run(capsys, bundle, folder)
    assert (code, out) == (1, "")
    assert "7 pictures of classes that the model does not know: Blue" in err
    assert "--known-only" in err
    assert "'Blue' -> 'blue'" in err
    values = as_json(capsys, bundle, folder, "--known-only")
    assert values["unknown"] == {"Blue": 7}
    assert values["without_auc"] == ["blue"]
    assert any("does not know their class: Blue (7)" in warning for warning in values["warnings"])
    assert any("ROC-AUC leaves these classes out" in warning for warning in values["warnings"])


def test_files_that_cannot_be_used_are_named(capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path) -> None:
    folder = write_shades(tmp_path / "shades", {"test": dict.fromkeys(LABELS, 12)})
    (folder / "test/red/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    code, out, _err = run(capsys, bundle, folder)
    assert code == 0
    assert "1 file of the source could not be used: test/red/broken.png" in out


def test_a_damaged_bundle_is_an_error_and_prints_no_figures(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "half.anmok").write_bytes(bundle.read_bytes()[:1000])
    code, out, err = run(capsys, tmp_path / "half.anmok", source)
    assert (code, out) == (1, "")
    assert "half.anmok" in err


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Remembers shades of red and green only; refuses what is far from them."""
    rule = UnknownRule(
        score="neighbours", settings={"neighbours": 3}, threshold=0.3, accepts=0.95, pictures={"valid": 80}
    )
    path = trained_bundle(tmp_path_factory.mktemp("refusing") / "shades.anmok", {"red": 30, "green": 30})
    update_bundle_info(path, unknown=rule)
    return path


@pytest.fixture(scope="module")
def red_and_green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"train": {"red": 30, "green": 30}, "test": {"red": 40, "green": 40}}
    return write_shades(tmp_path_factory.mktemp("source") / "shades", counts)


@pytest.fixture(scope="module")
def blue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shades(tmp_path_factory.mktemp("other") / "blues", {"": {"blue": 50}})


def test_refusals_are_measured_and_change_no_figure_of_the_classes(
    capsys: pytest.CaptureFixture[str], refusing: Path, red_and_green: Path, tmp_path: Path
) -> None:
    plain = trained_bundle(tmp_path / "plain.anmok", {"red": 30, "green": 30})
    refused, named = as_json(capsys, refusing, red_and_green), as_json(capsys, plain, red_and_green)
    assert named["none_of_these"] is None
    found = refused["none_of_these"]
    for metric in ("accuracy", "log_loss", "confusion", "classes"):
        assert refused[metric] == named[metric]
    assert (found["score"], found["pictures"], found["others"]) == ("neighbours", 80, None)
    assert found["accepted"]["low"] < found["accepted"]["value"] < 1
    assert found["by_score"]["points"][0]["coverage"] == 1


def test_pictures_of_other_things_are_measured_on_request(
    capsys: pytest.CaptureFixture[str], refusing: Path, red_and_green: Path, blue: Path
) -> None:
    others = as_json(capsys, refusing, red_and_green, "--unknown", blue)["none_of_these"]["others"]
    assert (others["source"], others["pictures"]) == (str(blue), 50)
    assert 0.9 < others["auroc"]["value"] <= 1
    assert others["false_acceptance"]["value"] == sum(count for _name, count in others["taken_for"]) / 50
    assert others["false_acceptance_at_95"]["low"] <= others["false_acceptance_at_95"]["value"]
    code, out, _err = run(capsys, refusing, red_and_green, "--unknown", blue)
    assert code == 0
    assert "of the pictures are answered with a class" in out
    assert "Of 50 pictures of other things" in out
    assert "AUROC of" in out


def test_a_threshold_that_few_pictures_set_is_warned_of(
    capsys: pytest.CaptureFixture[str], refusing: Path, red_and_green: Path, tmp_path: Path
) -> None:
    info = read_bundle(refusing).info
    assert info.unknown is not None
    rough = tmp_path / "rough.anmok"
    rough.write_bytes(refusing.read_bytes())
    update_bundle_info(rough, unknown=replace(info.unknown, pictures={"valid": 12}))
    said = " ".join(run(capsys, rough, red_and_green)[1].split())
    assert "a threshold that was set on 12 calibration pictures" in said
    assert "calibration pictures" not in run(capsys, refusing, red_and_green)[1]


def test_a_bundle_that_cannot_refuse_is_not_asked_to(
    capsys: pytest.CaptureFixture[str], bundle: Path, source: Path, blue: Path
) -> None:
    code, _out, err = run(capsys, bundle, source, "--unknown", blue)
    assert code == 2
    assert "none of these" in err
    assert "none of these" not in run(capsys, bundle, source)[1].lower()


def test_other_pictures_that_are_not_there_are_said_so(
    capsys: pytest.CaptureFixture[str], refusing: Path, red_and_green: Path
) -> None:
    code, _out, err = run(capsys, refusing, red_and_green, "--unknown", "nowhere.zip")
    assert code == 2
    assert "nowhere.zip" in err


def test_at_80_columns_names_of_classes_are_not_cut() -> None:
    evaluation = comparison().models[0].evaluation
    scores = tuple(replace(score, label=name) for score in evaluation.per_class for name in ("buildings", "mountains"))
    written = io.StringIO()
    Console(width=80, file=written).print(_class_table(replace(evaluation, per_class=scores)))
    assert written.getvalue().count("buildings") == len(evaluation.per_class)
    assert max(map(len, written.getvalue().splitlines())) <= 80
