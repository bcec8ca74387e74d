"""Files that are answered with as they lie in the folder."""

from __future__ import annotations

from pathlib import Path

from django.http import FileResponse, Http404


def jpeg(path: Path, *, cache: str) -> FileResponse:
    """Return the answer that holds a JPEG.

    Args:
        cache: its ``Cache-Control``.

    Raises:
        Http404: there is none, or none any more: its giver may delete it at any moment.
    """
    try:
        response = FileResponse(path.open("rb"), content_type="image/jpeg")
    except FileNotFoundError:
        raise Http404 from None
    response.headers["Cache-Control"] = cache
    return response
