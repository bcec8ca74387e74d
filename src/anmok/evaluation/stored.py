"""Results as JSON and back, without loss: ``comparison.json`` lets ``anmok report`` draw again without computing.

JSON knows no NaN, so a number that is none (the loss of a training that failed) is stored as null and read as NaN;
infinity comes back as NaN too. A field that a newer Anmok added is refused; one that an older Anmok did not
have yet takes its default.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from anmok.errors import StorageError
from anmok.evaluation.results import Comparison, Evaluation
from anmok.i18n import _
from anmok.storage import read_json, write_json

#: Rises when an old reader could misread a new file.
FORMAT_VERSION = 1
#: No whole number of ours is larger; one of hundreds of digits can be no float.
MOST = 2**63

ResultT = TypeVar("ResultT")


def to_json(result: Any) -> dict[str, Any]:
    """Return a result (a frozen dataclass) as plain JSON values; ``from_json`` reads them back."""
    return typing.cast("dict[str, Any]", _plain(result))


def from_json(kind: type[ResultT], values: Any, *, where: str) -> ResultT:
    """Read what ``to_json`` wrote.

    Args:
        kind: ``Evaluation``, ``Comparison`` or another frozen dataclass of plain values.
        where: named in errors, for example the file.

    Raises:
        StorageError: the values do not make such a result; says where and what was wanted.
    """
    return typing.cast("ResultT", _read(kind, values, where))


def write_result(path: Path, key: str, result: Any, *, version: int) -> None:
    """Write a result as ``{"format_version": version, key: ...}``; ``read_result`` reads it back.

    Raises:
        StorageError: disk full, no permission.
    """
    write_json(path, {"format_version": version, key: to_json(result)})


def read_result(kind: type[ResultT], path: Path, key: str, *, version: int) -> ResultT:
    """Read what ``write_result`` wrote.

    Raises:
        StorageError: it cannot be read, is damaged, or of another version.
    """
    values = read_json(path)
    if not isinstance(values, dict) or not isinstance(values.get("format_version"), int):
        raise _wrong(str(path), values, _("a result that Anmok wrote"))
    if values["format_version"] != version:
        raise StorageError(
            _("{path} has the format {version}; this Anmok reads format {known}.").format(
                path=path, version=values["format_version"], known=version
            ),
            hint=_("Use the Anmok that wrote it, or run the same command again."),
        )
    return from_json(kind, values.get(key), where=str(path))


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """Return what ``comparison.json`` holds."""
    return {"format_version": FORMAT_VERSION, "comparison": to_json(comparison)}


def read_comparison(path: Path) -> Comparison:
    """Read ``comparison.json``; ``path`` is the file or the folder that it lies in.

    Raises:
        StorageError: it cannot be read, is damaged, or was written by a newer Anmok.
    """
    file = path / "comparison.json" if path.is_dir() else path
    comparison = read_result(Comparison, file, "comparison", version=FORMAT_VERSION)
    for number, model in enumerate(comparison.models):
        where = f"{file}.models[{number}]"
        check_evaluation(model.evaluation, f"{where}.evaluation")
        if model.validation.pictures and not 0 <= model.validation.accuracy <= 1:
            raise _wrong(f"{where}.validation.accuracy", model.validation.accuracy, _("a share from 0 to 1"))
    for number, pair in enumerate(comparison.pairs):
        if "accuracy" not in pair.differences:
            raise _wrong(f"{file}.pairs[{number}].differences.accuracy", None, _("an object"))
    return comparison


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()  # a NumPy scalar
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType and arguments[1:] == (types.NoneType,):  # "X | None"
        return None if value is None else _read(arguments[0], value, where)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(typing.cast("type[Any]", hint), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if origin is Mapping and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and (value is None or _is_number(value)):
        return math.nan if value is None else float(value)
    if _fits(hint, origin, arguments, value):
        return value
    wanted = {str: _("text"), int: _("a whole number"), float: _("a number"), tuple: _("a list")}
    raise _wrong(where, value, wanted.get(origin or hint, _("an object")))


def _fits(hint: Any, origin: Any, arguments: tuple[Any, ...], value: Any) -> bool:
    """Tell whether a plain value stands for itself."""
    if origin is typing.Literal:
        return value in arguments
    if hint is int:
        return isinstance(value, int) and _is_number(value)
    if hint is str:
        return isinstance(value, str)
    return hint is Any or (hint is bool and isinstance(value, bool))


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST


def _read_dataclass(kind: type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, value, _("an object"))
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise _wrong(f"{where}.{unknown[0]}", value[unknown[0]], _("nothing of that name"))
    for name, field in fields.items():
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if name not in value and not optional:
            raise _wrong(f"{where}.{name}", None, _("a value"))
    return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def check_evaluation(evaluation: Evaluation, where: str) -> None:
    """Refuse an evaluation whose parts contradict each other: whoever draws it counts on them.

    Raises:
        StorageError: says where and what was wanted.
    """
    classes = len(evaluation.classes)
    for name, rows in (
        ("per_class", len(evaluation.per_class)),
        ("confusion", len(evaluation.confusion)),
        *((f"confusion[{number}]", len(row)) for number, row in enumerate(evaluation.confusion)),
    ):
        if rows != classes:
            raise _wrong(f"{where}.{name}", rows, _("one entry for each of the {count} classes").format(count=classes))
    if evaluation.pictures < 1:
        raise _wrong(f"{where}.pictures", evaluation.pictures, _("a count of at least 1"))
    # These can always be computed; models are ranked by them.
    for name in ("accuracy", "balanced_accuracy"):
        found = evaluation.metrics.get(name)
        if found is None or not 0 <= found.value <= 1:
            raise _wrong(f"{where}.metrics.{name}", found and found.value, _("a share from 0 to 1"))


def _wrong(where: str, value: object, wanted: str) -> StorageError:
    shown = ascii(value)
    return StorageError(
        _("{where} is {value}; wanted: {wanted}.").format(
            where=where, value=shown if len(shown) <= 60 else f"{shown[:57]}...", wanted=wanted
        ),
        hint=_("The file is damaged or of another version; run the comparison again."),
    )
