"""One service on each database for all tests of a session; what they give it does not disturb the others."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from anmok.bundle.unknown.rule import UnknownRule
from anmok.data.sample import place_names
from tests.bundle.small_bundles import write_colour_bundle
from tests.service.databases import mariadb
from tests.service.served import Served, Visitor, serve
from tests.service.staffed import Staffed

#: What a model is not sure of is none of its classes.
GREY = UnknownRule(
    score="probability", settings={"temperature": 1.0}, threshold=0.5, accepts=0.95, pictures={"valid": 80}
)


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("service")
    # Red, green and blue pictures stand for three of the five sights, so that there are cards; grey is none of them.
    labels = place_names("en")[:3]
    bundle = write_colour_bundle(folder / "colours.anmok", info={"labels": labels, "unknown": GREY})
    with ExitStack() as stack:
        environ = {"ANMOK_LANG": "en"}
        if request.param == "mariadb":
            environ["DATABASE_URL"] = stack.enter_context(mariadb(folder))
        yield stack.enter_context(serve(bundle, folder / "data", **environ))


@pytest.fixture
def visitor(served: Served) -> Visitor:
    return served.visitor()


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def staffed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A service with an account of each role, behind a trusted proxy: each test comes from addresses of its own."""
    folder = tmp_path_factory.mktemp("staffed")
    bundle = write_colour_bundle(folder / "colours.anmok", info={"labels": place_names("en")[:3]})
    with ExitStack() as stack:
        environ = {"ANMOK_LANG": "en", "ANMOK_LIMITS": "on", "ANMOK_PROXIES": "127.0.0.1"}
        if request.param == "mariadb":
            environ["DATABASE_URL"] = stack.enter_context(mariadb(folder))
        yield stack.enter_context(Staffed.of(stack.enter_context(serve(bundle, folder / "data", **environ))))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a service logged is shown with the test that failed: its answers do not tell visitors the reason."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            log = value.folder.with_suffix(".log") if isinstance(value, Served) else None
            if log is not None and log.exists():
                last = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                report.sections.append((f"log of {name}", last))
    return report
