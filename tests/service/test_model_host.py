"""The models of one process: who answers, and what is refused."""

from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import Limits
from anmok.errors import BundleError, SourceNotFound, UnknownName, UsageError
from anmok.inference.predictor import Predictor
from anmok.service.hosting.choices import (
    MAIN,
    BundleChoice,
    check_choices,
    from_environment,
    parse_choice,
    to_environment,
)
from anmok.service.hosting.host import ModelHost
from anmok.service.hosting.hosted import Serving, version_of
from anmok.service.hosting.shared_counts import FOLDER_VARIABLE, share_between_processes
from anmok.service.hosting.store import BundleStore
from tests.bundle.small_bundles import LABELS, coloured_picture, write_colour_bundle

SERVING = Serving(turns=threading.Semaphore(2), together=1, candidates=3, limits=Limits())
OTHER = ("rouge", "vert", "bleu")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    write_colour_bundle(folder / "a.anmok")
    write_colour_bundle(folder / "b.anmok", info={"labels": OTHER})
    return folder


class Service:
    """A host with one named bundle, whose file can be exchanged."""

    def __init__(self, folder: Path, bundles: Path) -> None:
        self.file, self.bundles, self.store = folder / "named.anmok", bundles, BundleStore(folder / "data")
        shutil.copy(bundles / "a.anmok", self.file)
        self.host = self.start()

    def start(self) -> ModelHost:
        return ModelHost([BundleChoice(MAIN, self.file)], self.store, SERVING)

    def replace(self, name: str) -> None:
        beside = self.file.with_suffix(".new")
        shutil.copy(self.bundles / name, beside)
        beside.replace(self.file)

    def damage(self) -> None:
        self.file.write_bytes((self.bundles / "b.anmok").read_bytes()[:-100])

    def look(self) -> None:
        # Twice: a file must look the same two times.
        self.host.refresh()
        self.host.refresh()

    @property
    def labels(self) -> tuple[str, ...]:
        return self.host.get().predictor.labels


@pytest.fixture
def service(tmp_path: Path, bundles: Path) -> Service:
    return Service(tmp_path, bundles)


def test_a_replaced_file_answers_after_two_looks_and_who_asked_before_is_answered_by_the_old_one(
    service: Service,
) -> None:
    before = service.host.get()
    service.replace("b.anmok")
    service.host.refresh()
    assert service.labels == LABELS
    service.host.refresh()
    assert service.labels == OTHER
    assert service.host.get().version == version_of(service.file) != before.version
    red = coloured_picture("red", size=16)
    assert before.ask("x", red).label == "red"
    assert service.host.get().ask("x", red).label == "rouge"


def test_an_exchanged_bundle_leaves_the_memory_with_the_last_request_that_holds_it(service: Service) -> None:
    gc.disable()
    try:
        held = service.host.get()
        held.ask("x", coloured_picture("red", size=16))
        gone = [weakref.ref(one) for one in (held, held.predictor, held.predictor._graph._session)]
        service.replace("b.anmok")
        service.look()
        assert all(one() is not None for one in gone)
        del held
        assert [one() for one in gone] == [None] * len(gone)
    finally:
        gc.enable()


def test_a_damaged_file_is_refused_once_and_the_next_sound_one_is_taken(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.damage()
    for _number in range(4):
        service.look()
    assert service.labels == LABELS
    assert sum("refused" in record.message for record in caplog.records) == 1
    service.replace("b.anmok")
    service.look()
    assert service.labels == OTHER


def test_a_file_that_is_still_written_is_not_read(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    whole = (service.bundles / "b.anmok").read_bytes()
    for end in range(0, len(whole), len(whole) // 5):
        service.file.write_bytes(whole[:end])
        service.host.refresh()
    service.file.write_bytes(whole)
    service.look()
    assert service.labels == OTHER
    assert not caplog.records


def test_a_file_that_is_gone_goes_on_answering(service: Service) -> None:
    service.file.unlink()
    service.look()
    assert service.labels == LABELS


@pytest.mark.parametrize("gone", [False, True], ids=["damaged", "gone"])
def test_a_process_that_starts_while_the_file_is_unusable_takes_what_answered_last(
    service: Service, gone: bool
) -> None:
    if gone:
        service.file.unlink()
    else:
        service.damage()
    service.host = service.start()
    assert service.labels == LABELS
    service.replace("b.anmok")
    service.look()
    assert service.labels == OTHER


def test_without_any_sound_bundle_nothing_starts(tmp_path: Path, bundles: Path) -> None:
    store = BundleStore(tmp_path)
    with pytest.raises(SourceNotFound):
        ModelHost([BundleChoice(MAIN, tmp_path / "none.anmok")], store, SERVING)
    broken = tmp_path / "broken.anmok"
    broken.write_bytes(b"x" * 100)
    with pytest.raises(BundleError):
        ModelHost([BundleChoice(MAIN, broken)], store, SERVING)


def test_an_installed_bundle_goes_before_the_named_one_until_it_is_removed(service: Service) -> None:
    service.store.install(MAIN, service.bundles / "b.anmok", SERVING)
    service.look()
    assert service.labels == OTHER
    service.host = service.start()
    assert service.labels == OTHER
    service.store.remove(MAIN)
    service.look()
    assert service.labels == LABELS
    with pytest.raises(UnknownName):
        service.store.remove(MAIN)


def test_a_damaged_bundle_is_not_installed_and_the_one_before_stays(service: Service) -> None:
    service.store.install(MAIN, service.bundles / "b.anmok", SERVING)
    service.damage()
    with pytest.raises(BundleError):
        service.store.install(MAIN, service.file, SERVING)
    assert service.store.place(MAIN).read_bytes() == (service.bundles / "b.anmok").read_bytes()


def test_a_bundle_that_is_installed_under_a_new_name_answers_beside_the_others_and_may_leave_again(
    service: Service,
) -> None:
    service.store.install("birds", service.bundles / "b.anmok", SERVING)
    service.look()
    assert [one.name for one in service.host.all()] == [MAIN, "birds"]
    assert service.host.get("birds").predictor.labels == OTHER
    assert service.labels == LABELS
    service.store.remove("birds")
    service.look()
    with pytest.raises(UnknownName, match="birds"):
        service.host.get("birds")


def test_squares_are_answered_as_the_files_are(bundles: Path) -> None:
    predictor = Predictor.open(bundles / "a.anmok")
    squares = np.stack([coloured_picture(colour, size=16, seed=seed) for colour in LABELS for seed in range(3)])
    names = [str(number) for number in range(len(squares))]
    answers = predictor.predict_squares(names, squares, top_k=2)
    assert [answer.path for answer in answers] == names
    probabilities = predictor.predict_pixels(squares).probabilities
    assert [answer.index for answer in answers] == probabilities.argmax(axis=1).tolist()
    assert [answer.probability for answer in answers] == pytest.approx(probabilities.max(axis=1).tolist())
    assert all(len(answer.top) == 2 for answer in answers)


# What the command line names


def test_bundles_are_named_before_an_equals_sign_and_a_file_of_that_name_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_choice("best.anmok") == BundleChoice(MAIN, Path("best.anmok"))
    assert parse_choice("birds=b=c.anmok") == BundleChoice("birds", Path("b=c.anmok"))
    Path("birds=b.anmok").touch()
    assert parse_choice("birds=b.anmok") == BundleChoice(MAIN, Path("birds=b.anmok"))
    for wrong in ("Birds=x", "a/b=x", "=x", "../x=y", f"{'a' * 41}=x"):
        with pytest.raises(UsageError):
            parse_choice(wrong)
    with pytest.raises(UsageError, match="Two bundles"):
        check_choices([parse_choice("a.anmok"), parse_choice("b.anmok")])


NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True)
FILES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0"), min_size=1
)


@given(st.dictionaries(NAMES, FILES, max_size=4))
def test_bundles_come_out_of_the_environment_as_they_went_in(named: dict[str, str]) -> None:
    choices = [BundleChoice(name, (Path("/nowhere") / file).resolve()) for name, file in named.items()]
    assert list(from_environment(to_environment(choices))) == choices


def test_counts_of_killed_services_are_swept_away_and_those_of_running_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    left = tmp_path / "counts" / "killed"
    left.mkdir(parents=True)
    (left / ".lock").touch()
    (left / "counter_1.db").touch()
    with share_between_processes(tmp_path):
        running = Path(os.environ[FOLDER_VARIABLE])
        assert not left.exists()
        with share_between_processes(tmp_path):
            assert running.is_dir()
            assert Path(os.environ[FOLDER_VARIABLE]) != running
    assert list((tmp_path / "counts").iterdir()) == []
