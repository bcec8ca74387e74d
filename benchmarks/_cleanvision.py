"""Runs cleanvision over a folder, in its own environment; started by ``quality.py``.

    python _cleanvision.py FOLDER

Prints one JSON object: the flagged paths by issue (paths inside the folder), seconds, peak memory in bytes (of this
process and of its largest worker). Settings are cleanvision's own defaults.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path

ISSUES = ("dark", "light", "low_information", "blurry", "odd_size", "odd_aspect_ratio", "grayscale")


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    begin = time.perf_counter()
    from cleanvision import Imagelab

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        lab = Imagelab(data_path=str(folder), verbose=False)
        lab.find_issues({issue: {} for issue in ISSUES}, verbose=False)
    flagged = {
        issue: [Path(path).relative_to(folder).as_posix() for path in lab.issues.index[lab.issues[f"is_{issue}_issue"]]]
        for issue in ISSUES
    }
    seconds = time.perf_counter() - begin
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
    print(json.dumps({"flagged": flagged, "seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
