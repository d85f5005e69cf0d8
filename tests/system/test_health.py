"""What the health check looks at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chargectl.system.health import beat, last_words, probe, write_result
from chargectl.system.heartbeat import Heartbeat
from chargectl.update.health import Check, judge_disk, judge_heartbeat


class TestBeat:
    def test_portds_beats_are_told_apart(self, tmp_path: Path) -> None:
        path = tmp_path / "portd.heartbeat"
        assert beat(path) is None
        heart = Heartbeat(path)
        heart.beat()
        first = beat(path)
        assert judge_heartbeat(first, beat(path)) != []
        os.utime(path, ns=(1, 1))
        heart.beat()
        assert judge_heartbeat(first, beat(path)) == []
        heart.close()


class TestProbe:
    def test_a_usable_directory_is_left_as_it_was(self, tmp_path: Path) -> None:
        disk = probe(tmp_path)
        assert disk.fault == ""
        space = os.statvfs(tmp_path)
        assert disk.free_bytes == pytest.approx(space.f_bavail * space.f_frsize, rel=0.2)
        assert os.listdir(tmp_path) == []

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        assert judge_disk(probe(tmp_path / "secc")) == [
            f"{tmp_path}/secc: cannot be written: No such file or directory"
        ]

    @pytest.mark.parametrize(
        ("options", "prepare", "problem"),
        [
            ("size=4m,ro", "", "cannot be written: Read-only file system"),
            ("size=4m", "head -c 3500000 /dev/zero >{0}/filler", "KiB free, 1024 KiB are needed"),
            ("size=4m", "cat /dev/zero >{0}/filler 2>/dev/null || true", "No space left on device"),
            ("size=4m,nr_inodes=8", "touch {0}/a {0}/b", "files, for 32 is needed"),
        ],
        ids=["read-only", "nearly full", "full", "no inodes"],
    )
    def test_a_real_file_system_that_refuses(
        self, tmp_path: Path, options: str, prepare: str, problem: str
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("mounting a file system needs root")
        script = f"set -e; mount -t tmpfs -o {options} none {tmp_path}; {prepare.format(tmp_path) or ':'}; "
        program = (
            "import sys; from pathlib import Path; from chargectl.system.health import probe; "
            "from chargectl.update.health import judge_disk; print(*judge_disk(probe(Path(sys.argv[1]))))"
        )
        done = subprocess.run(
            [
                "unshare",
                "-m",
                "sh",
                "-c",
                script + 'exec "$0" -c "$1" "$2"',
                sys.executable,
                program,
                tmp_path,
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.stderr == ""
        assert done.stdout.startswith(f"{tmp_path}: ")
        assert problem in done.stdout


class TestResult:
    def test_it_is_left_for_everybody(self, tmp_path: Path) -> None:
        path = tmp_path / "health.json"
        write_result((Check("disk", ("/srv: cannot be written: x",)), Check("port")), path)
        assert last_words(path) == "disk: /srv: cannot be written: x"
        assert path.stat().st_mode & 0o777 == 0o644

    @pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"[]", b"[" * 100_000])
    def test_what_cannot_be_read_says_nothing(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "health.json"
        if content is not None:
            path.write_bytes(content)
        assert last_words(path) == ""
