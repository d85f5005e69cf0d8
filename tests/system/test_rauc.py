"""RAUC over D-Bus, with the real service on a bus of its own."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.system.rauc import Rauc, RaucError
from tests.ftp_server import FtpServer
from tests.rauc_rig import COMPATIBLE, RaucRig, make_ca, make_signer, require
from tests.web_server import Resource, WebServer

pytestmark = pytest.mark.usefixtures("rig")

SLOW_HOOK = """#!/bin/sh
while [ ! -e {gate} ]; do sleep 0.02; done
"""


@pytest.fixture(scope="module")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaucRig]:
    require()
    with RaucRig(tmp_path_factory.mktemp("rauc") / "rig", loop=True) as made:
        yield made


@pytest.fixture
def rig(shared_rig: RaucRig) -> RaucRig:
    return shared_rig


@pytest.fixture
def rauc(rig: RaucRig) -> Rauc:
    return Rauc(rig.address, call_s=20)


class Installation:
    """One that waits in its hook until it is let go."""

    def __init__(self, rig: RaucRig, rauc: Rauc, tmp_path: Path) -> None:
        self.gate = tmp_path / "gate"
        bundle = rig.bundle("9.0", name=f"{tmp_path.name}.image", hook=SLOW_HOOK.format(gate=self.gate))
        self.progress: list[tuple[int, str]] = []
        self.error: RaucError | None = None
        self._copied = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(rauc, str(bundle)))
        self.thread.start()
        assert self._copied.wait(20)

    def _run(self, rauc: Rauc, bundle: str) -> None:
        try:
            rauc.install(bundle, self._note)
        except RaucError as error:
            self.error = error

    def _note(self, percent: int, text: str) -> None:
        self.progress.append((percent, text))
        if text.startswith("Copying image"):
            self._copied.set()

    def end(self) -> None:
        self.gate.touch()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.mark.spec(245)
def test_a_bundle_goes_into_the_other_slot_and_its_progress_is_told(rig: RaucRig, rauc: Rauc) -> None:
    bundle = rig.bundle("2.0")
    progress: list[tuple[int, str]] = []
    rauc.install(str(bundle), lambda percent, text: progress.append((percent, text)))
    assert rig.slot_text("B") == "VERSION=2.0\n"
    assert rig.slot_text("A") == "VERSION=1.0-A\n"
    percents = [percent for percent, _ in progress]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert rauc.booted() == "A"
    assert rauc.primary() == "rootfs.1"
    assert rauc.compatible() == COMPATIBLE
    assert not rauc.installing()


def command(rig: RaucRig, *words: str) -> subprocess.CompletedProcess[str]:
    """RAUC's own program, as a technician calls it."""
    return subprocess.run(
        ["rauc", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": rig.address},
    )


@pytest.mark.spec(245)
def test_a_technician_installs_a_file(rig: RaucRig, rauc: Rauc) -> None:
    done = command(rig, "install", str(rig.bundle("2.3")))
    assert done.returncode == 0, done.stderr
    assert "100%" in done.stdout
    assert rig.slot_text("B") == "VERSION=2.3\n"
    assert rauc.booted() == "A"
    assert command(rig, "install", str(rig.bundle("2.4", compatible="a toaster"))).returncode != 0


@pytest.mark.spec(246)
def test_a_technician_installs_from_a_url_with_credentials(rig: RaucRig) -> None:
    if command(rig, "--version").stdout.strip() != "rauc 1.8":
        pytest.skip("a later RAUC streams bundles of format verity, through the kernel's nbd")
    data = rig.bundle("2.5").read_bytes()
    with (
        WebServer({"u.image": Resource(data, credentials=("me", "p@ss"))}) as web,
        FtpServer({"u.image": rig.bundle("2.6").read_bytes()}, user="me", password="p@ss") as ftp,
    ):
        assert command(rig, "install", web.url("u.image", "me:wrong")).returncode != 0
        for url, version in (
            (web.url("u.image", "me:p%40ss"), "2.5"),
            (ftp.url("u.image", "me:p%40ss"), "2.6"),
        ):
            done = command(rig, "install", url)
            assert done.returncode == 0, done.stderr
            assert rig.slot_text("B") == f"VERSION={version}\n"


def test_what_rauc_knows_of_the_slots(rig: RaucRig, rauc: Rauc) -> None:
    before = {slot.name: slot.installed_count for slot in rauc.slots()}
    rauc.install(str(rig.bundle("2.1")))
    first, second = rauc.slots()
    assert (first.name, first.bootname, first.state, first.boot_status) == ("rootfs.0", "A", "booted", "good")
    assert (first.version, first.installed_at, first.installed_count) == ("", "", 0)
    assert (second.name, second.bootname, second.state, second.version) == (
        "rootfs.1",
        "B",
        "inactive",
        "2.1",
    )
    assert second.device.startswith("/dev/loop")
    assert second.installed_count == before["rootfs.1"] + 1
    assert second.installed_at == second.activated_at
    assert second.installed_at.startswith("20")
    assert len(second.image_sha256) == 64


def test_a_bundle_is_read_after_its_signature_was_checked(rig: RaucRig, rauc: Rauc) -> None:
    bundle = rig.bundle("2.2")
    info = rauc.bundle_info(str(bundle))
    assert (info.compatible, info.version) == (COMPATIBLE, "2.2")
    # RAUC 1.8 knows no hash of a bundle; where there is one, the slot gets it.
    rauc.install(str(bundle))
    assert rauc.slots()[1].bundle_hash == info.hash
    assert len(info.hash) in (0, 64)
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(RaucError, match="RAUC: "):
        rauc.bundle_info(str(bundle))


def test_slots_are_marked(rauc: Rauc) -> None:
    rauc.mark("bad", "other")
    assert [slot.boot_status for slot in rauc.slots()] == ["good", "bad"]
    rauc.mark("good", "rootfs.1")
    assert [slot.boot_status for slot in rauc.slots()] == ["good", "good"]
    assert "rootfs.1" in rauc.mark("active", "other")
    assert rauc.primary() == "rootfs.1"
    rauc.mark("active")
    assert rauc.primary() == "rootfs.0"
    with pytest.raises(RaucError, match="unknown"):
        rauc.mark("excellent")


def test_the_reason_of_a_refusal_is_raucs_own(rig: RaucRig, rauc: Rauc) -> None:
    rauc.mark("active", "other")
    with pytest.raises(RaucError, match="Compatible mismatch"):
        rauc.install(str(rig.bundle("3.0", compatible="a toaster")))
    make_ca(rig.pki, "stranger")
    make_signer(rig.pki, "intruder", ca="stranger")
    with pytest.raises(RaucError, match="signature verification failed"):
        rauc.install(str(rig.bundle("3.1", signer="intruder")))
    with pytest.raises(RaucError, match="No such file"):
        rauc.install(str(rig.root / "nowhere.image"))
    assert rauc.primary() == "rootfs.1"


def test_one_installation_at_a_time_and_another_program_may_follow_it(
    rig: RaucRig, rauc: Rauc, tmp_path: Path
) -> None:
    running = Installation(rig, rauc, tmp_path)
    assert rauc.installing()
    with pytest.raises(RaucError, match="lready processing"):
        rauc.install(str(rig.bundle("4.0")))
    with pytest.raises(RaucError, match="lready processing"):
        rauc.slots()
    assert rauc.installing()
    seen: list[int] = []
    found: list[bool] = []
    follower = threading.Thread(
        target=lambda: found.append(rauc.follow(lambda percent, _: seen.append(percent)))
    )
    follower.start()
    # The follower listens before it asks for the operation; it is connected when the bus has one name more.
    _wait_connections(rig, 3)
    running.end()
    follower.join(20)
    assert found == [True]
    assert seen[-1] == 100
    assert running.error is None
    assert rauc.follow() is False


def test_a_hook_that_fails_fails_the_installation(rig: RaucRig, rauc: Rauc) -> None:
    with pytest.raises(RaucError, match="hook"):
        rauc.install(str(rig.bundle("5.0", hook="#!/bin/sh\nexit 7\n")))
    assert rauc.primary() == "rootfs.0"


def test_a_service_that_dies_is_told_and_the_next_one_is_found(
    rig: RaucRig, rauc: Rauc, tmp_path: Path
) -> None:
    running = Installation(rig, rauc, tmp_path)
    rig.stop_service(9)
    running.end()
    assert str(running.error) == "RAUC: the service ended during the installation"
    with pytest.raises(RaucError, match="service is not on the bus"):
        rauc.installing()
    rig.start_service()
    assert not rauc.installing()


def test_a_bus_that_goes_away_is_told(rig: RaucRig, rauc: Rauc, tmp_path: Path) -> None:
    running = Installation(rig, rauc, tmp_path)
    rig.stop_bus()
    running.end()
    rig.stop_service(9)
    # Which one is noticed first is chance: that the service has left, or that the bus has.
    assert str(running.error).startswith(("D-Bus: connection lost", "RAUC: the service ended"))
    with pytest.raises(RaucError, match=r"D-Bus \(unix:path=.*\) is not reachable"):
        rauc.slots()
    rig.start_bus()
    rig.start_service()
    assert rauc.booted() == "A"


def test_a_service_that_hangs_is_told(rig: RaucRig, tmp_path: Path) -> None:
    hasty = Rauc(rig.address, call_s=0.3, check_s=0.1)
    with pytest.raises(RaucError, match="not reachable"):
        Rauc("tcp:host=localhost,port=1").slots()
    running = Installation(rig, Rauc(rig.address, call_s=2, check_s=0.1), tmp_path)
    rig.pause_service()
    started = time.monotonic()
    with pytest.raises(RaucError, match=r"RAUC did not answer within 0\.3 s"):
        hasty.slots()
    running.thread.join(20)
    assert str(running.error) == "RAUC did not answer within 2 s"
    assert time.monotonic() - started < 20
    rig.pause_service(False)
    running.gate.touch()
    assert Rauc(rig.address).follow() in (True, False)


def _wait_connections(rig: RaucRig, least: int) -> None:
    from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

    address = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    deadline = time.monotonic() + 20
    with open_dbus_connection(rig.address) as connection:
        while True:
            names = connection.send_and_get_reply(new_method_call(address, "ListNames"), timeout=5).body[0]
            others = [name for name in names if name.startswith(":") and name != connection.unique_name]
            if len(others) >= least:
                return
            assert time.monotonic() < deadline
