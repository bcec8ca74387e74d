"""A service on MariaDB leaves connections to others, and hands on only those that work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pymysql
import pytest

from anmok.data.sample import place_names
from anmok.service.mysql.idle import MOST_IDLE, IdleConnections
from tests.bundle.small_bundles import write_colour_bundle
from tests.service.databases import mariadb
from tests.service.served import Served, serve

PROCESSES = 2


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mariadb(tmp_path_factory.mktemp("mariadb")) as url:
        yield url


@pytest.fixture(scope="module")
def on_mariadb(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("on-mariadb")
    bundle = write_colour_bundle(folder / "colours.anmok", info={"labels": place_names("en")[:3]})
    with serve(bundle, folder / "data", DATABASE_URL=url) as served:
        yield served


def facts(url: str) -> dict[str, object]:
    """Return what PyMySQL wants to know of a database."""
    parts = urlsplit(url)
    where = {"host": parts.hostname, "port": parts.port} if parts.port else {"unix_socket": parts.query.split("=")[1]}
    return {"user": parts.username, "database": parts.path.strip("/"), **where}


@pytest.fixture
def connected(url: str) -> Iterator[pymysql.connections.Connection]:
    with pymysql.connect(**facts(url)) as connection:
        yield connection


def others(connected: pymysql.connections.Connection) -> list[int]:
    """Return the connections to the same database besides the test's own."""
    with connected.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        return [number for (number,) in cursor.fetchall()]


def visit_all_at_once(served: Served, visits: int) -> set[int]:
    with ThreadPoolExecutor(visits) as pool:
        return set(pool.map(lambda _number: served.visitor().get("/cards/").status_code, range(visits)))


def test_after_a_crowd_a_process_keeps_a_few_connections_alone(
    on_mariadb: Served, connected: pymysql.connections.Connection
) -> None:
    for _round in range(4):
        assert visit_all_at_once(on_mariadb, 40) == {200}
    # The server takes a moment to forget what was closed.
    ends = time.monotonic() + 20
    while len(others(connected)) > PROCESSES * MOST_IDLE and time.monotonic() < ends:
        time.sleep(0.1)
    assert 1 <= len(others(connected)) <= PROCESSES * MOST_IDLE


def test_connections_that_the_database_has_closed_are_not_used_again(
    on_mariadb: Served, connected: pymysql.connections.Connection
) -> None:
    visit_all_at_once(on_mariadb, 10)
    closed = others(connected)
    assert closed
    for number in closed:
        connected.kill(number)
    assert visit_all_at_once(on_mariadb, 20) == {200}
    assert not set(closed) & set(others(connected))


def test_what_a_request_left_undone_is_not_seen_by_the_next(
    url: str, connected: pymysql.connections.Connection
) -> None:
    with connected.cursor() as cursor:
        cursor.execute("CREATE TABLE undone (number INT)")
    idle, parameters = IdleConnections(1), facts(url)
    first = pymysql.connect(**parameters)
    first.cursor().execute("INSERT INTO undone VALUES (1)")
    idle.give_back(parameters, first)
    again = idle.take(parameters)
    assert again is first
    with again.cursor() as cursor:
        assert cursor.execute("SELECT * FROM undone") == 0
    again.close()


def test_connections_go_to_who_wants_the_same_database_and_no_more_are_kept_than_wanted(url: str) -> None:
    idle, parameters = IdleConnections(1), facts(url)
    kept, too_many = pymysql.connect(**parameters), pymysql.connect(**parameters)
    idle.give_back(parameters, kept)
    idle.give_back(parameters, too_many)
    assert not too_many.open
    assert idle.take({**parameters, "database": "mysql"}) is None
    assert idle.take(dict(parameters)) is kept
    assert idle.take(parameters) is None
    kept.close()
