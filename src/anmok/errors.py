"""One error tree. A message says what came, what was wanted, and what to do.

AnmokError                      exit code 1: something is wrong with the pictures or the machine
├── UsageError                  exit code 2: the command or a setting is wrong
│   ├── SourceNotFound          there is no such folder, file or data set
│   ├── UnknownSource           it is there, but nothing we can read pictures from
│   └── UnknownName             a model, recipe, check or metric of that name does not exist
├── DataError                   the pictures do not allow what was asked
│   ├── EmptySource             no picture, or none that could be read
│   ├── TooFewPictures          one class only, or a class too small to split
│   ├── LabelConflict           the same picture stands under two labels
│   └── SplitLeak               test pictures stand in train too
├── PictureError                one picture cannot be used (-> quarantine)
│   ├── UnknownFormat           the bytes are no picture of a known kind
│   ├── DamagedPicture          truncated or broken
│   └── PictureTooLarge         over the limits on bytes or pixels
├── WeightsMissing              a backbone's pretrained weights are not at hand
├── MissingExtra                an optional part of Anmok is not installed
├── BundleError                 an .anmok file is damaged, hostile, or of another version
├── ParityError                 the exported model answers differently from the trained one
└── StorageError                disk full, no permission, not a folder
"""

from __future__ import annotations


class AnmokError(Exception):
    """Base of all errors that a user can do something about.

    Args:
        message: one or two full sentences, already in the user's language.
        hint: what to do next; printed on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(AnmokError):
    """The command line, a setting or a file given by name is wrong."""

    exit_code = 2


class SourceNotFound(UsageError):
    """There is no folder, file or data set of that name."""


class UnknownSource(UsageError):
    """The source exists, but is nothing that pictures can be read from."""


class UnknownName(UsageError):
    """A model, recipe, check or metric of that name is not registered."""


class DataError(AnmokError):
    """The pictures do not allow what was asked of them."""


class EmptySource(DataError):
    """No picture was found, or none could be read."""


class TooFewPictures(DataError):
    """There is only one class, or a class has too few pictures to be split."""


class LabelConflict(DataError):
    """The same picture stands under two labels."""


class SplitLeak(DataError):
    """Pictures of the test split stand in the training split too."""


class PictureError(AnmokError):
    """One picture cannot be used; the reason goes into the quarantine file."""

    code = "unreadable"


class UnknownFormat(PictureError):
    """The bytes are not a picture of a known kind, whatever the file's ending says."""

    code = "unknown-format"


class DamagedPicture(PictureError):
    """The picture is truncated or broken."""

    code = "damaged"


class PictureTooLarge(PictureError):
    """The picture is over the limit on bytes or on pixels."""

    code = "too-large"


class WeightsMissing(AnmokError):
    """The pretrained weights of a backbone are not on this machine and could not be fetched."""


class MissingExtra(UsageError):
    """An optional part of Anmok (``anmok[train]`` and so on) is not installed."""


class BundleError(AnmokError):
    """An .anmok file is damaged, hostile, or made by a newer version."""


class ParityError(AnmokError):
    """The exported model does not give the trained model's answers, so the export was refused."""


class StorageError(AnmokError):
    """A file or folder could not be written or read: disk full, no permission, not a folder."""
