"""A manifest comes back exactly as it was written, or it is refused."""

import csv
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.data.manifest import Manifest, make_table
from anmok.data.manifest_file import FORMAT, SCHEMA, quarantine_path
from anmok.data.names import escape_path
from anmok.errors import AnmokError, SourceNotFound, StorageError, UnknownSource
from anmok.records import ImageRecord, Quarantined
from tests.data.made import digest, manifest_of, numbers, picture, synthetic, write_tree

text = st.text(st.characters(codec="utf-8"), max_size=12)
rows = st.lists(st.tuples(text, text, text, st.sampled_from(["", "train", "valid", "test"]), text), max_size=8)


def small() -> Manifest:
    return manifest_of(
        [
            (digest(1), "cats/1.jpg", "cats", "train", ""),
            (digest(2), "dogs/2.jpg", "dogs", "test", "g"),
            (digest(3), "폭포/3🐕.jpg", "폭포", "valid", ""),
        ]
    )


@settings(max_examples=60)
@given(rows=rows, quarantined=st.lists(st.builds(Quarantined, text, text, text), max_size=4), note=text)
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], quarantined: list[Quarantined], note: str
) -> None:
    # A CSV knows no difference between line ends, and reasons hold none.
    quarantined = [Quarantined(*(part.replace("\r", " ") for part in (q.path, q.code, q.reason))) for q in quarantined]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(("id", "path", "label", "split", "group"))}
    table = make_table(columns | numbers(len(rows)) | {"flags": ["blurred,dark"] * len(rows)})
    written = Manifest(
        table=table, source="/x", name="x.zip", quarantined=tuple(quarantined), notes=(note,), ignored=len(note)
    )
    path = tmp_path_factory.mktemp("m") / "set.parquet"
    written.save(path)
    read = Manifest.load(path)
    pd.testing.assert_frame_equal(read.table, written.table, check_exact=True)
    for name in ("source", "name", "classes", "quarantined", "notes", "ignored", "content_hash"):
        assert getattr(read, name) == getattr(written, name)


def test_the_file_has_the_columns_of_a_record_in_fixed_types(tmp_path: Path) -> None:
    small().save(tmp_path / "m.parquet")
    schema = pq.read_schema(tmp_path / "m.parquet")
    assert schema.remove_metadata().equals(SCHEMA)
    assert tuple(schema.names) == ImageRecord.__slots__
    assert {str(small().table[name].dtype) for name in schema.names} == {"str", "int64", "float64"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.parquet", "m.quarantine.csv"]


def hash_by_hand(manifest: Manifest) -> str:
    columns = ("id", "path", "label", "split", "group")
    values = sorted(
        tuple(value.encode() for value in row) for row in manifest.table[list(columns)].itertuples(index=False)
    )
    data = b"".join(
        b"".join(struct.pack("<I", len(row[i])) for row in values) + b"".join(row[i] for row in values)
        for i in range(5)
    )
    return hashlib.sha256(data).hexdigest()


@given(rows)
def test_the_content_hash_is_what_its_description_says(rows: list[Any]) -> None:
    if rows:
        assert manifest_of(rows).content_hash == hash_by_hand(manifest_of(rows))


def test_the_content_hash_depends_on_content_and_not_on_order_or_measures() -> None:
    rows = [(digest(i), f"{i % 2}/{i}.jpg", str(i % 2), "train", "") for i in range(50)]
    base = manifest_of(rows)
    assert manifest_of(rows[::-1]).content_hash == base.content_hash
    assert base.with_table(base.table.assign(brightness=7.0)).content_hash == base.content_hash
    for column in ("id", "path", "label", "group"):
        changed = base.table.copy()
        changed.loc[3, column] = "0"
        assert base.with_table(changed).content_hash != base.content_hash
    assert len({base.content_hash, manifest_of([(*rows[0][:3], "test", ""), *rows[1:]]).content_hash}) == 2


def test_classes_are_sorted_and_numbers_keep_their_meaning_in_a_split() -> None:
    manifest = small()
    assert manifest.classes == ("cats", "dogs", "폭포")
    assert manifest.label_indices().tolist() == [0, 1, 2]
    part = manifest.of_split("valid")
    assert part.classes == manifest.classes
    assert part.label_indices().tolist() == [2]
    assert part.label_indices().dtype == np.int64
    assert manifest.with_table(part.table).classes == ("폭포",)
    assert len(manifest.of_split("train")) == 1


def test_records_are_the_rows() -> None:
    manifest = small().with_table(small().table.assign(flags=["", "dark", "dark,blurred"]))
    records = list(manifest.records())
    assert [record.path for record in records] == ["cats/1.jpg", "dogs/2.jpg", "폭포/3🐕.jpg"]
    assert [record.flags for record in records] == [(), ("dark",), ("dark", "blurred")]
    assert (records[1].group, records[1].width, records[1].contrast) == ("g", 8, 1.5)


def test_names_in_quarantine_do_not_run_as_formulas_and_come_back_as_they_were(tmp_path: Path) -> None:
    rows = tuple(Quarantined(f"{name}.jpg", "damaged", f"{name}.jpg is damaged.") for name in ("=1+1", "@A1", "'=x"))
    table = small().table
    small().with_table(table, quarantined=rows).save(tmp_path / "m.parquet")
    with quarantine_path(tmp_path / "m.parquet").open(encoding="utf-8-sig", newline="") as stream:
        _header, *lines = csv.reader(stream)
    assert {cell[:1] for path, _code, reason in lines for cell in (path, reason)} == {"'"}
    assert Manifest.load(tmp_path / "m.parquet").quarantined == rows


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_measures_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "m.parquet"
    small().save(path)
    table = pq.read_table(path)
    place = table.schema.get_field_index("sharpness")
    values = pa.array([value] * len(table), from_pandas=False)
    pq.write_table(table.set_column(place, table.schema.field(place), values), path)
    with pytest.raises(StorageError, match="no finite number"):
        Manifest.load(path)


def test_with_table_adds_to_quarantine_and_notes_and_changes_nothing_else() -> None:
    manifest = small().with_table(small().table, quarantined=(Quarantined("a", "b", "c"),), notes=("n",))
    again = manifest.with_table(manifest.table[:1], quarantined=(Quarantined("d", "e", "f"),))
    assert [row.path for row in again.quarantined] == ["a", "d"]
    assert again.notes == ("n",)
    assert again.table.index.tolist() == [0]
    assert len(manifest) == 3


def test_the_source_is_opened_again_also_with_an_odd_name(tmp_path: Path) -> None:
    odd = os.fsdecode("사진".encode("cp949")) + "\n\\x41"
    folder = write_tree(tmp_path / odd, {"cats/1.png": picture(1)})
    manifest = manifest_of([(digest(1), "cats/1.png", "cats", "", "")], source=escape_path(folder))
    manifest.save(tmp_path / "m.parquet")
    with Manifest.load(tmp_path / "m.parquet").open_source() as source:
        assert source.read("cats/1.png") == picture(1)
    with pytest.raises(SourceNotFound):
        small().open_source()


def test_the_quarantine_can_be_opened_in_a_spreadsheet(tmp_path: Path) -> None:
    rows = (Quarantined("폭포/1.jpg", "damaged", 'He said "no", twice.'), Quarantined("a,b.jpg", "no-label", "x"))
    Manifest(table=small().table, source="/x", quarantined=rows).save(tmp_path / "m.parquet")
    data = quarantine_path(tmp_path / "m.parquet").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfpath,code,reason\n")
    assert pd.read_csv(tmp_path / "m.quarantine.csv")["path"].tolist() == ["폭포/1.jpg", "a,b.jpg"]


def rewritten(path: Path, change: dict[str, Any]) -> None:
    """Write the file again with something else in what it says about itself."""
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"anmok"]) | change
    pq.write_table(table.replace_schema_metadata({b"anmok": json.dumps(about).encode()}), path)


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "m.parquet")
    with pytest.raises(UnknownSource, match="no manifest of Anmok"):
        Manifest.load(tmp_path / "m.parquet")


def test_a_manifest_of_a_newer_anmok_is_refused_by_name(tmp_path: Path) -> None:
    small().save(tmp_path / "m.parquet")
    rewritten(tmp_path / "m.parquet", {"format": FORMAT + 1, "anmok": "9.9"})
    with pytest.raises(UnknownSource, match=r"written by Anmok 9\.9, which is newer"):
        Manifest.load(tmp_path / "m.parquet")


def test_a_manifest_of_an_older_format_is_refused_and_says_how_to_get_a_new_one(tmp_path: Path) -> None:
    small().save(tmp_path / "m.parquet")
    whole = pq.read_table(tmp_path / "m.parquet")
    pq.write_table(whole.drop_columns(["saturation", "sharpness", "entropy"]), tmp_path / "m.parquet")
    rewritten(tmp_path / "m.parquet", {"format": 1, "anmok": "0.1"})
    with pytest.raises(UnknownSource, match=r"written by Anmok 0\.1, when a manifest told less") as error:
        Manifest.load(tmp_path / "m.parquet")
    assert error.value.hint == "Scan the pictures again: anmok scan SOURCE -o m.parquet"


@pytest.mark.parametrize(
    "change", [{"classes": "cats"}, {"content_hash": None}, {"notes": [1]}, {"ignored": "1"}, {"classes": ["cats"]}]
)
def test_a_manifest_that_says_nonsense_about_itself_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    small().save(tmp_path / "m.parquet")
    rewritten(tmp_path / "m.parquet", change)
    with pytest.raises(StorageError, match=r"m\.parquet is damaged"):
        Manifest.load(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("column", "value"), [("label", "dogs"), ("split", "train"), ("split", "holdout"), ("width", 0), ("path", "other")]
)
def test_a_manifest_that_something_else_changed_is_refused(tmp_path: Path, column: str, value: object) -> None:
    small().save(tmp_path / "m.parquet")
    table = pq.read_table(tmp_path / "m.parquet")
    at = table.schema.get_field_index(column)
    changed = pa.array([value] * 3, type=table.schema.field(at).type)
    table = table.set_column(at, table.schema.field(at), changed)
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(StorageError, match="is damaged"):
        Manifest.load(tmp_path / "m.parquet")


def test_missing_columns_and_empty_values_are_refused(tmp_path: Path) -> None:
    small().save(tmp_path / "m.parquet")
    whole = pq.read_table(tmp_path / "m.parquet")
    pq.write_table(whole.drop_columns(["phash"]), tmp_path / "m.parquet")
    with pytest.raises(StorageError, match="its columns are not those of a manifest"):
        Manifest.load(tmp_path / "m.parquet")
    field = pa.field("label", pa.string())
    pq.write_table(whole.set_column(2, field, pa.array(["a", None, "b"])), tmp_path / "m.parquet")
    with pytest.raises(StorageError, match="is damaged"):
        Manifest.load(tmp_path / "m.parquet")


@settings(max_examples=150)
@given(place=st.floats(0, 0.9999), value=st.integers(0, 255), keep=st.floats(0, 1))
def test_damaged_bytes_give_the_same_manifest_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, place: float, value: int, keep: float
) -> None:
    whole = tmp_path_factory.getbasetemp() / "whole.parquet"
    if not whole.exists():
        small().save(whole)
    data = bytearray(whole.read_bytes())
    data[int(place * len(data))] = value
    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    for damaged in (bytes(data), bytes(data[: int(keep * len(data))])):
        path.write_bytes(damaged)
        try:
            assert Manifest.load(path).content_hash == small().content_hash
        except AnmokError:
            continue


def test_what_is_not_there_or_no_parquet_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone\.parquet"):
        Manifest.load(tmp_path / "gone.parquet")
    (tmp_path / "m.parquet").write_bytes(b"hello")
    with pytest.raises(StorageError, match=r"The manifest .*m\.parquet is damaged"):
        Manifest.load(tmp_path / "m.parquet")
    small().save(tmp_path / "m.parquet")
    (tmp_path / "m.quarantine.csv").write_text("something,else\n")
    with pytest.raises(StorageError, match="path,code,reason"):
        Manifest.load(tmp_path / "m.parquet")


def test_a_table_without_its_columns_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="phash"):
        Manifest(table=small().table.drop(columns="phash"), source="/x")
    with pytest.raises(ValueError, match="width"):
        make_table({"id": ["a"]})


def test_a_writer_that_is_killed_leaves_the_old_manifest(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    small().save(path)
    code = f"""
from pathlib import Path
from tests.data.made import synthetic
manifest = synthetic(20_000)
print("begin", flush=True)
while True:
    manifest.save(Path({str(path)!r}))
"""
    for wait in (0.0, 0.05, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert Manifest.load(path).content_hash in (small().content_hash, synthetic(20_000).content_hash)


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from anmok.errors import StorageError
from tests.data.made import synthetic
manifest = synthetic(5_000)
manifest.content_hash
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    manifest.save(Path({str(tmp_path / "m.parquet")!r}))
except StorageError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, cwd=Path(__file__).parents[2], text=True)
    assert "File too large" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m.quarantine.csv"]
