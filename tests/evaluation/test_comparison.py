"""Which model is the best, and how sure that is."""

from __future__ import annotations

import pytest

from anmok.evaluation.comparison import best_marks, conclude, rank
from anmok.evaluation.paired import pairs_of_mistakes
from evaluation.made import answered, answers, data, model

CLASSES = ("cafe", "cave", "tea")


def right_on(*ranges: range, size: int = 200, classes: tuple[str, ...] = ("cafe", "cave")) -> object:
    """Answers to the same ``size`` pictures of two classes, right on those numbers only."""
    right = {number for part in ranges for number in part}
    y_true = [number % 2 for number in range(size)]
    return answers(classes, y_true, [c if n in right else 1 - c for n, c in enumerate(y_true)])


def test_the_best_has_the_highest_balanced_accuracy_even_if_another_is_right_more_often() -> None:
    fair = model("fair", answered(("many", "few"), [[150, 50], [1, 9]]))
    lazy = model("lazy", answered(("many", "few"), [[198, 2], [8, 2]]))
    best, reason, _warnings = conclude([lazy, fair], data(("many", "few")))
    assert best == "fair"
    assert "lazy even recognises more pictures in all; fair does better on the small classes" in reason


def test_equal_models_are_ranked_by_log_loss() -> None:
    sure = model("sure", answered(CLASSES, [[50, 0, 0], [0, 50, 0], [0, 0, 50]], sure=0.99))
    unsure = model("unsure", answered(CLASSES, [[50, 0, 0], [0, 50, 0], [0, 0, 50]], sure=0.5))
    assert [m.name for m in rank([unsure, sure])] == ["sure", "unsure"]


def test_a_clear_winner_is_called_more_than_chance_with_the_counts_and_the_interval() -> None:
    good, bad = model("good", right_on(range(190))), model("bad", right_on(range(120)))
    best, reason, _warnings = conclude([bad, good], data(("cafe", "cave")))
    assert best == "good"
    assert "95.0% of the test pictures (95% interval 9" in reason
    assert "of the 70 pictures that only one of good and bad, the second best, recognised, 70 went to good" in reason
    assert "p < 0.001" in reason
    assert "told apart" not in reason


def test_a_winner_by_a_few_pictures_is_said_to_be_no_winner_with_the_counts() -> None:
    first = model("first", right_on(range(180)), pictures_per_second=10.0)
    second = model("second", right_on(range(3, 180)), pictures_per_second=30.0)
    best, reason, _warnings = conclude([first, second], data(("cafe", "cave")))
    assert best == "first"
    assert "first and second cannot be told apart on 200 pictures; about " in reason
    assert "Of the 3 pictures that only one of the two recognised, 3 went to first and 0 to second" in reason
    assert "p = 0.25" in reason
    assert "second is the fastest" in reason


def test_the_test_on_the_same_pictures_sees_what_overlapping_intervals_hide() -> None:
    first, second = model("first", right_on(range(180))), model("second", right_on(range(168)))
    assert best_marks([first, second], "balanced_accuracy") == set()
    _best, reason, _warnings = conclude([first, second], data(("cafe", "cave")))
    assert "This is more than chance" in reason


def test_models_that_are_right_on_the_same_pictures_are_said_to_be() -> None:
    twins = [model("one", right_on(range(150))), model("two", right_on(range(150)))]
    _best, reason, _warnings = conclude(twins, data(("cafe", "cave")))
    assert "right on exactly the same" in reason


def test_of_three_only_the_rival_is_named_that_may_be_as_good() -> None:
    models = [model("a", right_on(range(180))), model("b", right_on(range(2, 181))), model("c", right_on(range(90)))]
    _best, reason, _warnings = conclude(models, data(("cafe", "cave")))
    assert "a and b cannot be told apart on 200 pictures" in reason
    assert "Nor can" not in reason


def test_more_models_ask_for_more_evidence() -> None:
    """Six pictures to none are p = 0.03: enough against one other model, too little against each of two."""
    two = [model("a", right_on(range(180))), model("b", right_on(range(174)))]
    assert "more than chance" in conclude(two, data(("cafe", "cave")))[1]
    reason = conclude([*two, model("c", right_on(range(6, 180)))], data(("cafe", "cave")))[1]
    assert "a and b cannot be told apart on 200 pictures" in reason
    assert "corrected for 3 pairs of models, p = 0.094" in reason
    assert "Nor can the best be told apart from c." in reason


def test_a_single_model_is_called_so() -> None:
    best, reason, _warnings = conclude([model("only", right_on(range(150)))], data(("cafe", "cave")))
    assert best == "only"
    assert "the only model" in reason


def test_no_model_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        conclude([], data(CLASSES))


def test_models_that_saw_different_pictures_are_compared_by_their_intervals() -> None:
    good = model("good", right_on(range(190)))
    bad = model("bad", right_on(range(80), size=198))
    assert pairs_of_mistakes([good, bad]) == ()
    assert "Its interval lies above" in conclude([good, bad], data(("cafe", "cave")))[1]
    near = model("near", right_on(range(185), size=198))
    assert "The intervals overlap" in conclude([good, near], data(("cafe", "cave")))[1]


def test_the_best_is_marked_only_where_its_interval_lies_apart() -> None:
    good, near, bad = (
        model("a", right_on(range(190))),
        model("b", right_on(range(185))),
        model("c", right_on(range(90))),
    )
    assert best_marks([good, bad], "accuracy") == {"a"}
    assert best_marks([good, near, bad], "accuracy") == set()
    assert best_marks([good], "accuracy") == set()
    assert best_marks([good, bad], "roc_auc") == {"a"}


def test_for_log_loss_the_smallest_is_marked() -> None:
    assert best_marks([model("a", right_on(range(90))), model("b", right_on(range(195)))], "log_loss") == {"b"}


def test_the_conclusion_speaks_the_language_of_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sentences pass through the catalogue when they are made, not when the module is loaded."""
    import anmok.evaluation.reason as module

    monkeypatch.setattr(module, "_", lambda text: "가" if text.endswith("is the only model.") else text)
    assert conclude([model("only", right_on(range(150)))], data(("cafe", "cave")))[1].startswith("가")
