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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--serial", metavar="DEVICE", help="test the real board on this serial line")
    parser.addoption(
        "--resume", action="store_true", help="start from a saved board; only tests that never restart it"
    )
    parser.addoption(
        "--until", type=float, metavar="TIME", help="when test_cycle.py has to end: seconds since 1970"
    )


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
        if name != "test_boot":
            pytest.skip("needs a hand on the board's power, pins or sticks")
        log = build.RUN / "logs" / f"{name}.log"
        yield boards.Board(Console.of_serial(device, log), None, build.RUN / "tests", log)
        return
    if request.config.getoption("--resume"):
        if name not in RESUMABLE:
            pytest.skip("restarts the board: not from a saved one")
        running = boards.resume(name, request.getfixturevalue("saved_card"))
    else:
        running = boards.start(name, request.getfixturevalue("factory_card"))
    yield running
    boards.stop(running)
