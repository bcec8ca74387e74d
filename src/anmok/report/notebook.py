"""What values look like in a notebook: a small table or picture each, as a piece of HTML. Nothing is computed here.

Names from outside are escaped. The pieces carry no style of their own but alignment, so they follow the notebook's,
dark or light.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from anmok.i18n import _, ngettext
from anmok.report import words
from anmok.report.names import name, plain_name, sentence, shown

if TYPE_CHECKING:
    from anmok.data.manifest import Manifest
    from anmok.evaluation.results import Comparison, Evaluation
    from anmok.explore.results import Exploration
    from anmok.inference.explain import Explanation
    from anmok.inference.heat_map import HeatMap
    from anmok.records import Interval, Prediction, PredictionFailure

#: Rows of a table at most; a hundred classes are read in the report.
MOST_ROWS = 20
#: Pixels: the longer side of a picture, and of a heat map that is shown without its picture.
PICTURE, MAP = 320, 224
_RIGHT = Markup(' style="text-align:right"')


def html_of(value: Any) -> str:
    """Return a value as a piece of HTML.

    Raises:
        TypeError: nothing is known of values of this type.
    """
    draw = _DRAWN.get(type(value).__name__)
    if draw is None:
        raise TypeError(f"a notebook shows no {type(value).__name__}")
    return str(draw(value))


def _comparison(value: Comparison) -> Markup:
    from anmok.evaluation.results import HEADLINE_METRICS

    rows = [
        [
            Markup("<b>{}</b>").format(name(model.name)) if model.name == value.best else name(model.name),
            *(_figure(metric, model.evaluation.metrics.get(metric)) for metric in HEADLINE_METRICS),
            words.duration(model.seconds_to_train),
            words.size(model.bundle_bytes),
        ]
        for model in value.models
    ]
    heads = [_("model"), *map(words.metric_title, HEADLINE_METRICS), _("training"), _("size")]
    pictures = value.models[0].evaluation.pictures if value.models else 0
    title = sentence(
        _("{source}: {pictures} test pictures, 95% intervals"),
        source=name(value.data.source),
        pictures=words.count(pictures),
    )
    notes = [sentence(_("Recommended: {model}."), model=Markup("<b>{}</b>").format(name(value.best))), value.reason]
    warned = Markup("").join(Markup("<li>{}</li>").format(text) for text in value.warnings[:5])
    listed = Markup("<ul>{}</ul>").format(warned) if warned else ""
    return _table(title, heads, rows) + Markup("<p>{} {}</p>{}").format(*notes, listed)


def _evaluation(value: Evaluation) -> Markup:
    rows = [[words.metric_title(metric), _figure(metric, figure)] for metric, figure in value.metrics.items()]
    title = sentence(
        _("{pictures} pictures of the split {split}, {wrong} mistakes"),
        pictures=words.count(value.pictures),
        split=words.split_title(value.split),
        wrong=words.count(len(value.mistakes)),
    )
    return _table(title, [_("measure"), _("value")], rows)


def _manifest(value: Manifest) -> Markup:
    pairs = Counter(zip(value.table["split"], value.table["label"], strict=True))
    by_split: dict[str, dict[str, int]] = {}
    for (split, label), count in pairs.items():
        by_split.setdefault(str(split), {})[str(label)] = count
    title = sentence(
        _("{source}: {pictures} pictures, {left_out} left out"),
        source=name(value.name or value.source),
        pictures=words.count(len(value)),
        left_out=words.count(len(value.quarantined)),
    )
    notes = Markup("").join(Markup("<p>{}</p>").format(note) for note in value.notes[:5])
    return _counts(title, value.classes, by_split) + notes


def _exploration(value: Exploration) -> Markup:
    from anmok.report.explore_tables import build_told
    from anmok.report.explore_words import plain_sentences

    title = sentence(
        _("{source}: {pictures} pictures"), source=name(value.source), pictures=words.count(value.pictures)
    )
    told = plain_sentences(build_told(value))[:5]
    listed = Markup("").join(Markup("<li>{}</li>").format(shown(text)) for text in told)
    return _counts(title, value.classes, value.counts) + (Markup("<ul>{}</ul>").format(listed) if listed else "")


def _prediction(value: Prediction) -> Markup:
    rows = [[name(label), f"{words.percent(probability)}%"] for label, probability in value.top]
    answer = _("None of these") if value.unknown else name(value.label)
    title = sentence(_("{path}: {answer}"), path=name(value.path), answer=Markup("<b>{}</b>").format(answer))
    return _table(title, [_("class"), _("probability")], rows)


def _failure(value: PredictionFailure) -> Markup:
    return Markup("<p>{}: {}</p>").format(name(value.path), name(value.error))


def _heat_map(value: HeatMap) -> Markup:
    from anmok.inference.overlay import colours, png
    from anmok.report.explain import method_title, where

    height, width = value.values.shape
    scale = MAP / max(height, width)
    drawn = colours(value.on_picture(max(1, round(width * scale)), max(1, round(height * scale))))
    caption = sentence(
        _("Map of {label} ({method}), strongest: {where}"),
        label=name(value.label),
        method=method_title(value.method),
        where=where(value),
    )
    return _figures([(png(drawn), _alt(value))], caption)


def _explanation(value: Explanation) -> Markup:
    from anmok.inference.overlay import heat_map_png, png, shrunk

    pictures = [
        (png(shrunk(value.pixels, PICTURE)), sentence(_("The picture {path}"), path=plain_name(value.prediction.path))),
        (heat_map_png(value.pixels, value.heat_map, longest=PICTURE), _alt(value.heat_map)),
    ]
    return _figures(pictures, Markup("")) + _prediction(value.prediction)


def _alt(value: HeatMap) -> Markup:
    from anmok.report.explain import where

    return sentence(_("Heat map of {label}, strongest: {where}"), label=plain_name(value.label), where=where(value))


def _counts(title: Markup, classes: Sequence[str], counts: Mapping[str, Mapping[str, int]]) -> Markup:
    """Return pictures by class and split as a table; beyond ``MOST_ROWS`` classes the rest is counted."""
    splits = list(counts)
    heads = [_("class"), *(words.split_title(split) if split else _("pictures") for split in splits)]
    rows = [
        [name(label), *(words.count(counts[split].get(label, 0)) for split in splits)] for label in classes[:MOST_ROWS]
    ]
    left = len(classes) - len(rows)
    more = ngettext("{count} more class", "{count} more classes", left).format(count=left) if left > 0 else ""
    return _table(title, heads, rows) + (Markup("<p>{}</p>").format(more) if more else Markup(""))


def _figure(metric: str, value: Interval | None) -> Markup | str:
    if value is None:
        return "–"
    return Markup('{} <span style="opacity:.65">{}</span>').format(
        words.figure(metric, value.value), words.span(metric, value)
    )


def _table(title: Markup, heads: Sequence[str], rows: Sequence[Sequence[Markup | str]]) -> Markup:
    """Return a table whose first column is names and whose others are figures."""
    top = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_RIGHT if number else "", head) for number, head in enumerate(heads)
    )
    lines = Markup("").join(
        Markup("<tr>{}{}</tr>").format(
            Markup('<th scope="row" style="text-align:left">{}</th>').format(first),
            Markup("").join(Markup("<td{}>{}</td>").format(_RIGHT, cell) for cell in cells),
        )
        for first, *cells in rows
    )
    return Markup(
        '<table><caption style="text-align:left">{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(title, top, lines)


def _figures(pictures: Sequence[tuple[bytes, Markup]], caption: Markup) -> Markup:
    images = Markup(" ").join(
        Markup('<img src="data:image/png;base64,{}" alt="{}">').format(base64.b64encode(data).decode("ascii"), alt)
        for data, alt in pictures
    )
    return Markup('<figure style="margin:0">{}<figcaption>{}</figcaption></figure>').format(images, caption)


_DRAWN: dict[str, Callable[[Any], Markup]] = {
    "Comparison": _comparison,
    "Evaluation": _evaluation,
    "Explanation": _explanation,
    "Exploration": _exploration,
    "HeatMap": _heat_map,
    "Manifest": _manifest,
    "Prediction": _prediction,
    "PredictionFailure": _failure,
}
