import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from playwright.sync_api import Browser, expect

from domain.demo.data.people import CAMILLE, HEATHER
from e2e.browsing import BOTH, DESKTOP, PHONE, Device, Inspector, Watch, launch_options
from e2e.logs import Ear
from e2e.patient import Patient
from e2e.portal import Portal
from tests import databases

PATIENCE = 20_000  # milliseconds
expect.set_options(timeout=PATIENCE)

Open = Callable[..., Patient]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    return {**browser_type_launch_args, **launch_options()}


@pytest.fixture(scope="session")
def whole_portal() -> Iterator[Portal]:
    with databases.folder() as folder, Portal(Path(folder)).running() as portal:
        yield portal


@pytest.fixture
def portal(whole_portal: Portal, ear: Ear) -> Portal:
    """As it was seeded: each story has a database of its own."""
    whole_portal.begin_again()
    return whole_portal


@pytest.fixture
def ear() -> Iterator[Ear]:
    """R99: at the end of the story no line of the logs holds what none may."""
    listening, log = Ear(), logging.getLogger("portal")
    level = log.level
    log.addHandler(listening)
    log.setLevel(logging.INFO)
    yield listening
    log.removeHandler(listening)
    log.setLevel(level)
    assert listening.told() == []


@pytest.fixture(scope="session")
def inspector(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, pytestconfig: pytest.Config
) -> Inspector:
    folder = tmp_path_factory.getbasetemp()
    seen = (folder if worker_id == "master" else folder.parent) / "seen"
    seen.mkdir(exist_ok=True)
    return Inspector(seen, is_thorough=pytestconfig.getoption("every_device"))


@pytest.fixture
def open_browser(portal: Portal, browser: Browser, inspector: Inspector) -> Iterator[Open]:
    """Another browser; at the end of the story each must have had nothing to complain of."""
    watch = Watch(portal.url)
    with ExitStack() as stack:

        def open_on(device: Device, **options: object) -> Patient:
            context = stack.enter_context(device.open(browser, portal.url, **options))
            context.set_default_timeout(PATIENCE)
            stack.enter_context(watch.over(context))
            return Patient(context.new_page(), portal, device, inspector)

        yield open_on
    watch.check()


def in_soak(*others: object) -> list[ParameterSet]:
    """The same story on these is told by `make soak` alone."""
    return [pytest.param(other, marks=pytest.mark.soak) for other in others]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-device",
        action="store_true",
        help="no story on one device alone, and axe on whatever page a story meets",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A story that says nothing is told where its reader mostly is, or everywhere if asked for."""
    told = metafunc.definition
    said = any("device" in mark.args[0] for mark in told.iter_markers("parametrize"))
    if "device" not in metafunc.fixturenames or said:
        return
    is_everywhere = metafunc.config.getoption("every_device") or told.get_closest_marker("both")
    is_at_work = told.path.name.startswith("test_desk_")
    if told.get_closest_marker("phone_alone"):
        devices = [PHONE]
    elif is_everywhere:
        devices = [*BOTH]
    else:
        devices = [DESKTOP if is_at_work else PHONE]
    metafunc.parametrize("device", devices, indirect=True, ids=str)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> Device:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def stranger(open_browser: Open, device: Device) -> Patient:
    """Nobody the portal knows, yet."""
    return open_browser(device)


@pytest.fixture
def heather(open_browser: Open, device: Device) -> Patient:
    """Signed in, on the dashboard: the form itself is the first booking's story, among others."""
    return signed_in(open_browser(device), HEATHER.email)


@pytest.fixture
def camille(open_browser: Open, device: Device) -> Patient:
    """In another browser."""
    return signed_in(open_browser(device), CAMILLE.email)


def signed_in(patient: Patient, email: str) -> Patient:
    if patient.device.language == "en":
        patient.has_chosen_the_language()
    patient.signs_in_at_once(email)
    patient.opens("/")
    patient.sees("Tableau de bord")
    return patient
