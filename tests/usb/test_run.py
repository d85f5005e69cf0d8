"""Whole sticks in a device: real OpenSSL, real RAUC, real file systems, simulated LEDs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import rauc_rig
from tests.rauc_rig import RaucRig, run
from tests.simboard import in_sys, wait_until
from tests.usb.device import Device, Sticks

YELLOW = "/sys/class/leds/yellow:programming"
LIGHT = f"cat {YELLOW}/trigger {YELLOW}/brightness {YELLOW}/delay_on {YELLOW}/delay_off 2>/dev/null"


@pytest.fixture
def rig(tmp_path: Path, device: Device) -> Iterator[RaucRig]:
    """RAUC with the device's keyring, in a slot that came with version 1.0 from a bundle."""
    rauc_rig.require()
    with RaucRig(tmp_path / "rauc") as started:
        text = started.config.read_text()
        started.config.write_text(text.replace(f"{started.pki}/ca.pem", str(device.keyring)))
        device.keyring.unlink()
        device.keyring.symlink_to(started.pki / "ca.pem")
        for name in ("ca", "signer"):
            shutil.copy(started.pki / f"{name}.pem", device.pki / f"{name}.crt")
            shutil.copy(started.pki / f"{name}.key", device.pki)
        # RAUC asks the boot loader's script in the middle of an installation: a look at what holds then.
        here = f"nsenter --mount --target {os.getpid()}"
        backend = (
            (started.root / "backend")
            .read_text()
            .replace(
                "set -eu\n",
                f"set -eu\n[ $1 != set-state ] || {here} sh {tmp_path}/meanwhile\n",
            )
        )
        (started.root / "backend").write_text(backend)
        (tmp_path / "meanwhile").write_text("")
        device.environment["DBUS_SYSTEM_BUS_ADDRESS"] = started.address
        yield started


def visible_to_rauc(rig: RaucRig, partition: str, folder: Path) -> None:
    """Mount the stick a second time where RAUC sees it, and tell it.

    Only plain bundles, which no device takes, ask for that; a host without device mapper can test no others.
    """
    folder.mkdir()
    run("mount", "-o", "ro,noload", partition, folder)
    restart(rig)


def restart(rig: RaucRig) -> None:
    """Restart RAUC's service, with the machine's own /sys: it looks loop devices up there."""
    rig.stop_service()
    show = 'while grep -q " /sys fuse" /proc/self/mounts; do umount --lazy /sys; done; exec "$@"'
    rig.start_service(after=("sh", "-c", show, "rauc"))


def restart_in(rig: RaucRig, slot: str) -> None:
    """Boot the slot, which the boot loader takes now."""
    assert (rig.root / "boot/primary").read_text() == f"{slot}\n"
    rig.booted = slot
    (rig.root / "boot/booted").write_text(f"{slot}\n")
    restart(rig)


@pytest.fixture
def second_mount(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "second"
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


@pytest.mark.spec(243)
@pytest.mark.spec(244)
@pytest.mark.spec(264)
@pytest.mark.spec(267)
@pytest.mark.spec(271)
@pytest.mark.spec(294)
def test_keyring_then_script_then_image_on_one_stick(
    device: Device, sticks: Sticks, rig: RaucRig, sim_world: Any, tmp_path: Path, second_mount: Path
) -> None:
    rauc_rig.make_ca(rig.pki, "owner-ca")
    rauc_rig.make_signer(rig.pki, "release", "owner-ca")
    for name in ("owner-ca", "release"):
        shutil.copy(rig.pki / f"{name}.pem", device.pki / f"{name}.crt")
        shutil.copy(rig.pki / f"{name}.key", device.pki)
    (tmp_path / "meanwhile").write_text(
        f"{{ {LIGHT}; }} >{tmp_path}/update-light\ncp {device.keyring} {tmp_path}/at-update\n"
    )
    bundle = rig.bundle("2.0", signer="release")
    content = sticks.folder()
    shutil.copy(bundle, content / "update.image")
    sticks.signed(
        content, "fwupdate-keyring.pem", (rig.pki / "owner-ca.pem").read_bytes(), device.pki, "signer"
    )
    script = (
        f"cp /etc/rauc/keyring.pem {tmp_path}/at-script\n"
        f"{{ {LIGHT}; }} >{tmp_path}/script-light\n"
        f"[ ! -e {tmp_path}/at-update ] && echo 'no image yet' >{tmp_path}/order\n"
    )
    sticks.signed(content, "autorun.sh", script, device.pki, "release")
    stick = sticks.ext(content, mib=32)
    visible_to_rauc(rig, stick, second_mount)

    output = device.plug(stick)

    new = (rig.pki / "owner-ca.pem").read_bytes()
    assert (tmp_path / "at-script").read_bytes() == new, "the keyring comes before the script"
    assert (tmp_path / "at-update").read_bytes() == new
    assert (tmp_path / "order").read_text() == "no image yet\n", "the script comes before the image"
    assert not device.keyring.is_symlink()
    assert device.keyring.read_bytes() == new
    # The service ran all the time: it took the bundle under a keyring that was not there when it started.
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert device.asked() == ["reboot"]
    assert "[none]" in (tmp_path / "script-light").read_text()
    assert "\n0\n" not in (tmp_path / "script-light").read_text(), "on while the stick is searched"
    light = (tmp_path / "update-light").read_text()
    assert "[timer]" in light
    assert light.endswith("250\n250\n"), "250 ms on, 250 ms off while updating"
    assert "[none]" in in_sys(f"class/leds/{YELLOW.rpartition('/')[2]}/trigger")
    assert in_sys(f"class/leds/{YELLOW.rpartition('/')[2]}/brightness") == "0"
    assert "Traceback" not in output

    # The new system finds the stick again: nothing is left to do, and it does not restart.
    restart_in(rig, "B")
    device.asked_file.unlink()
    (device.root / "state").write_text("running\n")
    again = device.plug(stick)
    assert device.asked() == []
    assert "'fwupdate-keyring.pem': is the keyring already" in again
    assert "has run before and is unchanged" in again
    assert "'update.image': version '2.0' is running already: nothing is left to do" in again
    assert in_sys(f"class/leds/{YELLOW.rpartition('/')[2]}/brightness") == "0"


@pytest.mark.spec(242)
@pytest.mark.spec(272)
@pytest.mark.spec(294)
def test_foreign_and_broken_images_are_passed_over_and_the_light_goes_off(
    device: Device, sticks: Sticks, rig: RaucRig, sim_world: Any, second_mount: Path
) -> None:
    content = sticks.folder()
    shutil.copy(rig.bundle("2.0", compatible="another board"), content / "1-other.image")
    rauc_rig.make_ca(rig.pki, "nobody")
    rauc_rig.make_signer(rig.pki, "stranger", "nobody")
    shutil.copy(rig.bundle("2.1", signer="stranger"), content / "2-stranger.image")
    good = rig.bundle("2.2").read_bytes()
    (content / "3-truncated.image").write_bytes(good[: len(good) // 2])
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 4
    (content / "4-flipped.image").write_bytes(flipped)
    (content / "5-text.image").write_text("not a bundle\n")
    stick = sticks.ext(content, mib=64)
    visible_to_rauc(rig, stick, second_mount)

    output = device.plug(stick)

    assert "'1-other.image': is for 'another board'; this board takes images for" in output
    for name in ("2-stranger", "3-truncated", "4-flipped", "5-text"):
        assert f"'{name}.image': ignored: RAUC:" in output
    assert rig.slot_text("B") == "VERSION=1.0-B\n"
    assert (rig.root / "boot/primary").read_text() == "A\n"
    assert device.asked() == []
    assert in_sys("class/leds/yellow:programming/brightness") == "0"
    assert "[none]" in in_sys("class/leds/yellow:programming/trigger")


@pytest.mark.spec(294)
def test_the_light_is_on_while_a_stick_is_searched_and_off_after_an_empty_one(
    device: Device, sticks: Sticks, sim_world: Any, tmp_path: Path
) -> None:
    content = sticks.folder()
    wait = f"touch {tmp_path}/inside; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done\n"
    sticks.signed(content, "autorun.sh", wait, device.pki, "vendor-signer")
    with device.plugged(sticks.ext(content)) as process:
        wait_until((tmp_path / "inside").exists, 20)
        assert in_sys("class/leds/yellow:programming/brightness") != "0"
        assert "[none]" in in_sys("class/leds/yellow:programming/trigger")
        (tmp_path / "go").touch()
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert in_sys("class/leds/yellow:programming/brightness") == "0"
    assert "nothing for this board on the stick" in device.plug(sticks.ext(sticks.folder()))
    assert in_sys("class/leds/yellow:programming/brightness") == "0"


def test_a_stick_waits_for_the_one_before_it(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    log = tmp_path / "log"
    partitions = []
    for name in "ab":
        content = sticks.folder()
        wait = f"while [ ! -e {tmp_path}/go-{name} ]; do sleep 0.01; done"
        text = f"echo {name}-begins >>{log}\n{wait}\necho {name}-ends >>{log}\n"
        sticks.signed(content, "autorun.sh", text, device.pki, "vendor-signer")
        partitions.append(sticks.ext(content))
    with device.plugged(partitions[0]) as first:
        wait_until(log.exists, 20)
        with device.plugged(partitions[1]) as second:
            assert second.stdout is not None
            assert "waits for the stick before it" in second.stdout.readline()
            (tmp_path / "go-b").touch()
            assert log.read_text() == "a-begins\n"
            (tmp_path / "go-a").touch()
            for process in (first, second):
                process.communicate(timeout=30)
                assert process.returncode == 0
    assert log.read_text() == "a-begins\na-ends\nb-begins\nb-ends\n"


def test_after_a_rollback_the_stick_is_not_tried_again(
    device: Device, sticks: Sticks, rig: RaucRig, second_mount: Path
) -> None:
    content = sticks.folder()
    shutil.copy(rig.bundle("2.0"), content / "update.image")
    stick = sticks.ext(content, mib=32)
    visible_to_rauc(rig, stick, second_mount)
    device.plug(stick)
    assert device.asked() == ["reboot"]
    # The boot loader has given up on B: the board comes back from A.
    (rig.root / "boot/primary").write_text("A\n")
    (rig.root / "boot/state.B").write_text("bad\n")
    restart_in(rig, "A")
    device.asked_file.unlink()
    (device.root / "state").write_text("running\n")
    assert "the board has come back from it" in device.plug(stick)
    assert device.asked() == []


@pytest.mark.spec(269)
@pytest.mark.spec(270)
def test_a_script_that_restarts_the_board_runs_to_its_end_and_leaves_the_image_for_later(
    device: Device, sticks: Sticks, rig: RaucRig, tmp_path: Path, second_mount: Path
) -> None:
    content = sticks.folder()
    shutil.copy(rig.bundle("2.0"), content / "update.image")
    script = f"reboot\ncp {device.executed} {tmp_path}/noted\nsleep 0.2\necho later >{tmp_path}/later\n"
    file = sticks.signed(content, "autorun.sh", script, device.pki, "signer")
    md5 = hashlib.md5(file.read_bytes()).hexdigest()
    stick = sticks.ext(content, mib=32)
    visible_to_rauc(rig, stick, second_mount)
    output = device.plug(stick)
    assert (tmp_path / "later").read_text() == "later\n"
    assert (tmp_path / "noted").read_text() == f"{md5}\n"
    assert device.asked() == ["reboot"]
    assert "images: not looked at: the system goes down" in output
    assert rig.slot_text("B") == "VERSION=1.0-B\n"
    # After the restart the script does not run again, and the image is installed.
    (device.root / "state").write_text("running\n")
    (tmp_path / "later").unlink()
    device.asked_file.unlink()
    device.plug(stick)
    assert not (tmp_path / "later").exists()
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert device.asked() == ["reboot"]


@pytest.mark.parametrize("what", ["a folder", "a file"])
def test_what_is_no_stick_is_refused(device: Device, tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "a folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(4096))
    output = device.plug(str(path), expected=1)
    assert f"{path}: is no block device" in output


def test_a_partition_without_a_known_file_system_is_no_failure(device: Device, sticks: Sticks) -> None:
    image = sticks.folder() / "image"
    image.write_bytes(bytes(1 << 20))
    assert "holds no file system that is read here" in device.plug(sticks.attach(image))
