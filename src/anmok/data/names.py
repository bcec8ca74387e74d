"""How files are named inside a source: POSIX paths that any JSON, Parquet or terminal can hold, and back again.

A path is the file's own spelling with ``/`` between folders. Only what could not be stored or would spoil a
terminal is written as ``\\xHH``, one for each byte: bytes that are no UTF-8 (a name from an old system), control
characters (a newline in a name) and the backslash itself. So ``caf\\xe9.jpg`` is the Latin-1 name, every ordinary
name, Hangul and emoji included, stays as it is, and ``unescape`` gives exactly the bytes on disk.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# C0 and C1 control characters, DEL, the backslash, and the surrogates by which Python spells undecodable bytes.
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ud800-\udfff]")
# Only what `_ODD` takes: a path from elsewhere must not smuggle "/", "." or NUL in as "\x2f".
_ESCAPED = re.compile(rb"\\x(0[1-9a-f]|1[0-9a-f]|5c|7f|[89a-f][0-9a-f])")

_SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})

# fmt: off
PICTURE_ENDINGS = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff",
    ".avif", ".avifs", ".heic", ".heif", ".hif",
})
"""Endings of the formats that ``anmok.images`` decodes, lower case."""

OTHER_ENDINGS = frozenset({
    ".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg",
    ".md", ".rst", ".html", ".htm", ".css", ".js", ".ts", ".py", ".pyc", ".ipynb", ".sh", ".bat", ".ps1", ".c", ".h",
    ".cpp", ".java", ".r", ".m", ".sql", ".log", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".hwp",
    ".hwpx", ".odt", ".rtf", ".tex", ".bib", ".zip", ".gz", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".rar", ".7z",
    ".egg", ".whl", ".jar", ".parquet", ".feather", ".arrow", ".npy", ".npz", ".h5", ".hdf5", ".mat", ".db", ".sqlite",
    ".sqlite3", ".pkl", ".pickle", ".pt", ".pth", ".onnx", ".safetensors", ".ckpt", ".tfrecord", ".tflite", ".anmok",
    ".mp3", ".wav", ".flac", ".ogg", ".m4a", ".mp4", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".3gp",
    ".srt", ".exe", ".dll", ".so", ".dylib", ".msi", ".dmg", ".iso", ".bin", ".lnk", ".url", ".tmp", ".part", ".bak",
    ".swp", ".lock", ".license", ".names", ".data", ".cache",
})
"""Endings of files that are surely no pictures: they are ignored and counted. All others are tried."""
# fmt: on


def escape(name: str) -> str:
    """Return one file name (or path) as it stands in manifests; see the top of this file.

    Args:
        name: as ``os.listdir`` gives it; lone surrogates stand for bytes that are no UTF-8.
    """
    return _ODD.sub(_escape_one, name)


def _escape_one(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match.group().encode("utf-8", _errors_for(match.group())))


def _errors_for(character: str) -> str:
    # Only U+DC80-U+DCFF stand for bytes; any other lone surrogate (from Windows) keeps its three bytes.
    return "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"


def unescape(name: str) -> str:
    """Return the name as the operating system wants it; undoes ``escape``."""
    if "\\" not in name:
        return name
    raw = _ESCAPED.sub(lambda match: bytes([int(match.group(1), 16)]), name.encode("utf-8", "surrogatepass"))
    return os.fsdecode(raw)


def escape_path(path: Path) -> str:
    """Return an absolute path with ``/`` between folders, escaped like names are."""
    return escape(path.absolute().as_posix())


def unescape_path(path: str) -> Path:
    """Return the path that ``escape_path`` was given, made absolute."""
    return Path(unescape(path))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of that name is none of the user's pictures: hidden, or the system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def ending(path: str) -> str:
    """Return the ending of the last part of a path with its dot, lower case; ``""`` if there is none."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_inside(path: str) -> bool:
    """Tell whether a POSIX path stays inside its source: relative, without ``..``, empty parts and NUL."""
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
