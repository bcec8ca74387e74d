"""The embedded sample: what it promises to the checks, the demonstration and the other tests."""

import csv
import hashlib
import os
import subprocess
import sys
from collections import Counter
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.data.sample import SampleTruth, draw_place, draw_sample, place_names

PER_CLASS = 20


class Drawn:
    """A sample drawn once for all tests of this file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[int, int]] = []
        self.truth = draw_sample(
            folder, per_class=PER_CLASS, progress=lambda done, total: self.steps.append((done, total))
        )
        self.files = sorted(folder.glob("*/*"))
        self.faulty = {row.path for row in self.truth}

    def of(self, fault: str) -> list[SampleTruth]:
        return [row for row in self.truth if row.fault == fault]

    def pixels(self, path: str) -> np.ndarray:
        """The picture at `path`, (160, 160, 3) float32 from 0 to 1."""
        with Image.open(self.folder / path) as picture:
            small = picture.convert("RGB").resize((160, 160), Image.Resampling.BICUBIC)
        return np.asarray(small, np.float32) / 255


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("sample") / "places")


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_class_has_its_folder_and_at_least_the_wanted_pictures(drawn: Drawn) -> None:
    counts = Counter(path.parent.name for path in drawn.files)
    assert set(counts) == set(place_names("en"))
    assert min(counts.values()) >= PER_CLASS
    assert sum(counts.values()) == 5 * PER_CLASS + len(drawn.truth)
    good = Counter(path.parent.name for path in drawn.files if f"{path.parent.name}/{path.name}" not in drawn.faulty)
    assert set(good.values()) == {PER_CLASS}


def test_the_default_sample_plans_the_promised_number_of_faults() -> None:
    from anmok.data.sample.faults import plan_sample

    plan = plan_sample(60, 2026, faults=True)
    counts = Counter(planned.fault for planned in plan)
    assert counts == {
        "": 300, "exact-duplicate": 6, "near-duplicate": 8, "wrong-label": 6, "off-topic": 6, "unreadable": 1,
    }  # fmt: skip


def test_the_table_on_disk_is_the_table_that_was_returned(drawn: Drawn) -> None:
    with (drawn.folder / "truth.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [SampleTruth(**row) for row in rows] == list(drawn.truth)
    assert list(rows[0]) == ["path", "fault", "other", "true_label"]
    assert all((drawn.folder / row.path).is_file() for row in drawn.truth)
    assert len(drawn.faulty) == len(drawn.truth)


def test_exact_duplicates_are_byte_equal_and_stay_in_their_class(drawn: Drawn) -> None:
    assert drawn.of("exact-duplicate")
    for row in drawn.of("exact-duplicate"):
        assert (drawn.folder / row.path).read_bytes() == (drawn.folder / row.other).read_bytes()
        assert Path(row.path).parent == Path(row.other).parent
        assert row.true_label == Path(row.path).parent.name
        assert row.other not in drawn.faulty


def test_no_two_other_files_are_byte_equal(drawn: Drawn) -> None:
    copies = {row.path for row in drawn.of("exact-duplicate")}
    hashes = [digest for path, digest in _hashes(drawn.folder).items() if path not in copies]
    assert len(hashes) == len(set(hashes))


def test_near_duplicates_differ_in_bytes_but_hardly_to_the_eye(drawn: Drawn) -> None:
    def correlation(a: str, b: str) -> float:
        first, second = (drawn.pixels(path).mean(axis=2) for path in (a, b))
        small = [x.reshape(16, 10, 16, 10).mean(axis=(1, 3)).ravel() for x in (first, second)]
        return float(np.corrcoef(*small)[0, 1])

    assert len(drawn.of("near-duplicate")) >= 3
    for row in drawn.of("near-duplicate"):
        assert (drawn.folder / row.path).read_bytes() != (drawn.folder / row.other).read_bytes()
        assert Path(row.path).parent == Path(row.other).parent
        assert correlation(row.path, row.other) > 0.93
    sound = [path.relative_to(drawn.folder).as_posix() for path in drawn.files]
    sound = [path for path in sound if path not in drawn.faulty][:20]
    assert max(correlation(a, b) for a, b in pairwise(sound)) < 0.93


def test_unreadable_files_fail_to_load_and_all_others_load(drawn: Drawn) -> None:
    broken = {row.path for row in drawn.of("unreadable")}
    assert broken
    for path in drawn.files:
        data = BytesIO(path.read_bytes())
        if path.relative_to(drawn.folder).as_posix() in broken:
            with pytest.raises(OSError, match="truncated"), Image.open(data) as picture:
                picture.load()
        else:
            with Image.open(data) as picture:
                picture.load()
                assert picture.mode == "RGB"


def test_wrong_labels_name_another_class_than_their_folder(drawn: Drawn) -> None:
    assert drawn.of("wrong-label")
    for row in drawn.of("wrong-label"):
        assert row.true_label in place_names("en")
        assert row.true_label != Path(row.path).parent.name


def test_off_topic_and_unreadable_pictures_claim_no_class(drawn: Drawn) -> None:
    rows = [*drawn.of("off-topic"), *drawn.of("unreadable")]
    assert rows
    assert all(row.true_label == row.other == "" for row in rows)


def test_file_names_do_not_give_faults_away(drawn: Drawn) -> None:
    assert all(path.stem.startswith("IMG_") and path.suffix == ".jpg" for path in drawn.files)
    last = {name: sorted(p.name for p in drawn.files if p.parent.name == name)[-3:] for name in place_names("en")}
    tail = {f"{name}/{file}" for name, files in last.items() for file in files}
    assert not drawn.faulty <= tail


def test_the_same_seed_gives_the_same_bytes_in_another_process(drawn: Drawn, tmp_path: Path) -> None:
    again = tmp_path / "again"
    script = (
        "import sys; from pathlib import Path; from anmok.data.sample import draw_sample\n"
        "draw_sample(Path(sys.argv[1]), per_class=1)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "123", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(again)], check=True, env=environment)
    draw_place(3, seed=99)  # what was drawn before must not matter
    draw_sample(tmp_path / "here", per_class=1)
    assert _hashes(again) == _hashes(tmp_path / "here")
    # What is drawn of a class does not depend on how much is drawn: a larger sample holds the smaller one.
    sound = {digest for path, digest in _hashes(tmp_path / "here").items() if path.endswith(".jpg")}
    assert len(sound & set(_hashes(drawn.folder).values())) >= 5


def test_another_seed_gives_other_pictures() -> None:
    first, same, other = (np.asarray(draw_place(0, seed=seed, size=64)) for seed in (1, 1, 2))
    assert (first == same).all()
    assert np.abs(first.astype(int) - other).mean() > 5


@pytest.mark.parametrize("place", range(5), ids=place_names("en"))
def test_a_larger_picture_shows_the_same_scene(place: int) -> None:
    small = np.asarray(draw_place(place, seed=7, size=80).convert("L").resize((10, 10)), np.float32)
    large = draw_place(place, seed=7, size=160).convert("L")
    assert large.size == (160, 160)
    assert np.corrcoef(small.ravel(), np.asarray(large.resize((10, 10)), np.float32).ravel())[0, 1] > 0.8


def test_korean_names_become_folders(tmp_path: Path) -> None:
    truth = draw_sample(tmp_path / "표본", per_class=1, lang="ko")
    assert sorted(p.name for p in (tmp_path / "표본").iterdir() if p.is_dir()) == sorted(
        ["오설록 티 뮤지엄", "만장굴", "몽상드애월", "주상절리", "천지연 폭포"]
    )
    assert {row.true_label for row in truth} - {""} <= set(place_names("ko"))


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="en, ko"):
        place_names("jp")


def test_a_sample_without_faults_has_an_empty_table(tmp_path: Path) -> None:
    assert draw_sample(tmp_path / "clean", per_class=1, faults=False) == ()
    assert len(list((tmp_path / "clean").glob("*/*.jpg"))) == 5
    assert (tmp_path / "clean" / "truth.csv").read_text(encoding="utf-8") == "path,fault,other,true_label\n"


def test_progress_counts_every_picture_once(drawn: Drawn) -> None:
    total = len(drawn.files)
    assert drawn.steps == [(done, total) for done in range(1, total + 1)]


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        draw_sample(tmp_path, per_class=1)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    draw_sample(tmp_path / "new", per_class=1, faults=False)
    assert (tmp_path / "new" / "truth.csv").is_file()


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_sample(tmp_path / "half", per_class=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("place", 5), ("place", -1), ("seed", -1)])
def test_places_and_seeds_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        draw_place(value if name == "place" else 0, seed=value if name == "seed" else 1)


def _texture(picture: np.ndarray) -> np.ndarray:
    """Colour and structure of a (160, 160, 3) picture: means on a 4 x 4 grid, histogram of edge directions."""
    grid = picture.reshape(4, 40, 4, 40, 3)
    grey = picture.mean(axis=2)
    dy, dx = np.gradient(grey)
    size, direction = np.hypot(dx, dy), (np.arctan2(dy, dx) % np.pi) / np.pi
    edges = [
        np.histogram(direction[r : r + 80, c : c + 80], bins=6, range=(0, 1), weights=size[r : r + 80, c : c + 80])[0]
        for r in (0, 80)
        for c in (0, 80)
    ]
    return np.concatenate([grid.mean(axis=(1, 3)).ravel(), grid.std(axis=(1, 3)).ravel(), np.ravel(edges) / 100])


def test_classes_can_be_learnt_but_not_from_the_mean_colour_alone(drawn: Drawn) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sound = [path.relative_to(drawn.folder).as_posix() for path in drawn.files]
    sound = [path for path in sound if path not in drawn.faulty]
    labels = [Path(path).parent.name for path in sound]
    pictures = [drawn.pixels(path) for path in sound]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1))
    colour = cross_val_score(model, np.array([p.mean(axis=(0, 1)) for p in pictures]), labels, cv=4).mean()
    structure = cross_val_score(model, np.array([_texture(p) for p in pictures]), labels, cv=4).mean()
    assert colour < 0.85
    assert structure > 0.75
    assert structure > colour + 0.05
