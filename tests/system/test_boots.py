"""The history's file, and what a boot knows of itself."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chargectl.system import bootloader as bootloader_module
from chargectl.system import boots
from chargectl.system.bootloader import Bootloader, read_bootloader
from chargectl.system.boots import BootHistory
from chargectl.system.release import Release, ReleaseError, read_release
from chargectl.update.history import Boot, GivenUp, History, begin, to_json
from tests.rauc_rig import make_filesystem

BOOT = Boot("one", "A", "1.0", "2026-01-01T00:00:00.000Z")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "srv" / "chargectl" / "boots.json"


def add(history: History) -> History:
    return begin(history, BOOT)


class TestFile:
    def test_what_was_changed_is_read_again(self, path: Path) -> None:
        assert BootHistory(path).change(add) == (BOOT,)
        assert BootHistory(path).read() == (BOOT,)
        assert os.listdir(path.parent) == ["boots.json"]

    def test_anybody_may_read_it_and_only_the_owner_writes(self, path: Path) -> None:
        BootHistory(path).change(add)
        assert path.stat().st_mode & 0o777 == 0o644

    def test_without_a_file_there_were_no_boots(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert BootHistory(path).read() == ()
        assert caplog.records == []

    @pytest.mark.parametrize(
        "damage",
        [
            b"",
            b"{",
            b"\x00" * 4096,
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"format": 9}',
            b" " * 200_000,
            b"1" * 9000,
        ],
        ids=["empty", "cut", "zeros", "not UTF-8", "deep", "other format", "large", "long number"],
    )
    def test_a_damaged_file_is_moved_aside(
        self, path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        path.parent.mkdir(parents=True)
        path.write_bytes(damage)
        assert BootHistory(path).read() == ()
        assert BootHistory(path).change(add) == (BOOT,)
        assert path.with_name("boots.json.damaged").read_bytes() == damage
        assert BootHistory(path).read() == (BOOT,)
        errors = [record for record in caplog.records if record.levelname == "ERROR"]
        assert len(errors) == 1
        assert "kept as" in errors[0].getMessage()

    def test_an_unchanged_history_is_not_written(self, path: Path) -> None:
        BootHistory(path).change(add)
        before = path.stat()
        BootHistory(path).change(add)
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_a_disk_that_refuses_leaves_the_old_history(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        BootHistory(path).change(add)

        def full(_descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            BootHistory(path).change(lambda history: begin(history, Boot("two", "A", "1.0", "")))
        assert BootHistory(path).read() == (BOOT,)
        assert os.listdir(path.parent) == ["boots.json"]

    def test_the_file_is_for_people_too(self, path: Path) -> None:
        BootHistory(path).change(lambda _: (Boot("one", "A", "1.0 grün", ""),))
        assert "grün" in path.read_text(encoding="utf-8")
        assert json.loads(path.read_bytes()) == to_json((Boot("one", "A", "1.0 grün", ""),))


class TestThisBoot:
    def test_the_kernel_tells_its_id(self) -> None:
        assert len(boots.boot_id()) == 36
        assert boots.boot_id() == boots.boot_id()

    @pytest.mark.parametrize(
        ("line", "slot"),
        [
            ("console=ttymxc0 root=PARTUUID=c4a26ec1-02 rauc.slot=B panic=5\n", "B"),
            ("rauc.slot=A", "A"),
            ("root=/dev/nfs norauc.slot=B", ""),
        ],
    )
    def test_the_bootloader_tells_the_slot(self, tmp_path: Path, line: str, slot: str) -> None:
        file = tmp_path / "cmdline"
        file.write_text(line)
        assert boots.running_slot(file) == slot

    @pytest.mark.parametrize(
        ("content", "reset"), [("32\n", True), ("0\n", False), ("0x20", True), ("33", True), ("x", False)]
    )
    def test_the_watchdog_tells_its_reset(self, tmp_path: Path, content: str, reset: bool) -> None:
        file = tmp_path / "bootstatus"
        file.write_text(content)
        assert boots.watchdog_reset(file) is reset

    def test_a_board_without_a_watchdog_was_not_reset_by_it(self, tmp_path: Path) -> None:
        assert not boots.watchdog_reset(tmp_path / "bootstatus")


class TestGivenUp:
    STATUS = "[slot.rootfs.0]\nbundle.version=1.0\n[slot.rootfs.1]\nbundle.version=2.0%1\nstatus=ok\n"

    @pytest.mark.parametrize(
        ("slot", "bootloader", "given_up"),
        [
            ("A", Bootloader(("B", "A"), {"A": 2, "B": 0}), GivenUp("B", "2.0%1")),
            ("B", Bootloader(("A", "B"), {"A": 0, "B": 2}), GivenUp("A", "1.0")),
            ("B", Bootloader(("B", "A"), {"A": 3, "B": 0}), None),
            ("A", Bootloader(("B", "A"), {"A": 2, "B": 3}), None),
            ("A", Bootloader(("B", "A"), {"A": 2}), None),
            ("A", Bootloader(("A",), {"A": 2}), None),
            ("A", None, None),
        ],
    )
    def test_only_a_preferred_slot_without_tries(
        self, tmp_path: Path, slot: str, bootloader: Bootloader | None, given_up: GivenUp | None
    ) -> None:
        status = tmp_path / "status"
        status.write_text(self.STATUS)
        assert boots.given_up(slot, bootloader, status) == given_up

    @pytest.mark.parametrize("content", [None, "", "no file of RAUC", "[slot.rootfs.1]\nstatus=ok\n"])
    def test_an_unknown_version_is_empty(self, tmp_path: Path, content: str | None) -> None:
        status = tmp_path / "status"
        if content is not None:
            status.write_text(content)
        tried = Bootloader(("B", "A"), {"A": 2, "B": 0})
        assert boots.given_up("A", tried, status) == GivenUp("B", "")

    def test_a_slot_that_rauc_has_not_written_tells_its_version_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_filesystem(tmp_path / "c4a26ec1-02", {"etc/chargectl-release": "VERSION=2.0\n"}, 2)
        command_line = tmp_path / "cmdline"
        command_line.write_text("console=ttymxc3 root=PARTUUID=c4a26ec1-01 rauc.slot=A panic=5\n")
        monkeypatch.setattr(boots, "PARTITIONS", tmp_path)
        monkeypatch.setattr(boots, "COMMAND_LINE", command_line)
        tried = Bootloader(("B", "A"), {"A": 2, "B": 0})
        status = tmp_path / "status"
        assert boots.given_up("A", tried, status) == GivenUp("B", "2.0")
        # What RAUC says comes first.
        status.write_text("[slot.rootfs.1]\nbundle.version=2.1\n")
        assert boots.given_up("A", tried, status) == GivenUp("B", "2.1")


class TestBootloader:
    """Its environment, as U-Boot's own tools read it from a file laid out like the eMMC."""

    @pytest.fixture
    def tool(self, tmp_path: Path) -> str:
        program = shutil.which("fw_printenv", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if program is None:
            pytest.skip("fw_printenv (libubootenv-tool) is not installed on this machine")
        (tmp_path / "emmc").write_bytes(b"\0" * 0x100000)
        (tmp_path / "fw_env.config").write_text(
            f"{tmp_path}/emmc 0xC0000 0x2000\n{tmp_path}/emmc 0xE0000 0x2000\n"
        )
        self.setenv = Path(program).with_name("fw_setenv")
        wrapper = tmp_path / "fw_printenv"
        wrapper.write_text(f'#!/bin/sh\nexec {program} -c {tmp_path}/fw_env.config "$@"\n')
        wrapper.chmod(0o755)
        return str(wrapper)

    def write(self, tmp_path: Path, **variables: str) -> None:
        defaults = tmp_path / "defaults"
        defaults.write_text("bootdelay=1\n")
        script = tmp_path / "script"
        script.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        subprocess.run(
            [self.setenv, "-c", tmp_path / "fw_env.config", "-f", defaults, "-s", script],
            check=True,
            capture_output=True,
        )

    def test_order_and_tries(self, tmp_path: Path, tool: str) -> None:
        self.write(tmp_path, BOOT_ORDER="B A", BOOT_A_LEFT="3", BOOT_B_LEFT="0")
        found = read_bootloader(tool)
        assert found == Bootloader(("B", "A"), {"B": 0, "A": 3})
        assert found.tries_left == 3

    def test_a_disabled_slot_has_no_tries(self, tmp_path: Path, tool: str) -> None:
        self.write(tmp_path, BOOT_ORDER="A", BOOT_A_LEFT="a", BOOT_B_LEFT="3")
        found = read_bootloader(tool)
        assert found is not None
        assert found.tries_left == 10, "counted in hexadecimal, B not among them"

    def test_an_unreadable_number_is_none(self, tmp_path: Path, tool: str) -> None:
        self.write(tmp_path, BOOT_ORDER="A B", BOOT_A_LEFT="three")
        assert read_bootloader(tool) == Bootloader(("A", "B"), {})

    def test_an_environment_without_slots_is_told(
        self, tmp_path: Path, tool: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.write(tmp_path, console="ttymxc0")
        assert read_bootloader(tool) is None
        assert "BOOT_ORDER is missing" in caplog.text

    def test_an_erased_environment_is_told(self, tool: str, caplog: pytest.LogCaptureFixture) -> None:
        assert read_bootloader(tool) is None
        assert len(caplog.records) == 1

    def test_a_missing_tool_is_told(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert read_bootloader(str(tmp_path / "none")) is None
        assert "No such file or directory" in caplog.text

    def test_a_tool_that_hangs_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(bootloader_module, "ANSWER_S", 0.2)
        hangs = tmp_path / "hangs"
        hangs.write_text("#!/bin/sh\nexec sleep 100\n")
        hangs.chmod(0o755)
        assert read_bootloader(str(hangs)) is None
        assert "did not end within 0.2 s" in caplog.text


class TestRelease:
    def test_the_file_that_the_image_has(self, tmp_path: Path) -> None:
        file = tmp_path / "release"
        file.write_text(
            '# made by the build\nVERSION=1.2.3\nBUILD="2026-01-01T00:00:00Z"\n'
            "MACHINE=charge-control-c\nDEVELOPMENT_KEYS=no\nNEW=thing\n"
        )
        assert read_release(file) == Release("1.2.3", "2026-01-01T00:00:00Z", "charge-control-c", False)

    @pytest.mark.parametrize(
        "keys", ["", "DEVELOPMENT_KEYS=yes\n", "DEVELOPMENT_KEYS=\n", "DEVELOPMENT_KEYS=?\n"]
    )
    def test_what_does_not_deny_development_keys_has_them(self, tmp_path: Path, keys: str) -> None:
        file = tmp_path / "release"
        file.write_text("VERSION=1\n" + keys)
        assert read_release(file).development_keys

    @pytest.mark.parametrize("content", ["", "BUILD=x\n", "#VERSION=1\n", "VERSION=\n"])
    def test_without_a_version_it_is_no_release(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "release"
        file.write_text(content)
        with pytest.raises(ReleaseError, match="VERSION is missing"):
            read_release(file)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ReleaseError, match="release: No such file"):
            read_release(tmp_path / "release")
