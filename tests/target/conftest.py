"""Tests on a whole board: emulated, or a real one (``--serial DEVICE``). Run by ``make board-test``."""

from __future__ import annotations

import faulthandler
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.target import board as boards
from tests.target import bundles
from tests.target.console import Console
from tools.board import build

HERE = Path(__file__).parent
RESUMABLE = ("test_port", "test_sticks")
"""Modules that never restart the board: ``--resume`` runs them from a saved one, minutes sooner."""


REAL = {
    "test_boot": (),
    "test_network_update": ("--host", "--bundle"),
    "test_rollback": ("--host", "--broken-bundle"),
}
"""Modules that need no hand on a real board, and which options they need there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--serial", metavar="DEVICE", help="test the real board on this serial line")
    parser.addoption(
        "--host", default="", metavar="ADDRESS", help="with --serial: this machine, as that board reaches it"
    )
    parser.addoption(
        "--bundle", type=Path, metavar="FILE", help="with --serial: an update that the board trusts"
    )
    parser.addoption(
        "--broken-bundle", type=Path, metavar="FILE", help="likewise, one whose system does not come up"
    )
    parser.addoption(
        "--resume", action="store_true", help="start from a saved board; only tests that never restart it"
    )
    parser.addoption(
        "--until", type=float, metavar="TIME", help="when test_cycle.py has to end: seconds since 1970"
    )


def pytest_configure(config: pytest.Config) -> None:
    """What was given has to be of use: ends with one line otherwise."""
    given = [name for name in ("--host", "--bundle", "--broken-bundle") if config.getoption(name, None)]
    if given and not config.getoption("--serial"):
        raise pytest.UsageError(f"{given[0]} is for a real board: give --serial DEVICE too")
    for name in ("--bundle", "--broken-bundle"):
        path = config.getoption(name, None)
        if path and not path.is_file():
            raise pytest.UsageError(f"{name} {path}: no such file")


def missing_on_a_real_board(name: str, config: pytest.Config) -> str:
    """Why that module cannot run there; empty if it can."""
    if name not in REAL:
        return "needs a hand on the board's power, pins or sticks"
    missing = [option for option in REAL[name] if not config.getoption(option)]
    return f"needs {' and '.join(missing)}" if missing else ""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder gets these tests."""
    named = (Path(str(argument).partition("::")[0]).resolve() for argument in config.args)
    if any(path.is_relative_to(HERE) for path in named):
        return None
    return True if collection_path.is_relative_to(HERE) else None


def pytest_runtest_setup() -> None:
    """The suite's stack dump after five minutes is for tests that take seconds."""
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def factory_card() -> Path:
    """A card as the factory writes it: version 1.0 in slot A, everything else empty."""
    folder = build.RUN / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    slot = build.slot("1.0", folder / "1.0.ext4")
    return build.image(slot, folder / "factory.img")


@pytest.fixture(scope="session")
def saved_card(factory_card: Path) -> Path:
    """A board that is up, saved once for this state of the system and kept for later runs."""
    saved = build.RUN / "tests" / "saved.qcow2"
    of = build.RUN / "tests" / "saved.of"
    slot = hashlib.sha256((build.RUN / "tests" / "1.0.ext4").read_bytes()).hexdigest()
    # A state fits the very machine that it was saved on.
    machine = (build.CHECKOUT / "tools" / "board" / "emulator.py").read_bytes()
    key = f"{slot} {hashlib.sha256(machine).hexdigest()} {build.qemu()} {build.direct()}"
    if not saved.exists() or not of.exists() or of.read_text() != key:
        boards.save("save", factory_card)
        of.write_text(key)
    return saved


@pytest.fixture(scope="session")
def workshop() -> bundles.Workshop:
    """Makes signed bundles of the checkout."""
    return bundles.Workshop(build.RUN / "tests" / "bundles")


@pytest.fixture(scope="module")
def board(request: pytest.FixtureRequest) -> Iterator[boards.Board]:
    """The module's board, switched on. The tests of a module are a story and run in order."""
    name = request.module.__name__.rpartition(".")[2]
    if device := request.config.getoption("--serial"):
        if why := missing_on_a_real_board(name, request.config):
            pytest.skip(why)
        log = build.RUN / "logs" / f"{name}.log"
        host = request.config.getoption("--host")
        real = boards.Board(Console.of_serial(device, log), None, build.RUN / "tests", log, host=host)
        yield real
        real.console.close()
        return
    if request.config.getoption("--resume"):
        if name not in RESUMABLE:
            pytest.skip("restarts the board: not from a saved one")
        running = boards.resume(name, request.getfixturevalue("saved_card"))
    else:
        running = boards.start(name, request.getfixturevalue("factory_card"))
    yield running
    boards.stop(running)
