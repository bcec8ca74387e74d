"""What large photos leave behind in a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

MEASURE = """
import io, resource, sys, threading
from pathlib import Path
from PIL import Image
from anmok.service.uploads.keeping import encode
from anmok.service.worker import return_freed_memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

return_freed_memory()
stream = io.BytesIO()
Image.new("RGB", (6000, 5000), "red").save(stream, "PNG", compress_level=1)
encode("small", stream.getvalue())
before = held()
threads = [threading.Thread(target=encode, args=("a.png", stream.getvalue())) for _number in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# Not getrusage: what it calls the most begins with that of the process that started this one.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(held() - before, peak - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library of Linux")
def test_large_photos_of_several_visitors_leave_no_memory_behind_and_are_decoded_few_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    left, peak = map(float, done.stdout.split())
    # 86 MB each decoded; two at a time with what shrinking them takes.
    assert left < 40, done.stdout
    assert peak < 450, done.stdout
