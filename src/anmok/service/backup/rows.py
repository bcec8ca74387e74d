"""Tables as lines of JSON, whichever database they lie in, and as they were when their last migration was applied."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps.registry import Apps
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, Model

from anmok.errors import StorageError, UsageError
from anmok.i18n import _
from anmok.service.backup.archive import Reader

#: Rows that are read at a time.
_PAGE = 1000
#: What begins a transaction that sees one state of the whole database and hinders nobody who writes.
_SNAPSHOT = {
    "sqlite": ("BEGIN DEFERRED",),
    "mysql": (
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
}
#: Values that JSON has itself.
_PLAIN = (bool, int, float, str, list, dict)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read one state of the database within the block, however much is written meanwhile.

    Raises:
        UsageError: not with this kind of database.
    """
    if connection.vendor not in _SNAPSHOT:
        raise UsageError(
            _("A backup of a {kind} database is not known here.").format(kind=connection.display_name),
            hint=_("Use the database's own tool, and copy the folder of the service."),
        )
    with connection.cursor() as cursor:
        for statement in _SNAPSHOT[connection.vendor]:
            cursor.execute(statement)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def applied_migrations() -> tuple[str, ...]:
    """Return the migrations of this database, ``APP.NAME``; none where it is empty."""
    return tuple(sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()))


def tables(migrations: tuple[str, ...]) -> dict[str, type[Model]]:
    """Return the models of a database with those migrations, by ``app.model``.

    Raises:
        StorageError: this Anmok does not know all of them.
    """
    loader = MigrationLoader(connection)
    nodes = [(app, name) for app, _dot, name in (one.partition(".") for one in migrations)]
    unknown = [one for one, node in zip(migrations, nodes, strict=True) if node not in loader.disk_migrations]
    if unknown:
        raise StorageError(
            _("The database has changes that this Anmok does not know: {names}.").format(names=", ".join(unknown[:3])),
            hint=_("Use the version of Anmok that made them, or a newer one."),
        )
    then: Apps = loader.project_state(nodes).apps
    return {
        model._meta.label_lower: model
        for model in then.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }


def rows_of(model: type[Model]) -> Iterator[Model]:
    """Yield all rows of a table by primary key, few at a time."""
    rows = model._base_manager.order_by("pk")
    page = list(rows[:_PAGE])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:_PAGE]) if len(page) == _PAGE else []


def to_line(row: Model) -> bytes:
    """Return a row as a line."""
    values = {field.attname: _plain(field, row) for field in row._meta.concrete_fields}
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def migrate_to(migrations: tuple[str, ...]) -> None:
    """Bring a database that is empty or older to those migrations.

    Raises:
        UsageError: it is newer.
    """
    further = set(applied_migrations()) - set(migrations)
    if further:
        raise UsageError(
            _("The database is newer than the backup: {names}.").format(names=", ".join(sorted(further)[:3])),
            hint=_("Restore into an empty folder and database; it is then brought up to date."),
        )
    executor = MigrationExecutor(connection)
    targets = [(app, name) for app, _dot, name in (one.partition(".") for one in migrations)]
    executor.migrate([node for node in targets if not _is_followed(executor, node, set(targets))])


def replace_rows(reader: Reader, *, told: Callable[[int], object] = lambda _rows: None) -> None:
    """Put the rows of a backup in place of all that are there, in one transaction: all of it or nothing.

    Args:
        told: of the number of rows, as they come.

    Raises:
        StorageError: the rows do not fit the tables.
    """
    models = tables(reader.contents.migrations)
    if set(models) != set(reader.contents.rows):
        odd = sorted(set(models) ^ set(reader.contents.rows))
        raise StorageError(
            _("The backup's tables are not those of its migrations: {names}.").format(names=", ".join(odd[:3])),
            hint=_("Nothing was restored from it. Take another backup."),
        )
    with connection.constraint_checks_disabled(), transaction.atomic():
        with connection.cursor() as cursor:
            for model in models.values():
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
        done = 0
        for label, model in models.items():
            number = 0
            for values in reader.lines(f"rows/{label}.jsonl"):
                _insert(model, values)
                number += 1
                done += 1
                told(done)
            if number != reader.contents.rows[label]:
                raise _unfit(label, f"{number} != {reader.contents.rows[label]}")
        connection.check_constraints()


def _insert(model: type[Model], values: dict[str, Any]) -> None:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    if not isinstance(values, dict) or set(values) != set(fields):
        raise _unfit(model._meta.label_lower, ", ".join(sorted(map(str, set(values) ^ set(fields)))))
    row = model(**{name: None if value is None else fields[name].to_python(value) for name, value in values.items()})
    # As it was: no times of now, nobody told.
    row.save_base(raw=True, force_insert=True)


def _plain(field: Field[Any, Any], row: Model) -> Any:
    value = field.value_from_object(row)
    return value if value is None or isinstance(value, _PLAIN) else field.value_to_string(row)


def _is_followed(executor: MigrationExecutor, node: tuple[str, str], nodes: set[tuple[str, str]]) -> bool:
    return any(child.key in nodes for child in executor.loader.graph.node_map[node].children)


def _unfit(label: str, what: str) -> StorageError:
    return StorageError(
        _("The backup's rows do not fit the table {name}: {what}.").format(name=label, what=what),
        hint=_("Nothing was restored from it. Take another backup."),
    )
