"""``chargectl boot`` against a real RAUC, U-Boot's own tools and a real service manager.

Only the bootloader itself is played here, by the rules that it has: of BOOT_ORDER the first slot with tries
left, one try less, and everything anew for the slots in BOOT_ORDER when none is left.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargectl.cli import boot
from chargectl.cli.main import main
from chargectl.sim.client import SimClient
from chargectl.system import boots, health, migration_record, release
from chargectl.system.boots import BootHistory
from chargectl.system.migration import pending
from chargectl.system.migration_root import Root
from chargectl.system.rauc import Rauc
from chargectl.update.health import Check
from chargectl.update.history import Outcome, find_rollback, rolled_back
from tests import rauc_rig
from tests.rauc_rig import RaucRig
from tests.simboard import in_sys
from tests.systemd_rig import SystemdRig, require

RED_BLINKS_S = boot.RED_BLINKS_S
TIMER = "[Timer]\nOnActiveSec=1h\nUnit=chargectl-mark-good.service\n"


class Device:
    """A board with two slots that starts, as far as its user space can tell."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, manager: SystemdRig) -> None:
        self.root = root
        self.manager = manager
        self.slot = ""
        self._boots = 0
        self._programs = root / "programs"
        self._programs.mkdir()
        (root / "emmc").write_bytes(b"\0" * 0x100000)
        (root / "fw_env.config").write_text(f"{root}/emmc 0xC0000 0x2000\n{root}/emmc 0xE0000 0x2000\n")
        for name in ("fw_printenv", "fw_setenv"):
            program = rauc_rig.which(name)
            if program is None:
                pytest.skip(f"{name} (libubootenv-tool) is not installed on this machine")
            options = f"-c {root}/fw_env.config" + (f" -f {root}/defaults" if name == "fw_setenv" else "")
            wrapper = self._programs / name
            wrapper.write_text(f'#!/bin/sh\nexec {program} {options} "$@"\n')
            wrapper.chmod(0o755)
        (root / "defaults").write_text("bootdelay=1\n")
        self.set_environment(BOOT_ORDER="A B", BOOT_A_LEFT="3", BOOT_B_LEFT="3")
        for module, name in (
            (boots, "PATH"),
            (boots, "COMMAND_LINE"),
            (boots, "BOOT_ID"),
            (boots, "BOOT_STATUS"),
            (boots, "RAUC_STATUS"),
            (boots, "HEALTHY"),
            (boots, "DEGRADED"),
            (health, "RESULT"),
            (release, "PATH"),
        ):
            monkeypatch.setattr(module, name, root / f"{module.__name__.rpartition('.')[2]}-{name}".lower())
        self.history = BootHistory(boots.PATH)
        self.rauc = _UbootRig(root / "rauc", self._programs)
        monkeypatch.setattr(boots, "RAUC_STATUS", self.rauc.root / "status")
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", self.rauc.address)
        monkeypatch.setenv("PATH", f"{self._programs}:{manager.path}:{os.environ['PATH']}")
        manager.root.joinpath("reboots").unlink(missing_ok=True)

    def set_environment(self, **variables: str) -> None:
        script = self.root / "script"
        script.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        subprocess.run([self._programs / "fw_setenv", "-s", script], check=True, capture_output=True)

    def environment(self) -> dict[str, str]:
        """The bootloader's variables about slots."""
        shown = subprocess.run(
            [self._programs / "fw_printenv"], check=True, capture_output=True, text=True
        ).stdout
        values = dict(line.split("=", 1) for line in shown.splitlines())
        return {name: value for name, value in sorted(values.items()) if name.startswith("BOOT_")}

    def start(self, *, watchdog: bool = False) -> str:
        """Start the board, up to where the kernel runs; returns the slot."""
        values = self.environment()
        order = values["BOOT_ORDER"].split()
        if all(int(values[f"BOOT_{name}_LEFT"], 16) == 0 for name in order):
            for name in order:
                values[f"BOOT_{name}_LEFT"] = "3"
        self.slot = next(name for name in order if int(values[f"BOOT_{name}_LEFT"], 16) > 0)
        left = f"BOOT_{self.slot}_LEFT"
        values[left] = f"{int(values[left], 16) - 1:x}"
        self.set_environment(**values)
        self._boots += 1
        for path in (boots.HEALTHY, boots.DEGRADED, health.RESULT):
            path.unlink(missing_ok=True)
        boots.COMMAND_LINE.write_text(f"console=ttymxc0 rauc.slot={self.slot} panic=5\n")
        boots.BOOT_ID.write_text(f"boot-{self._boots}\n")
        boots.BOOT_STATUS.write_text("32\n" if watchdog else "0\n")
        version = self.rauc.slot_text(self.slot).removeprefix("VERSION=").strip()
        release.PATH.write_text(f"VERSION={version}\n")
        self.rauc.booted = self.slot
        self.rauc.stop_service()
        self.rauc.start_service()
        return self.slot

    def boot_good(self) -> str:
        slot = self.start()
        assert main(["boot", "record"]) == 0
        assert main(["boot", "good"]) == 0
        return slot

    def boot_failed(self, problem: str) -> str:
        slot = self.start()
        assert main(["boot", "record"]) == 0
        health.write_result([Check("daemons", (problem,))], health.RESULT)
        assert main(["boot", "failed"]) == 0
        return slot


class _UbootRig(RaucRig):
    """RAUC with the bootloader that the board has: it changes the environment by U-Boot's tools."""

    def __init__(self, root: Path, programs: Path) -> None:
        super().__init__(root)
        self._programs = programs

    def start_service(self, **_options: Any) -> None:
        config = self.config.read_text()
        handlers = "[handlers]\n" + config.partition("[handlers]\n")[2].partition("\n")[0] + "\n"
        self.config.write_text(config.replace("bootloader=custom", "bootloader=uboot").replace(handlers, ""))
        super().start_service(after=("env", f"PATH={self._programs}:{os.environ['PATH']}:/usr/sbin:/sbin"))


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdRig]:
    require()
    with SystemdRig(tmp_path_factory.mktemp("systemd")) as rig:
        rig.unit(boot.RETRY_TIMER, TIMER)
        rig.unit("chargectl-mark-good.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        yield rig


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: SystemdRig) -> Iterator[Device]:
    rauc_rig.require()
    made = Device(tmp_path, monkeypatch, manager)
    with made.rauc:
        yield made
    manager.call("stop", boot.RETRY_TIMER)


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """The program sets up its own logging."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lose_data_partition(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be stored where the boots are on record."""
    blocker = device.root / "blocker"
    blocker.write_text("a file where the folder belongs")
    monkeypatch.setattr(boots, "PATH", blocker / "boots.json")


@pytest.mark.usefixtures("sim_world")
class TestGood:
    @pytest.mark.spec(258)
    @pytest.mark.spec(260)
    def test_a_good_boot_gives_back_the_tries_and_disables_the_other_slot(self, device: Device) -> None:
        device.start()
        assert device.environment() == {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "2", "BOOT_B_LEFT": "3"}
        assert main(["boot", "record"]) == 0
        assert device.environment()["BOOT_A_LEFT"] == "2", "nothing is good yet"
        assert not boots.HEALTHY.exists()
        assert main(["boot", "good"]) == 0
        assert device.environment() == {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
        assert device.history.read()[-1].outcome is Outcome.GOOD
        assert boots.HEALTHY.read_text() == "boot-1\n"

    @pytest.mark.spec(260)
    def test_power_cuts_at_boot_do_not_bring_back_the_old_slot(self, device: Device) -> None:
        device.boot_good()
        assert [device.start() for _ in range(7)] == ["A"] * 7

    @pytest.mark.spec(261)
    def test_back_and_forth_by_hand(self, device: Device) -> None:
        assert device.boot_good() == "A"
        for other in ("B", "A"):
            subprocess.run(["rauc", "status", "mark-active", "other"], check=True, capture_output=True)
            assert device.environment()["BOOT_ORDER"].split()[0] == other
            assert device.boot_good() == other
            assert device.environment()["BOOT_ORDER"] == other
            assert rolled_back(device.history.read()) is None

    @pytest.mark.spec(261)
    def test_a_slot_taken_by_hand_that_fails_falls_back(self, device: Device) -> None:
        device.boot_good()
        subprocess.run(["rauc", "status", "mark-active", "other"], check=True, capture_output=True)
        assert [device.boot_failed("x") for _ in range(3)] == ["B"] * 3
        assert device.boot_good() == "A"

    def test_an_update_that_waits_for_its_restart_stays_the_next(self, device: Device) -> None:
        device.boot_good()
        Rauc(device.rauc.address).install(str(device.rauc.bundle("2.0")))
        assert main(["boot", "good"]) == 0
        assert device.environment() == {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"}
        assert device.start() == "B"

    def test_an_unreachable_rauc_is_no_good_boot(
        self, device: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(boot, "MARK_S", 0.0)
        device.start()
        device.rauc.stop_service()
        assert main(["boot", "good"]) == 1
        assert not boots.HEALTHY.exists()
        assert "the slot is not marked good" in capsys.readouterr().err

    def test_marking_is_tried_again_while_rauc_is_away(
        self, device: Device, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        device.start()
        device.rauc.stop_service()
        monkeypatch.setattr(boot, "MARK_PAUSE_S", 0.1)
        later = threading.Timer(0.3, device.rauc.start_service)
        later.start()
        assert main(["boot", "good"]) == 0
        later.join()
        assert device.environment()["BOOT_ORDER"] == "A"

    def test_a_board_without_slots_is_good_without_rauc(self, device: Device) -> None:
        device.start()
        device.rauc.stop_service()
        boots.COMMAND_LINE.write_text("root=/dev/nfs\n")
        assert main(["boot", "good"]) == 0
        assert boots.HEALTHY.exists()

    def test_a_system_that_recovers_is_degraded_no_more(self, device: Device) -> None:
        device.start()
        boots.DEGRADED.write_text("x\n")
        assert main(["boot", "good"]) == 0
        assert not boots.DEGRADED.exists()


class TestRecord:
    def test_the_first_boot(self, device: Device) -> None:
        device.start()
        assert main(["boot", "record"]) == 0
        assert main(["boot", "record"]) == 0
        (only,) = device.history.read()
        assert (only.boot_id, only.slot, only.version) == ("boot-1", "A", "1.0-A")
        assert only.outcome is Outcome.STARTED
        assert only.started.endswith("Z")

    @pytest.mark.parametrize(
        ("watchdog", "reason"), [(False, "ended without a word"), (True, "the watchdog reset the board")]
    )
    def test_how_the_last_one_ended(
        self, device: Device, watchdog: bool, reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        device.start()
        main(["boot", "record"])
        device.start(watchdog=watchdog)
        assert main(["boot", "record"]) == 0
        before = device.history.read()[0]
        assert before.outcome is Outcome.FAILED
        assert reason in before.reason
        assert reason in capsys.readouterr().err

    def test_a_damaged_history_stops_nothing(self, device: Device) -> None:
        device.start()
        boots.PATH.write_text("{")
        assert main(["boot", "record"]) == 0
        assert len(device.history.read()) == 1

    def test_a_data_partition_that_is_missing_is_told(
        self, device: Device, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        device.start()
        lose_data_partition(device, monkeypatch)
        assert main(["boot", "record"]) == 1
        error = capsys.readouterr().err
        assert "this boot is not on record: " in error
        assert "Traceback" not in error

    @pytest.mark.usefixtures("sim_world")
    def test_a_data_partition_that_is_missing_makes_no_good_boot_a_bad_one(
        self, device: Device, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        device.start()
        lose_data_partition(device, monkeypatch)
        assert main(["boot", "good"]) == 0
        assert boots.HEALTHY.exists()
        assert "the boot's outcome is not on record: " in capsys.readouterr().err

    def test_an_image_without_a_release_file_is_recorded(self, device: Device) -> None:
        device.start()
        release.PATH.unlink()
        assert main(["boot", "record"]) == 0
        assert device.history.read()[0].version == ""


class TestFailed:
    WHY = "chargectl-portd.service is not ready (start)"

    @pytest.mark.spec(259)
    @pytest.mark.usefixtures("sim_world")
    def test_three_tries_of_an_update_then_the_old_system_and_why(self, device: Device) -> None:
        device.boot_good()
        Rauc(device.rauc.address).install(str(device.rauc.bundle("2.0")))
        for number in range(1, 4):
            assert device.boot_failed(self.WHY) == "B"
            assert device.manager.reboots == number
            assert not boots.DEGRADED.exists()
        assert device.boot_good() == "A"
        assert rolled_back(device.history.read()) == (
            f"version 2.0 in slot B did not come up in 3 tries: daemons: {self.WHY}; "
            "running 1.0-A from slot A"
        )
        assert device.environment() == {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}

    @pytest.mark.spec(259)
    def test_an_update_that_dies_before_user_space(self, device: Device) -> None:
        device.start()
        main(["boot", "record"])
        Rauc(device.rauc.address).install(str(device.rauc.bundle("2.0")))
        assert [device.start() for _ in range(4)] == ["B", "B", "B", "A"]
        assert main(["boot", "record"]) == 0
        found = find_rollback(device.history.read())
        assert found is not None
        assert (found.slot, found.version, found.tries, found.just_now) == ("B", "2.0", 3, True)
        assert "never got as far as user space" in found.sentence

    @pytest.mark.usefixtures("sim_world")
    def test_a_system_with_nothing_else_to_start_stays_up(self, device: Device) -> None:
        device.boot_good()
        assert [device.boot_failed(self.WHY) for _ in range(3)] == ["A"] * 3
        assert device.manager.reboots == 2
        assert boots.DEGRADED.read_text() == f"daemons: {self.WHY}\n"
        assert device.manager.state(boot.RETRY_TIMER) == "active"
        assert not boots.HEALTHY.exists()

    @pytest.mark.usefixtures("sim_world")
    def test_switched_off_and_on_it_stays_up_at_once(self, device: Device) -> None:
        device.boot_good()
        for _ in range(5):
            device.boot_failed(self.WHY)
        assert device.manager.reboots == 2
        assert boots.DEGRADED.exists()

    @pytest.mark.usefixtures("sim_world")
    def test_it_is_good_again_when_the_retry_succeeds(self, device: Device) -> None:
        device.boot_good()
        for _ in range(3):
            device.boot_failed(self.WHY)
        assert main(["boot", "good"]) == 0
        assert device.history.read()[-1].outcome is Outcome.GOOD
        assert device.environment()["BOOT_A_LEFT"] == "3"

    def test_a_data_partition_that_forgets_ends_it_too(
        self, device: Device, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose_data_partition(device, monkeypatch)
        slots = []
        for _ in range(6):
            slots.append(device.start())
            assert main(["boot", "failed"]) == 0
        assert slots == ["A"] * 3 + ["B"] * 3
        assert device.manager.reboots == 5
        assert boots.DEGRADED.exists()

    def test_a_check_that_never_ended_is_blamed_with_what_failed(self, device: Device) -> None:
        device.manager.unit("chargectl-x.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
        device.manager.call("start", "chargectl-x.service", check=False)
        device.start()
        main(["boot", "record"])
        assert main(["boot", "failed"]) == 0
        assert device.history.read()[-1].reason == (
            "no result of the health check; failed: chargectl-x.service"
        )
        device.manager.call("reset-failed")

    def test_a_restart_that_is_refused_is_told(
        self, device: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        device.start()
        main(["boot", "record"])
        monkeypatch.setenv("PATH", str(device.root / "programs"))
        assert main(["boot", "failed"]) == 1, "its unit then resets the board by force"
        assert "systemctl reboot: No such file or directory" in capsys.readouterr().err

    def test_a_retry_that_cannot_be_started_does_not_restart_the_board(
        self, device: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("chargectl.cli.boot.reboot_helps", lambda *_: False)
        device.start()
        main(["boot", "record"])
        monkeypatch.setenv("PATH", str(device.root / "programs"))
        assert main(["boot", "failed"]) == 0
        assert boots.DEGRADED.exists()
        assert "no further attempt by itself" in capsys.readouterr().err


class TestMigration:
    @pytest.fixture
    def system(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A root whose first migration was killed."""
        folder = tmp_path / "system"
        folder.mkdir()
        with Root(folder) as root:
            migration_record.write_record(root, migration_record.Record("1.0", {}, {}))
        monkeypatch.setattr(migration_record, "SYSTEM", folder)
        return folder

    def test_an_accepted_boot_takes_nothing_more_over(
        self, device: Device, system: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        device.boot_good()
        assert not pending(system)
        assert "was not taken over" in capsys.readouterr().err

    def test_the_next_try_after_a_failed_boot_may(self, device: Device, system: Path) -> None:
        device.boot_failed("x")
        assert pending(system)

    def test_a_record_that_cannot_be_read_stops_no_boot(
        self, device: Device, system: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (system / migration_record.RECORD.lstrip("/")).write_text("{")
        device.boot_good()
        assert "migration.json cannot be read" in capsys.readouterr().err


class TestLeds:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(boot, "RED_BLINKS_S", 0.0)

    @pytest.mark.spec(293)
    def test_green_blinks_while_booting_and_is_steady_when_operational(
        self, sim_world: SimClient, device: Device
    ) -> None:
        assert main(["boot", "leds"]) == 0
        assert "[timer]" in in_sys("class/leds/green:boot/trigger")
        device.boot_good()
        assert "[none]" in in_sys("class/leds/green:boot/trigger")
        assert in_sys("class/leds/green:boot/brightness") != "0"

    @pytest.mark.spec(293)
    @pytest.mark.usefixtures("sim_world")
    def test_green_goes_on_blinking_when_the_boot_fails(self, device: Device) -> None:
        main(["boot", "leds"])
        device.boot_failed("x")
        assert "[timer]" in in_sys("class/leds/green:boot/trigger")

    @pytest.mark.spec(295, 319)
    @pytest.mark.usefixtures("sim_world")
    def test_red_blinks_for_four_seconds_then_shows_the_kernels_heartbeat(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        red = "class/leds/red:heartbeat"
        seen = []
        monkeypatch.setattr(boot, "RED_BLINKS_S", RED_BLINKS_S)
        monkeypatch.setattr(
            "chargectl.cli.boot.time.sleep", lambda s: seen.append((s, in_sys(f"{red}/trigger")))
        )
        assert main(["boot", "leds"]) == 0
        [(seconds, meanwhile)] = seen
        assert seconds == 4.0
        assert "[timer]" in meanwhile
        assert "[heartbeat]" in in_sys(f"{red}/trigger")

    @pytest.mark.usefixtures("sim_world")
    def test_one_led_that_is_missing_leaves_the_other(
        self, sim_world: SimClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sim_world.fault("vanish /sys/class/leds/green:boot")
        assert main(["boot", "leds"]) == 1
        assert "green_led" in capsys.readouterr().err
        assert "[heartbeat]" in in_sys("class/leds/red:heartbeat/trigger")

    @pytest.mark.usefixtures("sim_world")
    def test_an_unknown_board_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["boot", "leds", "--board", "toaster"]) == 1
        assert "board 'toaster', variant 200: not known" in capsys.readouterr().err


def test_early_steps_load_neither_the_bus_nor_the_network() -> None:
    """At that time of the boot an 800 MHz processor has other things to do."""
    program = (
        "import sys; from chargectl.cli import boot; "
        "print(sorted({'paho', 'jeepney', 'asyncio', 'socket', 'periphery'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "[]\n"
