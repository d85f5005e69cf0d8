"""What the guard sees and how it talks to the service manager: its modules under the real MicroPython."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chargectl.system.heartbeat import Heartbeat
from chargectl.system.instance import Instance
from tests.broker import wait_until
from tests.guard.rig import GUARD, START_S, ServiceManager

Ask = Callable[[str], Any]

_LOOP = """
import json, sys
sys.path.insert(0, sys.argv[1])
import libc, manager
from observe import Sight, Taken
for line in sys.stdin:
    print(json.dumps(eval(line)))
"""


@pytest.fixture
def ask(micropython: str) -> Iterator[Ask]:
    """Evaluates an expression in a running MicroPython that has the guard's modules."""
    process = subprocess.Popen(
        [micropython, "-c", _LOOP, str(GUARD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout

    def evaluate(expression: str) -> Any:
        process.stdin.write(expression + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield evaluate
    process.stdin.close()
    process.wait(START_S)
    process.stdout.close()


def look(ask: Ask, folder: Path) -> Any:
    return ask(f"Sight({str(folder)!r}).look()")


def test_an_empty_folder_shows_nothing(ask: Ask, tmp_path: Path) -> None:
    assert look(ask, tmp_path) == [None, 0, "", ""]


def test_a_heartbeat_as_portd_writes_it(ask: Ask, tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path / "portd.heartbeat")
    lock = Instance(tmp_path / "portd.lock")
    heart.starting()
    first, holder, mark, boot = look(ask, tmp_path)
    assert (holder, mark, boot) == (os.getpid(), "starting", "")
    heart.beat()
    second, _, mark, _ = look(ask, tmp_path)
    assert mark == ""
    assert second[0] == first[0]
    state = (tmp_path / "portd.heartbeat").stat()
    assert second[1] == [state.st_mtime_ns // 10**9, state.st_mtime_ns % 10**9]
    heart.end(wanted=True)
    assert look(ask, tmp_path)[2] == "stopped"
    lock.release()
    heart.close()
    assert look(ask, tmp_path)[1:3] == [0, "stopped"]


def test_a_file_in_its_place_is_another_one_even_with_the_same_inode(ask: Ask, tmp_path: Path) -> None:
    seen = set()
    path = tmp_path / "portd.heartbeat"
    for _ in range(3):
        path.touch()
        seen.add(str(look(ask, tmp_path)[0][0]))
        path.unlink()
    assert len(seen) == 3


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_no_heartbeat(ask: Ask, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "portd.heartbeat"
    (tmp_path / "target").touch()
    match kind:
        case "link":
            path.symlink_to(tmp_path / "target")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    assert look(ask, tmp_path)[0] is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"1\n", b"99999999999\n", b"x" * 100])
def test_a_lock_that_nobody_holds_is_no_portd(ask: Ask, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "portd.lock").write_bytes(content)
    assert look(ask, tmp_path)[1] == 0


def test_looking_does_not_keep_a_portd_from_starting(ask: Ask, tmp_path: Path) -> None:
    lock = Instance(tmp_path / "portd.lock")
    for _ in range(20):
        look(ask, tmp_path)
        lock.release()
        lock = Instance(tmp_path / "portd.lock")
    lock.release()


def test_what_was_decided_about_the_boot(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "degraded").touch()
    assert look(ask, tmp_path)[3] == "degraded"
    (tmp_path / "healthy").touch()
    assert look(ask, tmp_path)[3] == "healthy"


def test_pid_1_owes_an_answer_until_it_gives_one(ask: Ask, tmp_path: Path) -> None:
    systemd = ServiceManager(tmp_path / "notify")
    try:
        systemd.answering = False
        assert ask(f"globals().update(m=manager.Manager({str(systemd.path)!r}, 0))") is None
        assert ask("m.silent_ms(0)") == 0
        wait_until(lambda: systemd.count("BARRIER=1") == 1, START_S)
        assert ask("m.silent_ms(4000)") == 4_000
        assert ask("m.silent_ms(60000)") == 60_000
        assert systemd.count("BARRIER=1") == 1, "one question at a time"
        systemd.answer_late()
        assert ask("m.silent_ms(61000)") == 0, "a late answer is one, and the next question is due"
        systemd.answering = True
        wait_until(lambda: systemd.count("BARRIER=1") == 2, START_S)
        systemd.answer_late()
        assert ask("m.silent_ms(62000)") == 0
        assert ask("m.silent_ms(66000)") == 0
        wait_until(lambda: systemd.count("BARRIER=1") == 3, START_S)
        assert ask("m.silent_ms(67000)") == 0
    finally:
        systemd.close()


def test_pid_1_that_does_not_listen_does_not_answer(ask: Ask, tmp_path: Path) -> None:
    assert ask(f"globals().update(m=manager.Manager({str(tmp_path / 'none')!r}, 0))") is None
    assert ask("m.silent_ms(1000)") == 0
    assert ask("m.silent_ms(31000)") == 30_000


def test_a_queue_that_is_full_stops_nothing(ask: Ask, tmp_path: Path) -> None:
    systemd = ServiceManager(tmp_path / "notify")
    systemd.stop_reading()
    try:
        ask(f"globals().update(m=manager.Manager({str(systemd.path)!r}, 0))")
        assert ask("[m.status(str(i)) for i in range(2000)][0]") is None
        assert ask("m.silent_ms(0)") == 0
        assert ask("m.silent_ms(40000)") == 40_000
    finally:
        systemd.close()


def test_an_abstract_address_is_spoken_to(ask: Ask, tmp_path: Path) -> None:
    name = f"\0chargectl-test-{os.getpid()}"
    systemd = ServiceManager(name)
    try:
        ask(f"globals().update(m=manager.Manager({'@' + name[1:]!r}, 0))")
        ask("m.ready()")
        wait_until(lambda: "READY=1" in systemd.told, START_S)
    finally:
        systemd.close()


def test_the_process_whose_outputs_were_taken_is_named(ask: Ask, tmp_path: Path) -> None:
    ask(f"globals().update(t=Taken({str(tmp_path)!r}))")
    for pid, content in ((0, ""), (123, "123\n"), (123, "123\n"), (0, "")):
        ask(f"t.tell({pid})")
        assert (tmp_path / "guard.taken").read_text() == content


@pytest.mark.parametrize(("left", "pid"), [("", 0), ("123\n", 123), ("nonsense", 0)])
def test_what_the_guard_before_has_left_is_known(ask: Ask, tmp_path: Path, left: str, pid: int) -> None:
    (tmp_path / "guard.taken").write_text(left)
    assert ask(f"Taken({str(tmp_path)!r}).pid") == pid
    assert (tmp_path / "guard.taken").read_text() == (left if pid else "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense", "1"], "option --nonsense: allowed are --run-dir, --watchdog, each with a value"),
        (["--watchdog"], "option --watchdog: allowed are"),
        ([], "NOTIFY_SOCKET is not set"),
    ],
)
def test_what_it_refuses_to_start_with(micropython: str, arguments: list[str], said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    done = subprocess.run(
        [micropython, str(GUARD / "main.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("<3>")
    assert said in done.stderr
