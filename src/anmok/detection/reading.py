"""From a source to pictures with boxes: the format is found out, each box is held against its picture. Light.

>>> boxes = read_boxes("boxes")
>>> len(boxes), boxes.classes
(3, ('ace', 'king'))
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from anmok.config import Limits
from anmok.data.names import PICTURE_ENDINGS, ending
from anmok.data.readers import to_label
from anmok.data.source import Source
from anmok.data.sources import open_source
from anmok.data.tables import SPLIT_WORDS
from anmok.detection.boxset import BoxedPicture, BoxSet, Problem
from anmok.detection.formats import coco, voc, yolo
from anmok.detection.formats.raw import RawPicture, Unreadable
from anmok.detection.manifest import is_boxes_file, load_boxes
from anmok.detection.settling import settle
from anmok.errors import EmptySource, PictureError, UnknownSource
from anmok.features.session import count_threads
from anmok.i18n import _, current_language, speak
from anmok.images.shape import shape_of
from anmok.progress import Progress, SilentProgress
from anmok.records import Quarantined

FORMATS = ("voc", "coco", "yolo")


@dataclass(frozen=True, slots=True)
class _Found:
    """What the files with boxes say: of pictures, of classes (empty where the format lists none), and amiss."""

    raw: tuple[RawPicture, ...]
    classes: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_boxes(
    source: str | Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> BoxSet:
    """Read pictures with boxes in Pascal VOC, COCO or YOLO, from a folder or zip; or what ``save_boxes`` wrote.

    Pictures that no file speaks of are left out and named; a picture with an empty file has nothing in it.

    Raises:
        SourceNotFound, UnknownSource, StorageError, DataError: as ``open_source``; no such format is found.
        EmptySource: no picture with boxes could be used.
    """
    progress = progress or SilentProgress()
    if is_boxes_file(Path(source)):
        return load_boxes(Path(source))
    with open_source(source, limits=limits, progress=progress) as opened:
        paths = [entry.path for entry in opened.entries() if not isinstance(entry, Quarantined)]
        pictures = [path for path in paths if ending(path) in PICTURE_ENDINGS]
        found = _read_files(opened, paths)
        places = _Places(pictures)
        problems = list(found.problems)
        settled = _settle_all(opened, found, places, problems, limits=limits, threads=threads, progress=progress)
        known = {picture.path for picture in settled}
        silent = [path for path in pictures if path not in known and path not in places.named]
        problems += [_no_boxes(path) for path in silent]
        classes = found.classes or tuple(sorted({box.label for picture in settled for box in picture.boxes}))
        if not any(picture.boxes for picture in settled):
            raise EmptySource(
                _("No box in {name} can be used.").format(name=opened.name)
                + "".join(f"\n- {problem.reason}" for problem in problems[:3])
            )
        settled.sort(key=lambda picture: picture.path)
        return BoxSet(tuple(settled), classes, str(opened.location), opened.name, tuple(problems))


def _read_files(source: Source, paths: Sequence[str]) -> _Found:
    xmls = [path for path in paths if ending(path) == voc.ENDING]
    if xmls:
        return _of_files(source, xmls, voc.parse_voc)
    jsons = [path for path in paths if ending(path) == coco.ENDING and coco.looks_like_coco(_bytes(source, path))]
    if jsons:
        return _of_coco(source, jsons)
    named = [path for path in paths if path.rpartition("/")[2].lower() in yolo.NAME_FILES]
    texts = [path for path in paths if ending(path) == yolo.ENDING and path not in named]
    stems = {path.rpartition("/")[2].rpartition(".")[0] for path in paths if ending(path) in PICTURE_ENDINGS}
    texts = [path for path in texts if path.rpartition("/")[2].removesuffix(yolo.ENDING) in stems]
    texts = [path for path in texts if yolo.looks_like_yolo(_bytes(source, path))]
    if texts:
        return _of_yolo(source, texts, named)
    raise UnknownSource(
        _("In {name} there are no boxes.").format(name=source.name),
        hint=_(
            "Give pictures with Pascal VOC files (.xml beside each picture), a COCO file (.json), or YOLO files (.txt, "
            "with data.yaml or classes.txt)."
        ),
    )


def _bytes(source: Source, path: str) -> bytes:
    try:
        return source.read(path)
    except PictureError:
        return b""


def _of_files(source: Source, paths: Iterable[str], parse: Callable[[bytes, str], RawPicture]) -> _Found:
    raw: list[RawPicture] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            raw.append(parse(source.read(path), path))
        except (Unreadable, PictureError) as error:
            problems.append(_unreadable(path, error))
    return _Found(tuple(raw), (), tuple(problems))


def _of_yolo(source: Source, texts: Sequence[str], named: Sequence[str]) -> _Found:
    classes: tuple[str, ...] = ()
    problems: list[Problem] = []
    for path in sorted(named, key=lambda one: yolo.NAME_FILES.index(one.rpartition("/")[2].lower())):
        try:
            classes = tuple(map(to_label, yolo.parse_names(source.read(path), path)))
            break
        except (Unreadable, PictureError) as error:
            problems.append(_unreadable(path, error))
    if not classes:
        raise UnknownSource(
            _("The boxes in {name} name their classes by numbers, and nothing says what the numbers mean.").format(
                name=source.name
            ),
            hint=_("Put a data.yaml with `names:` or a classes.txt with a name a line into the folder."),
        )
    found = _of_files(source, texts, lambda data, path: yolo.parse_yolo(data, path, classes))
    # Two numbers may have one name; it is one class then.
    return _Found(found.raw, tuple(dict.fromkeys(filter(None, classes))), (*problems, *found.problems))


def _of_coco(source: Source, paths: Sequence[str]) -> _Found:
    raw: list[RawPicture] = []
    classes: dict[str, None] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            pictures, names = coco.parse_coco(source.read(path), path)
        except (Unreadable, PictureError) as error:
            problems.append(_unreadable(path, error))
            continue
        raw += pictures
        classes |= dict.fromkeys(map(to_label, names))
    return _Found(tuple(raw), tuple(classes), tuple(problems))


def _unreadable(path: str, error: Exception) -> Problem:
    if isinstance(error, PictureError):
        return Problem(path, "unreadable-boxes", str(error), left_out=True)
    reason = _("The boxes in {path} cannot be read: {reason}.").format(path=path, reason=error)
    return Problem(path, "unreadable-boxes", reason, left_out=True)


def _no_boxes(path: str) -> Problem:
    reason = _("{path}: no file says what is to be found in it, so it was left out.").format(path=path)
    return Problem(path, "missing-boxes", reason, left_out=True)


class _Places:
    """Where the pictures of a source lie.

    Attributes:
        named: pictures that some file with boxes speaks of.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._exact = {unicodedata.normalize("NFC", path): path for path in paths}
        self._stems: dict[str, str] = {}
        for path in paths:
            self._stems.setdefault(_stem(path), path)
        self.named: set[str] = set()

    def find(self, raw: RawPicture) -> str | None:
        for candidate in raw.candidates:
            path = self._exact.get(unicodedata.normalize("NFC", candidate))
            if path is not None:
                return path
        for candidate in raw.candidates:
            path = self._stems.get(_stem(candidate))
            if path is not None:
                return path
        return None


def _stem(path: str) -> str:
    folder, _slash, name = unicodedata.normalize("NFC", path).rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{folder}/{stem.casefold()}"


def _settle_all(
    source: Source,
    found: _Found,
    places: _Places,
    problems: list[Problem],
    *,
    limits: Limits,
    threads: int,
    progress: Progress,
) -> list[BoxedPicture]:
    waiting: list[tuple[str, RawPicture]] = []
    for raw in found.raw:
        path = places.find(raw)
        if path is None:
            wanted = raw.named or raw.candidates[0]
            reason = _("{path} speaks of the picture {picture}, which is not there.").format(
                path=raw.origin, picture=wanted
            )
            problems.append(Problem(raw.origin, "missing-picture", reason, left_out=True))
        elif path in places.named:
            reason = _("{path} is spoken of more than once; {origin} was left out.").format(
                path=path, origin=raw.origin
            )
            problems.append(Problem(path, "twice", reason, left_out=True))
        else:
            places.named.add(path)
            waiting.append((path, raw))

    def work(one: tuple[str, RawPicture]) -> tuple[BoxedPicture | None, tuple[Problem, ...]]:
        path, raw = one
        try:
            data = source.read(path)
            shape = shape_of(data, name=path, limits=limits)
        except PictureError as error:
            return None, (Problem(path, "unreadable-picture", str(error), left_out=True),)
        boxes, problems = settle(raw, path, shape, frozenset(found.classes))
        digest = hashlib.sha256(data).hexdigest()
        return BoxedPicture(path, shape.width, shape.height, boxes, _split(path, raw.origin), digest), problems

    settled: list[BoxedPicture] = []
    pool = ThreadPoolExecutor(count_threads(threads), "anmok-boxes", initializer=speak, initargs=(current_language(),))
    with pool, progress.task(_("Reading boxes"), len(waiting), unit=_("pictures")) as task:
        for picture, its in pool.map(work, waiting):
            problems += its
            if picture is not None:
                settled.append(picture)
            task.advance()
    return settled


def _split(path: str, origin: str) -> str:
    """Return the split that the folders of a picture name, else the name of the file with its boxes."""
    for part in path.lower().split("/")[:-1]:
        if part in SPLIT_WORDS:
            return SPLIT_WORDS[part]
    if ending(origin) == coco.ENDING:
        words = origin.lower().rpartition("/")[2].removesuffix(coco.ENDING).replace("-", "_").split("_")
        for word in words:
            split = SPLIT_WORDS.get(word.rstrip("0123456789"))
            if split:
                return split
    return ""


def count_problems(problems: Iterable[Problem]) -> dict[str, int]:
    """Return how many problems there are of each code, the most frequent first."""
    return dict(Counter(problem.code for problem in problems).most_common())
