"""Pictures that all models get wrong, and those that only one does."""

from __future__ import annotations

from anmok.evaluation.results import Mistake, ModelResult
from anmok.evaluation.shared_mistakes import ALONE, SHARED, find_only, find_shared
from evaluation.made import answered, model


def wrong_on(name: str, mistakes: dict[str, float], answer: str = "cave") -> ModelResult:
    """A model with these mistakes, by path how sure it was."""
    result = answered(("cafe", "cave", "tea"), [[50, 0, 0], [0, 50, 0], [0, 0, 50]])
    made = sorted(mistakes.items(), key=lambda pair: -pair[1])
    wrong = tuple(Mistake(path, "cafe", answer, sure, 1 - sure) for path, sure in made)
    return model(name, type(result)(**{**{f: getattr(result, f) for f in result.__slots__}, "mistakes": wrong}))


def test_shared_are_the_pictures_that_every_model_gets_wrong_the_surest_of_all_first() -> None:
    models = [
        wrong_on("a", {"1.jpg": 0.99, "2.jpg": 0.6, "3.jpg": 0.9, "4.jpg": 0.8}),
        wrong_on("b", {"1.jpg": 0.5, "2.jpg": 0.7, "3.jpg": 0.9, "5.jpg": 0.8}, "tea"),
    ]
    shared, count = find_shared(models)
    assert [(mistake.path, mistake.probability) for mistake in shared] == [
        ("3.jpg", 0.9),
        ("2.jpg", 0.6),
        ("1.jpg", 0.5),
    ]
    assert count == 3
    assert shared[0].true == "cafe"
    assert shared[0].predicted == {"a": "cave", "b": "tea"}


def test_only_one_models_mistakes_are_those_that_no_other_makes() -> None:
    models = [
        wrong_on("a", {"1.jpg": 0.99, "2.jpg": 0.6, "3.jpg": 0.9}),
        wrong_on("b", {"1.jpg": 0.5, "3.jpg": 0.7}),
        wrong_on("c", {"3.jpg": 0.5, "7.jpg": 0.7, "8.jpg": 0.8}),
    ]
    only, counts = find_only(models)
    assert {name: [mistake.path for mistake in own] for name, own in only.items()} == {
        "a": ["2.jpg"],
        "b": [],
        "c": ["8.jpg", "7.jpg"],
    }
    assert counts == {"a": 1, "b": 0, "c": 2}


def test_many_are_counted_and_the_first_few_kept() -> None:
    both = {f"both-{n}.jpg": 0.5 + n / 1000 for n in range(100)}
    models = [wrong_on("a", both), wrong_on("b", both | {f"own-{n}.jpg": 0.9 for n in range(70)})]
    shared, count = find_shared(models)
    assert (len(shared), count) == (SHARED, 100)
    assert shared[0].path == "both-99.jpg"
    only, counts = find_only(models)
    assert (len(only["b"]), counts["b"]) == (ALONE, 70)


def test_a_single_model_shares_nothing_and_stands_out_by_nothing() -> None:
    alone = [wrong_on("a", {"1.jpg": 0.99})]
    assert find_shared(alone) == ((), 0)
    assert find_only(alone) == ({}, {})
