"""Pytest plugin: a simulated board behind the test process's own ``/sys``.

``sim_world`` is a fresh board in virtual time: the test (and the production code it calls) opens the real
paths, and time passes only by ``sim_world.advance(ms)`` or through ``sim_clock``. One process serves all
tests; a test that kills it gets the next one a new board.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chargectl.sim import namespace
from chargectl.sim.client import SimClient, SimError

START_S = 10.0
"""Deadline for a board to appear."""


class BoardProcess:
    """The process that serves the board."""

    def __init__(self, socket_path: Path) -> None:
        self._socket = socket_path
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> SimClient:
        """A connection to a running board, which is started when there is none."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        return SimClient(str(self._socket))

    def kill(self) -> None:
        """End the board the hard way: whoever uses its files gets ENOTCONN."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        namespace.unmount()

    def _start(self) -> None:
        namespace.unmount()
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "chargectl.sim",
                "serve",
                "--inherit-namespace",
                "--virtual-time",
                "--socket",
                str(self._socket),
            ],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                SimClient(str(self._socket)).close()
                return
            except SimError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.01)
        code = self._process.poll()
        self.kill()
        pytest.fail(
            f"the simulated board did not start (exit code {code}); its message is above", pytrace=False
        )


class SimClock:
    """A clock for production code: its time is the board's time, and sleeping lets that pass."""

    def __init__(self, board: SimClient) -> None:
        self._board = board

    def monotonic_ms(self) -> int:
        return int(self._board.now_ms())

    def monotonic(self) -> float:
        """Seconds."""
        return self._board.now_ms() / 1000

    def sleep(self, seconds: float) -> None:
        self._board.advance(seconds * 1000)


_UNAVAILABLE = pytest.StashKey[str]()
_CLONE_FS = 0x0000_0200
_OUTSIDE = pytest.StashKey[int]()
"""The mount namespace that the test process was started in."""


def pytest_configure(config: pytest.Config) -> None:
    """Enter the private mount namespace before any thread starts: without root it is possible only then."""
    config.stash[_OUTSIDE] = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if not namespace.is_private():
        try:
            namespace.enter()
        except namespace.UnavailableError as error:
            config.stash[_UNAVAILABLE] = str(error)


@pytest.fixture(scope="session")
def sim_namespace(pytestconfig: pytest.Config) -> Iterator[None]:
    """This process in a private mount namespace, so that a board can cover its ``/sys``."""
    if _UNAVAILABLE in pytestconfig.stash:
        pytest.fail(pytestconfig.stash[_UNAVAILABLE], pytrace=False)
    yield
    namespace.unmount()


@pytest.fixture(scope="module")
def real_sys(pytestconfig: pytest.Config) -> Iterator[None]:
    """For a module's tests: back where the machine's own ``/sys`` is, whatever earlier tests have mounted."""
    inside = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(pytestconfig.stash[_OUTSIDE])
        yield
        _enter(inside)
    finally:
        os.close(inside)


def _enter(descriptor: int) -> None:
    folder = Path.cwd()
    libc = ctypes.CDLL(None, use_errno=True)
    # Only a thread that shares its root and working folder with no other may change its mount namespace.
    if libc.unshare(_CLONE_FS) != 0 or libc.setns(descriptor, namespace.CLONE_NEWNS) != 0:
        number = ctypes.get_errno()
        if number == errno.EPERM:
            pytest.skip("needs root: goes back to the machine's own mount namespace")
        raise OSError(number, os.strerror(number))
    os.chdir(folder)


@pytest.fixture(scope="session")
def sim_process(sim_namespace: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoardProcess]:
    """The process behind ``sim_world``."""
    board = BoardProcess(tmp_path_factory.mktemp("simboard") / "control")
    yield board
    board.kill()


@pytest.fixture
def sim_options() -> dict[str, Any]:
    """Options of the board; a test module or a parametrized test overrides this fixture."""
    return {}


@pytest.fixture
def sim_world(sim_process: BoardProcess, sim_options: dict[str, Any]) -> Iterator[SimClient]:
    """A fresh board: nothing exported, nothing plugged in, time zero; ``reset(...)`` makes another."""
    board = sim_process.client()
    board.reset(**sim_options)
    yield board
    board.close()


@pytest.fixture
def sim_clock(sim_world: SimClient) -> SimClock:
    """Board time as ``monotonic_ms()``, ``monotonic()`` and ``sleep(seconds)``."""
    return SimClock(sim_world)


def wait_until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for a condition of another process or thread; fails the test at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"the condition was not met within {timeout_s} s")
        time.sleep(0.002)


def in_sys(path: str) -> str:
    """Content of a file below /sys, without the newline."""
    with open(os.path.join("/sys", path), encoding="ascii") as file:
        return file.read().rstrip("\n")
