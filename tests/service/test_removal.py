"""Photos go with the last row that names them, whoever deletes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bundle.small_bundles import write_colour_bundle

DELETE = """
import sys
from pathlib import Path
from anmok.service.serve import ServeOptions, prepare
prepare(ServeOptions(bundle=Path(sys.argv[1]), folder=Path(sys.argv[2])))
from django.conf import settings
from anmok.service.uploads.keeping import place
from anmok.service.uploads.models import Upload
values = dict(width=1, height=1, label="red", index=0, probability=1.0, unknown=False)
picture, other = "ab" * 32, "cd" * 32
for name in (picture, other):
    place(name, settings.FOLDER.uploads).parent.mkdir(parents=True)
    place(name, settings.FOLDER.uploads).write_bytes(b"photo")
rows = [Upload.objects.create(picture=name, **values) for name in (picture, picture, other)]
left = lambda: sorted(path.stem[:2] for path in settings.FOLDER.uploads.rglob("*") if path.is_file())
# As the admin deletes what is ticked.
Upload.objects.filter(pk=rows[0].pk).delete()
print(left())
Upload.objects.all().delete()
print(left())
"""


def test_rows_that_staff_deletes_take_their_photos_along_with_the_last_of_them(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "colours.anmok")
    command = [sys.executable, "-c", DELETE, str(bundle), str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines() == ["['ab', 'cd']", "[]"], done.stderr
