"""``chargectl update status`` against a real RAUC."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargectl.cli.main import main
from chargectl.system.rauc import Rauc, RaucError
from chargectl.system.update_record import RecordFile
from chargectl.update.history import Boot, GivenUp, History, Outcome, begin, to_json
from chargectl.update.record import Phase, Record
from chargectl.update.request import make_request
from tests.broker import wait_until
from tests.rauc_rig import RaucRig, make_filesystem, require

TOOL = """#!/bin/sh
cat {file}
"""


class Device:
    """One with RAUC, and the files that the command reads."""

    def __init__(self, root: Path, rig: RaucRig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig = rig
        self.boots = root / "boots.json"
        self.release = root / "release"
        self.downloads = root / "download"
        self.release.write_text("VERSION=1.0\nBUILD=2026-01-01T00:00:00Z\n")
        self.bus = rig.address
        (root / "bin").mkdir()
        (root / "environment").write_text("BOOT_ORDER=B A\nBOOT_A_LEFT=3\nBOOT_B_LEFT=2\n")
        self.tool = root / "bin" / "fw_printenv"
        self.tool.write_text(TOOL.format(file=root / "environment"))
        self.tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{root / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin")

    def run(self, *more: str) -> int:
        return main(
            [
                *("update", "status", "--bus", self.bus, "--boots", str(self.boots)),
                *("--release", str(self.release), "--download-dir", str(self.downloads), *more),
            ]
        )


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaucRig]:
    require()
    with RaucRig(tmp_path_factory.mktemp("update") / "rig", loop=True) as made:
        yield made


@pytest.fixture
def device(tmp_path: Path, rig: RaucRig, monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(tmp_path, rig, monkeypatch)


def rolled_back() -> History:
    found: History = ()
    for number in range(3):
        found = begin(found, Boot(f"b{number}", "B", "2.0", "", Outcome.FAILED, "portd is not ready"))
    return begin(found, Boot("back", "A", "1.0", "", given_up=GivenUp("B", "2.0")))


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


@pytest.mark.spec(245)
def test_both_slots_before_and_after_an_update(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    rauc = Rauc(device.rig.address)
    rauc.mark("active")
    assert device.run() == 0
    assert capsys.readouterr().out.splitlines() == [
        "running   slot A, version 1.0",
        "next      the same",
        "",
        "slot  state     bootable  tries left  version  installed",
        "A     running   yes       3           1.0      -",
        "B     inactive  yes       2           1.0-B    -",
    ]
    rauc.install(str(device.rig.bundle("2.0")))
    assert device.run("--json") == 0
    report = found(capsys)
    installed = rauc.slots()[1].installed_at
    assert (report["booted"], report["primary"], report["installing"]) == ("A", "B", False)
    assert report["compatible"] == device.rig.compatible
    assert [slot["version"] for slot in report["slots"]] == ["1.0", "2.0"]
    assert report["slots"][1] == {
        "slot": "B",
        "name": "rootfs.1",
        "device": rauc.slots()[1].device,
        "booted": False,
        "boot_status": "good",
        "tries_left": 2,
        "version": "2.0",
        "installed_at": installed,
        "activated_at": installed,
    }
    assert report["rollback"] is None
    assert report["last_update"] is None
    assert device.run() == 0
    text = capsys.readouterr().out
    assert "next      slot B, version 2.0\n" in text
    assert f"B     inactive  yes       2           2.0      {installed}\n" in text


def test_a_slot_that_rauc_has_not_written_tells_itself_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def row(device: Device) -> str:
        assert device.run() == 0
        return " ".join(capsys.readouterr().out.splitlines()[-1].split())

    require()
    with RaucRig(tmp_path / "rig") as rig:
        device = Device(tmp_path, rig, monkeypatch)
        assert row(device) == "B inactive yes 2 1.0-B -"
        assert device.run("--json") == 0
        assert found(capsys)["slots"][1]["version"] == "1.0-B"
        # As the eMMC is after flashing.
        size = rig.slot_file("B").stat().st_size
        rig.slot_file("B").write_bytes(bytes(size))
        assert row(device) == "B inactive yes 2 empty -"
        assert device.run("--json") == 0
        assert found(capsys)["slots"][1]["version"] is None
        # Somebody else's file system.
        make_filesystem(rig.slot_file("B"), {"etc/os-release": "ID=other\n"}, 8)
        assert row(device) == "B inactive yes 2 unknown -"


def test_a_slot_with_half_an_installation_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require()
    with RaucRig(tmp_path / "rig", loop=True) as rig:
        device = Device(tmp_path, rig, monkeypatch)
        with pytest.raises(RaucError):
            Rauc(rig.address).install(str(rig.bundle("2.0", hook="#!/bin/sh\nexit 1\n")))
        assert rig.slot_text("B") == "VERSION=2.0\n"
        assert device.run() == 0
        assert capsys.readouterr().out.splitlines()[-1].split() == [
            *("B", "inactive", "no", "2", "incomplete", "-"),
        ]
        assert device.run("--json") == 0
        assert found(capsys)["slots"][1]["version"] is None


def test_without_the_boot_loaders_tool_the_tries_are_not_known(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    for change in (lambda: device.tool.write_text("#!/bin/sh\nexit 1\n"), device.tool.unlink):
        change()
        assert device.run("--json") == 0
        assert [slot["tries_left"] for slot in found(capsys)["slots"]] == [None, None]


def test_a_rollback_and_the_last_update_are_shown(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    device.boots.write_text(json.dumps(to_json(rolled_back())))
    asked = make_request("http://me:hunter2hunter2@h/u.image?token=hunter2", "3")
    RecordFile(device.downloads / "request.json").write(
        Record("b", "A", Phase.WAITING, asked, 2, "download-failed", "", "no route")
    )
    assert device.run() == 0
    text = capsys.readouterr().out
    assert "\nrollback  version 2.0 in slot B did not come up in 3 tries: portd is not ready" in text
    assert text.endswith("\nupdate    http://h/u.image: download-failed, trial 2 of 3: no route\n")
    assert device.run("--json") == 0
    report = found(capsys)
    assert "portd is not ready" in report["rollback"]
    assert report["last_update"] == {
        "url": "http://h/u.image",
        "asked_by": "mqtt",
        "state": "download-failed",
        "trial": 2,
        "max_trials": 3,
        "result": "",
        "message": "no route",
    }


def test_during_an_installation_rauc_tells_less(
    device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rauc = Rauc(device.rig.address)
    gate = tmp_path / "gate"
    hook = f"#!/bin/sh\nwhile [ ! -e {gate} ]; do sleep 0.02; done\n"
    bundle = device.rig.bundle("3.0", hook=hook)
    installation = threading.Thread(target=rauc.install, args=(str(bundle),))
    installation.start()
    wait_until(rauc.installing, 20)
    try:
        assert device.run() == 0
        assert "an update is being installed" in capsys.readouterr().out
        assert device.run("--json") == 0
        report = found(capsys)
        assert (report["installing"], report["slots"], report["booted"]) == (True, [], "A")
    finally:
        gate.touch()
        installation.join(20)


def test_without_rauc_the_rest_is_shown(
    device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device.bus = f"unix:path={tmp_path / 'nowhere'}"
    device.boots.write_text(json.dumps(to_json(rolled_back())))
    device.release.unlink()
    assert device.run() == 1
    out, err = capsys.readouterr()
    assert "rollback  version 2.0" in out
    assert "is not reachable" in err
    assert "release: No such file" in err
    assert len(err.splitlines()) == 2
