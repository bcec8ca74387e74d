"""What is to be collected: classes, their queries, sources, limits. From the command line, or a TOML file.

per_class = 300
test_per_class = 30                 # of these, drawn at random into test/
sources = ["openverse", "commons"]  # the next one tops up what the one before could not give
licences = ["cc0", "by", "by-sa"]
min_side = 200

[classes]
"천지연 폭포" = ["천지연 폭포", "Cheonjiyeon waterfall"]
jusangjeolli = ["주상절리 제주", { text = "Jusangjeolli", language = "en" }]

[right]                             # for sources whose terms speak against storing or training
naver = "written permission of 2026-11-02"
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from anmok.collect.licences import check_codes
from anmok.collect.sources import DEFAULT, get_source
from anmok.config.reading import from_mapping
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.storage import explained

_MOST = 1_000_000
_LONGEST_NAME = 200
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
#: Names that Windows keeps for devices.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))})


@dataclass(frozen=True, kw_only=True)
class QueryText:
    """What is typed into a source's search; ``sources``: only these are asked with it, none: all."""

    text: str
    language: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClassPlan:
    """A class and what is looked for to fill it."""

    name: str
    queries: tuple[QueryText, ...]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on what comes from outside.

    Attributes:
        max_bytes: of a picture, and of a page. max_pixels: of a picture, before it is decoded.
        seconds: for one answer, from the first byte that is sent to the last one received.
        redirects: that are followed. tries: of a request whose failure may pass.
        patience: seconds that are waited at most when a server says how long; longer means that it is left.
    """

    max_bytes: int = 40 * 2**20
    max_pixels: int = 150_000_000
    seconds: float = 60.0
    redirects: int = 5
    tries: int = 5
    patience: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How servers are treated.

    Attributes:
        contact: address in the user agent, so that whoever runs a server can write; ``""``: the project's.
        per_host: connections to one host at a time. delay: seconds between two requests to one host, at least.
        start_delay: with which a host is begun, seconds; from then on its answers decide (AutoThrottle).
        delays: by source, seconds between two calls. quotas: by source, calls a day.
        robots: obey robots.txt. opt_out: honour X-Robots-Tag (noai, ...) and tdm-reservation.
        backoff: seconds before a request is tried a second time; doubled each time.
    """

    contact: str = ""
    per_host: int = 4
    in_all: int = 16
    delay: float = 0.0
    start_delay: float = 0.25
    delays: Mapping[str, float] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    robots: bool = True
    opt_out: bool = True
    backoff: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole of what is to be collected.

    Attributes:
        per_class: pictures for each class. test_per_class: further ones for each, drawn at random into ``test/``.
        sources: in the order in which they are asked. right: by source, why it may be used against its terms.
        licences: codes that are wanted; none: any, unknown ones too. min_side: pixels of the shorter side.
        random: drawn at random by the source. seed: of what is drawn here.
        endpoints: by source, an address other than its own. allow: hosts (``HOST`` or ``HOST:PORT``) that may be asked
            although their addresses are private.
        apart_from: folders, zips or manifests; what has their pictures, or looks like one of them, is not taken.
    """

    classes: tuple[ClassPlan, ...]
    per_class: int = 300
    test_per_class: int = 0
    sources: tuple[str, ...] = DEFAULT
    licences: tuple[str, ...] = ()
    min_side: int = 100
    random: bool = False
    seed: int = 0
    right: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    limits: Limits = Limits()
    manners: Manners = Manners()

    def __post_init__(self) -> None:
        for name, low in (("per_class", 1), ("test_per_class", 0), ("min_side", 0)):
            value = getattr(self, name)
            if not low <= value <= _MOST:
                raise UsageError(
                    _("{name} is {value}; {low} to {high} are wanted.").format(
                        name=name, value=value, low=low, high=_MOST
                    )
                )
        if not self.classes:
            raise UsageError(_("There is nothing to collect; name a keyword, or a class in the plan."))
        names = [one.name for one in self.classes]
        # Folders of one name but for the case would be one folder on a Mac or on Windows.
        folded = [name.casefold() for name in names]
        double = next((name for name, low in zip(names, folded, strict=True) if folded.count(low) > 1), None)
        if double is not None:
            raise UsageError(_("The class {name} is named twice.").format(name=repr(double)))
        for source in {*self.sources, *self.right, *self.endpoints, *(s for q in self.queries() for s in q.sources)}:
            get_source(source)
        object.__setattr__(self, "licences", check_codes(self.licences))

    @property
    def wanted(self) -> int:
        """Pictures of each class in all."""
        return self.per_class + self.test_per_class

    def queries(self) -> list[QueryText]:
        """Return the queries of all classes."""
        return [query for one in self.classes for query in one.queries]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; ``from_json`` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        """Read what ``to_json`` wrote."""
        rest = dict(values)
        classes = tuple(
            ClassPlan(name=one["name"], queries=tuple(_query(query, "plan") for query in one["queries"]))
            for one in rest.pop("classes")
        )
        return _built(classes, rest, "plan")


def class_plan(name: str, queries: Sequence[Any], where: str) -> ClassPlan:
    """Return a class from what a file or a command line says of it.

    Raises:
        UsageError: the name cannot be a folder, or a query is none.
    """
    cleaned = unicodedata.normalize("NFC", name).strip()
    odd = any(letter in _NOT_IN_NAMES or not letter.isprintable() for letter in cleaned)
    if not cleaned or odd or cleaned.startswith(".") or cleaned.endswith(".") or cleaned.casefold() in _DEVICES:
        raise UsageError(
            _("{where}: the class {name} cannot be the name of a folder.").format(where=where, name=repr(name)),
            hint=_('Leave out / \\ : * ? " < > | and a point at the beginning or end.'),
        )
    if len(cleaned.encode()) > _LONGEST_NAME:
        raise UsageError(_("{where}: the class {name} is too long.").format(where=where, name=repr(name[:40])))
    return ClassPlan(name=cleaned, queries=tuple(_query(query, where) for query in queries))


def read_plan(path: Path) -> Plan:
    """Read a plan from a TOML file.

    Raises:
        UsageError: it is no TOML, or a setting is unknown or wrong.
        StorageError: it cannot be read.
    """
    with explained(path):
        data = path.read_bytes()
    try:
        values: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(_("{path} is no TOML: {reason}.").format(path=path, reason=error)) from error
    classes = values.pop("classes", None)
    if not isinstance(classes, dict) or not classes:
        raise UsageError(
            _("{path} names no classes.").format(path=path),
            hint=_('Write a table [classes] with lines such as "cat" = ["cat", "고양이"].'),
        )
    made = []
    for name, queries in classes.items():
        listed = queries if isinstance(queries, list) else [queries]
        made.append(class_plan(name, listed or [name], str(path)))
    return _built(tuple(made), values, str(path))


def _query(value: Any, where: str) -> QueryText:
    query = QueryText(text=value) if isinstance(value, str) else None
    if isinstance(value, Mapping):
        query = from_mapping(QueryText, value, where=where)
    if query is None or not query.text.strip():
        raise UsageError(_("{where}: {value} is no query; a text is wanted.").format(where=where, value=repr(value)))
    return query


def _built(classes: tuple[ClassPlan, ...], values: dict[str, Any], where: str) -> Plan:
    for name in ("manners", "limits"):
        if not isinstance(values.get(name, {}), Mapping):
            raise UsageError(
                _("{where}: {name} is not as wanted; see the documentation.").format(where=where, name=name)
            )
    manners = dict(values.pop("manners", {}))
    tables: dict[str, dict[str, Any]] = {}
    for name, kind, holder in (
        ("right", str, values),
        ("endpoints", str, values),
        ("delays", (int, float), manners),
        ("quotas", int, manners),
    ):
        table = holder.pop(name, {})
        if not isinstance(table, Mapping) or not all(isinstance(value, kind) for value in table.values()):
            raise UsageError(
                _("{where}: {name} is not as wanted; see the documentation.").format(where=where, name=name)
            )
        tables[name] = dict(table)
    made = from_mapping(Manners, manners, where=f"{where}: manners")
    made = Manners(**{**asdict(made), "delays": tables["delays"], "quotas": tables["quotas"]})
    rest = {name: value for name, value in values.items() if name != "limits"}
    limits = from_mapping(Limits, values.get("limits", {}), where=f"{where}: limits")
    known = from_mapping(_Settings, rest, where=where)
    return Plan(
        classes=classes,
        right=tables["right"],
        endpoints=tables["endpoints"],
        limits=limits,
        manners=made,
        **{name: getattr(known, name) for name in rest},
    )


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """The plain settings of a plan, for strict reading."""

    per_class: int = 300
    test_per_class: int = 0
    sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    min_side: int = 100
    random: bool = False
    seed: int = 0
    allow: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
