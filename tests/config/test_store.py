"""Atomic writing: a failure at any step, or the end of the process, leaves the old file or the new one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargectl.config.document import Document
from chargectl.config.store import back_up, exclusive, remove_leftovers, write_atomic

OLD, NEW = b'{"old": 1}\n', b'{"new": 2}\n' * 1000


def test_content_mode_and_links_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "customer.json"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.chmod(0o640)
    link = tmp_path / "customer.json"
    link.symlink_to(path)
    write_atomic(link, NEW)
    assert link.is_symlink()
    assert path.read_bytes() == NEW
    assert path.stat().st_mode & 0o7777 == 0o640
    assert os.listdir(path.parent) == ["customer.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    path.write_bytes(OLD)
    os.chown(path, 12345, 54321)
    write_atomic(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_a_new_file_gets_the_given_mode(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    old = os.umask(0o077)
    try:
        write_atomic(path, NEW, mode=0o644)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o7777 == 0o644


class Fault:
    """Makes the n-th call of any watched system call fail, and notes the order of all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: int) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at
        for name in ("open", "fchmod", "write", "fsync", "replace"):
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) == self.fail_at:
                if name == "write":
                    real(args[0], bytes(args[1])[:100])  # a full disk takes a part
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kwargs)

        return call


STEPS = ["open", "fchmod", "write", "fsync", "replace", "open", "fsync"]


def test_the_order_of_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "customer.json"
    path.write_bytes(OLD)
    fault = Fault(monkeypatch, 0)
    write_atomic(path, NEW)
    assert fault.calls == STEPS


@pytest.mark.parametrize(
    "step", range(1, len(STEPS) + 1), ids=[f"{n}-{name}" for n, name in enumerate(STEPS)]
)
def test_a_failure_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    path = tmp_path / "customer.json"
    path.write_bytes(OLD)
    with monkeypatch.context() as patch:
        Fault(patch, step)
        with pytest.raises(OSError, match="No space left"):
            write_atomic(path, NEW)
    # Behind the rename only the folder's fsync is left: the new content is there, its survival is not sure.
    assert path.read_bytes() == (OLD if step <= STEPS.index("replace") + 1 else NEW)
    assert os.listdir(tmp_path) == ["customer.json"]
    write_atomic(path, NEW)
    assert path.read_bytes() == NEW


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:7]))
    write_atomic(tmp_path / "f", NEW)
    assert (tmp_path / "f").read_bytes() == NEW


WRITER = """
import sys
from pathlib import Path
from chargectl.config.document import Document
from chargectl.config.edit import set_value
from chargectl.config.store import write_atomic
path = Path(sys.argv[1])
number = 0
while True:
    number += 1
    text = set_value(Document.read(path), "counter", number).text
    write_atomic(path, text.encode())
    if number == 1:
        print("running", flush=True)
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    comments = "".join(f"  // comment {number}\n" for number in range(500))
    path.write_text("{\n" + comments + '  "counter": 0\n}\n')
    for attempt in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert writer.stdout is not None
        with writer.stdout:
            assert writer.stdout.readline() == b"running\n"
            time.sleep(0.003 * attempt)  # not waiting for anything: kills at ever other moments
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        document = Document.read(path)
        assert document.problems == []
        assert document.text.count("// comment") == 500
    remove_leftovers(tmp_path, "customer.json")
    assert os.listdir(tmp_path) == ["customer.json"]


def test_a_leftover_with_the_same_process_id_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / f".f.{os.getpid()}.new").write_bytes(b"x" * 100_000)
    write_atomic(tmp_path / "f", NEW)
    assert (tmp_path / "f").read_bytes() == NEW


def test_leftovers_of_others_stay(tmp_path: Path) -> None:
    for name in (".customer.json.77.new", ".leds.json.77.new", "customer.json.new", "customer.json"):
        (tmp_path / name).touch()
    assert remove_leftovers(tmp_path, "customer.json") == [tmp_path / ".customer.json.77.new"]
    assert len(os.listdir(tmp_path)) == 3


@pytest.mark.spec(277)
def test_back_up(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    path.write_bytes(OLD)
    path.chmod(0o640)
    backups = tmp_path / "var" / "backups"
    assert back_up(path, backups)
    assert (backups / "customer.json").read_bytes() == OLD
    assert (backups / "customer.json").stat().st_mode & 0o777 == 0o640
    before = (backups / "customer.json").stat()
    assert not back_up(path, backups)
    assert (backups / "customer.json").stat().st_ino == before.st_ino


def test_the_lock_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    held = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="being changed by another program"), exclusive(tmp_path, 0.05):
            pass
    finally:
        os.close(held)
    with exclusive(tmp_path, 0.0):
        pass


def test_two_processes_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "customer.json"
    path.write_text('{"counter": 0}')
    program = """
import sys
from pathlib import Path
from chargectl.config.document import Document
from chargectl.config.edit import set_value
from chargectl.config.store import exclusive, write_atomic
path = Path(sys.argv[1])
for _ in range(50):
    with exclusive(path.parent, 30):
        document = Document.read(path)
        write_atomic(path, set_value(document, "counter", document.find("counter").value + 1).text.encode())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment) for _ in range(2)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert json.loads(path.read_text()) == {"counter": 100}
