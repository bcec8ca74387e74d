from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.bundle.info import BundleInfo, Measured, NewerFormat, Parity, info_from_json
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.rule import UnknownRule, rule_to_json
from anmok.records import Interval
from bundle.small_bundles import RULE, colour_info

FULL = replace(
    colour_info(),
    unknown=RULE,
    weights_licence="Apache-2.0",
    measured=Measured("test", 6, {"accuracy": Interval(0.9, 0.6, 0.98)}),
)


def rule_values(**changes: Any) -> dict[str, Any]:
    return rule_to_json(RULE) | changes


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
shares = st.floats(0, 1)
figures = st.floats(-1e6, 1e6)


rules = st.builds(
    UnknownRule,
    score=st.just("neighbours"),
    settings=st.fixed_dictionaries({"neighbours": st.integers(1, 1000)}),
    threshold=figures,
    accepts=shares,
    pictures=st.dictionaries(st.sampled_from(["train", "valid"]), st.integers(0, 10**6)),
) | st.builds(
    UnknownRule,
    score=st.sampled_from(["probability", "energy"]),
    settings=st.fixed_dictionaries({"temperature": st.floats(0.01, 100)}),
    threshold=figures,
    accepts=shares,
)


@st.composite
def infos(draw: st.DrawFn) -> BundleInfo:
    labels = tuple(draw(st.lists(names, min_size=2, max_size=6, unique=True)))
    counts = st.tuples(*[st.integers(0, 10**6)] * len(labels))
    return BundleInfo(
        labels=labels,
        image_size=draw(st.integers(1, 4096)),
        resize=draw(st.sampled_from(["squash", "crop", "pad"])),
        temperature=draw(st.floats(0.01, 100)),
        unknown=draw(st.none() | rules),
        name=draw(names),
        model=draw(names),
        recipe=draw(
            st.dictionaries(
                names,
                names | st.booleans() | st.integers(-(2**50), 2**50) | figures | st.lists(names, max_size=3).map(tuple),
                max_size=5,
            )
        ),
        data_hash=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        pictures=draw(st.dictionaries(st.sampled_from(["train", "valid", "test"]), counts)),
        weights_licence=draw(names),
        weights_source=draw(names),
        anmok_version=draw(names),
        parity=draw(st.none() | st.builds(Parity, shares, shares, st.integers(0, 10**6))),
        measured=draw(
            st.none()
            | st.builds(
                Measured,
                st.sampled_from(["train", "valid", "test"]),
                st.integers(1, 10**6),
                st.dictionaries(names, st.builds(Interval, figures, figures, figures), max_size=3),
            )
        ),
    )


def as_json(values: Any) -> bytes:
    return json.dumps(values).encode()


@given(info=infos())
def test_what_is_written_as_json_is_read_back_equal(info: BundleInfo) -> None:
    assert info_from_json(as_json(info.to_json())) == info


def test_every_key_is_wanted() -> None:
    for key in set(FULL.to_json()) - {"origin"}:  # bundles of older versions have none
        values = FULL.to_json()
        del values[key]
        with pytest.raises(ValueError, match=f"{key} is missing"):
            info_from_json(as_json(values))


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ValueError, match="'surprise' is not known"):
        info_from_json(as_json(FULL.to_json() | {"surprise": 1}))


def test_a_key_given_twice_is_refused() -> None:
    text = as_json(FULL.to_json()).replace(b'"resize"', b'"resize": "crop", "resize"')
    with pytest.raises(ValueError, match="twice"):
        info_from_json(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("labels", ["red", "green", "red"]),
        ("labels", ["red"]),
        ("labels", ["red", ""]),
        ("labels", ["red", 5]),
        ("labels", ["red", "\ud800"]),
        ("labels", "red"),
        ("image_size", 0),
        ("image_size", -5),
        ("image_size", 10**6),
        ("image_size", 16.0),
        ("image_size", True),
        ("image_size", 10**400),
        ("resize", "stretch"),
        ("resize", ["squash"]),
        ("temperature", 0),
        ("temperature", -1.0),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "1"),
        ("temperature", None),
        ("unknown", 0.5),
        ("unknown", rule_values(score="guess")),
        ("unknown", rule_values(score="\x1b[31m")),
        ("unknown", rule_values(score=["neighbours"])),
        ("unknown", rule_values(threshold="far")),
        ("unknown", rule_values(threshold=None)),
        ("unknown", rule_values(threshold=float("nan"))),
        ("unknown", rule_values(threshold=float("inf"))),
        ("unknown", rule_values(threshold=10**400)),
        ("unknown", rule_values(accepts=1.5)),
        ("unknown", rule_values(settings={})),
        ("unknown", rule_values(settings={"neighbours": 0})),
        ("unknown", rule_values(settings={"neighbours": 10**9})),
        ("unknown", rule_values(settings={"neighbours": 2.5})),
        ("unknown", rule_values(settings={"neighbours": [5]})),
        ("unknown", rule_values(settings={"neighbours": 5, "temperature": 1})),
        ("unknown", rule_values(pictures={"test": 5})),
        ("unknown", rule_values(pictures={"valid": -5})),
        ("unknown", rule_values(pictures={"valid": 1.5})),
        ("unknown", rule_values(surprise=1)),
        ("data_hash", "ab"),
        ("data_hash", "AB" * 32),
        ("data_hash", "ab" * 32 + "\n"),
        ("recipe", {"epochs": [[1]]}),
        ("recipe", {"epochs": float("inf")}),
        ("recipe", None),
        ("recipe", {"\ud800": 1}),
        ("recipe", {"\x1b[31m": [None]}),
        ("labels", [[[[["deep"]]]], "a", "b"]),
        ("pictures", {"train": [1, 2]}),
        ("pictures", {"train": [1, 2, -3]}),
        ("pictures", {"elsewhere": [1, 2, 3]}),
        ("parity", {"same_class": 1.5, "max_difference": 0, "pictures": 3}),
        ("parity", {"same_class": 1.0, "max_difference": 0}),
        ("measured", {"split": "test", "pictures": 0, "metrics": {}}),
        ("measured", {"split": "test", "pictures": 3, "metrics": {"accuracy": {"value": 1, "low": 1}}}),
        ("measured", {"split": "test", "pictures": 3, "metrics": {"accuracy": 0.5}}),
        ("anmok_version", 1),
        ("name", "x" * 20_000),
    ],
)
def test_a_wrong_value_is_refused_and_named(key: str, value: Any) -> None:
    with pytest.raises(
        ValueError, match=key if "inf" not in str(value) and "nan" not in str(value) else "number"
    ) as caught:
        info_from_json(as_json(FULL.to_json() | {key: value}))
    assert str(caught.value).isprintable()


def test_a_newer_format_is_told_apart_even_with_other_keys() -> None:
    with pytest.raises(NewerFormat):
        info_from_json(as_json({"format_version": 99}))


def test_an_older_format_than_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="format_version"):
        info_from_json(as_json(FULL.to_json() | {"format_version": 0}))


def first_format(threshold: float | None) -> bytes:
    values = FULL.to_json() | {"format_version": 1, "unknown_threshold": threshold}
    del values["unknown"]
    return as_json(values)


def test_a_bundle_of_format_1_answers_none_of_these_below_its_probability() -> None:
    rule = info_from_json(first_format(0.7)).unknown
    assert rule is not None
    score = rule.make_score(Reference(np.zeros((0, 2), np.float16), np.zeros(0, np.int32)))
    probabilities = np.array([[0.69, 0.31], [0.71, 0.29]])
    logits = np.log(probabilities) * FULL.temperature
    assert rule.refuses(score(np.zeros((2, 2)), logits)).tolist() == [True, False]


def test_a_bundle_of_format_1_without_a_threshold_never_answers_none_of_these() -> None:
    assert info_from_json(first_format(None)) == replace(FULL, unknown=None)


@pytest.mark.parametrize("wrong", [2, -0.1, "0.5", float("nan")])
def test_a_wrong_threshold_of_format_1_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown_threshold|number"):
        info_from_json(first_format(wrong))


def test_keys_of_one_format_are_not_known_in_the_other() -> None:
    with pytest.raises(ValueError, match="unknown_threshold"):
        info_from_json(as_json(FULL.to_json() | {"unknown_threshold": 0.5}))
    with pytest.raises(ValueError, match="unknown_threshold is missing"):
        info_from_json(as_json(FULL.to_json() | {"format_version": 1}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(text=st.binary() | st.builds(as_json, json_values))
def test_any_other_bytes_raise_value_error_only(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the messages differ
        info_from_json(text)


@given(key=st.sampled_from(sorted(FULL.to_json())), value=json_values)
def test_any_value_under_any_key_is_read_as_it_is_or_refused(key: str, value: Any) -> None:
    values = FULL.to_json() | {key: value}
    try:
        info = info_from_json(as_json(values))
    except ValueError:
        return
    assert info.to_json()[key] == value
