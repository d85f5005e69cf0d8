"""The units as systemd itself reads them: valid, sandboxed, never giving up, portd last to suffer."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DAEMONS = ("chargectl-portd", "chargectl-configd", "chargectl-updated", "chargectl-guard", "mosquitto")
EXPOSURE = "30"
"""systemd-analyze counts in tenths: at most 3.0."""
HOST_UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system")

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture(scope="module")
def units(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's units beside this machine's, with commands that exist."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(installed / "usr/lib/systemd/system", folder, dirs_exist_ok=True, symlinks=True)
    broker = next((path for path in HOST_UNITS if Path(path, "mosquitto.service").exists()), None)
    if broker is None:
        pytest.skip("mosquitto is not installed")
    shutil.copy(f"{broker}/mosquitto.service", folder)
    return folder


def analyze(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = ":".join([str(units), *HOST_UNITS])
    return subprocess.run(
        ["systemd-analyze", *words],
        env={"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": path, "SYSTEMD_PAGER": "", "LC_ALL": "C"},
        text=True,
        capture_output=True,
        check=False,
    )


def unit_values(units: Path, daemon: str) -> dict[str, str]:
    """The last value of each word of the service, its drop-ins included."""
    values: dict[str, str] = {}
    files = [units / f"{daemon}.service", *sorted((units / f"{daemon}.service.d").glob("*.conf"))]
    for file in files:
        for line in file.read_text().splitlines():
            if re.match(r"[A-Za-z]+=", line):
                name, _, value = line.partition("=")
                values[name] = value
    return values


def test_systemd_finds_no_fault(units: Path) -> None:
    names = sorted(path.name for path in units.glob("chargectl*") if path.suffix in (".service", ".target"))
    names += sorted(path.name for path in units.glob("chargectl*") if path.suffix in (".path", ".timer"))
    # A template needs an instance; the broker's own unit is judged with our drop-in.
    names = [name.replace("@.", "@sda1.") for name in names] + ["mosquitto.service"]
    result = analyze(units, "verify", "--man=no", "--recursive-errors=no", *[str(units / n) for n in names])
    # The programs are not installed here; that they are where the units look is seen in an image.
    found = [
        line
        for line in (result.stdout + result.stderr).splitlines()
        if not re.search(r"Command .* is not executable: No such file", line)
    ]
    assert found == []


@pytest.mark.parametrize("daemon", DAEMONS)
def test_exposure(units: Path, daemon: str) -> None:
    result = analyze(units, "security", "--offline=yes", f"--threshold={EXPOSURE}", f"{daemon}.service")
    assert result.returncode == 0, result.stdout[-200:]
    assert re.search(rf"Overall exposure level for {daemon}.service: [0-3]\.", result.stdout)


@pytest.mark.parametrize("daemon", DAEMONS)
def test_nobody_gives_up(units: Path, daemon: str) -> None:
    values = unit_values(units, daemon)
    assert values["Restart"] == "always"
    assert values["StartLimitIntervalSec"] == "0"
    assert values["RestartSec"] in ("500ms", "1", "2", "5")


@pytest.mark.parametrize("daemon", DAEMONS)
def test_bounds(units: Path, daemon: str) -> None:
    values = unit_values(units, daemon)
    assert re.fullmatch(r"[0-9]+M", values["MemoryMax"])
    assert 4 <= int(values["TasksMax"]) <= 32


def test_one_user_each(units: Path) -> None:
    users = [unit_values(units, daemon)["User"] for daemon in DAEMONS]
    assert len(set(users)) == len(DAEMONS)
    assert not {"root", "nobody", ""} & set(users)


@pytest.mark.parametrize("daemon", [daemon for daemon in DAEMONS if daemon != "mosquitto"])
@pytest.mark.spec(307)
def test_systemd_watches(units: Path, daemon: str) -> None:
    values = unit_values(units, daemon)
    assert values["Type"] == "notify"
    assert int(values["WatchdogSec"]) > 0


def test_memory_is_taken_from_the_port_last(units: Path) -> None:
    score = {daemon: int(unit_values(units, daemon)["OOMScoreAdjust"]) for daemon in DAEMONS}
    order = sorted(score, key=lambda daemon: score[daemon], reverse=True)
    assert order == [
        "chargectl-updated",
        "mosquitto",
        "chargectl-configd",
        "chargectl-portd",
        "chargectl-guard",
    ]
    assert "MemoryHigh" not in unit_values(units, "chargectl-portd"), "throttling stops the control loop"


def test_the_guard_resets_before_systemd_restarts(units: Path) -> None:
    """A portd that hangs is the guard's business: its reset has to come before systemd's restart."""
    text = (Path(__file__).parents[2] / "src/chargectl/guard/policy.py").read_text()
    match = re.search(r"^HUNG_MS = ([0-9_]+)$", text, re.M)
    assert match is not None
    hung_s = int(match[1]) / 1000
    assert int(unit_values(units, "chargectl-portd")["WatchdogSec"]) > hung_s + 1


def test_the_outputs_are_made_safe_after_any_end(units: Path) -> None:
    assert unit_values(units, "chargectl-portd")["ExecStopPost"].endswith("/usr/lib/chargectl/guard/safe.py")


def test_only_the_guard_has_the_hardware_watchdog(installed: Path, units: Path) -> None:
    settings = configparser.ConfigParser()
    settings.read(installed / "usr/lib/systemd/system.conf.d/50-chargectl.conf")
    assert settings["Manager"]["RuntimeWatchdogSec"] == "off"
    assert settings["Manager"]["RebootWatchdogSec"] == "off"
    holders = [path.name for path in units.glob("*.service") if "/dev/watchdog" in path.read_text()]
    assert holders == ["chargectl-guard.service"]


def test_a_boot_is_good_only_after_the_health_check(installed: Path, units: Path) -> None:
    required = installed / "etc/systemd/system/boot-complete.target.requires/chargectl-health.service"
    assert required.is_symlink()
    good = (units / "chargectl-mark-good.service").read_text()
    assert re.search(r"^Requires=boot-complete.target$", good, re.M)
    assert re.search(r"^After=.*\bboot-complete.target\b", good, re.M)
    health = (units / "chargectl-health.service").read_text()
    assert re.search(r"^Before=boot-complete.target$", health, re.M)
    assert re.search(r"^OnFailure=chargectl-boot-failed.service$", health, re.M)
    # What decides about the boot is no part of what it decides about.
    wanted = installed / "etc/systemd/system/chargectl.target.wants"
    judges = ("chargectl-health", "chargectl-mark-good", "chargectl-boot-failed", "chargectl-boot-record")
    assert not {path.stem for path in wanted.iterdir()} & set(judges)


@pytest.mark.spec(299)
def test_serial_console(installed: Path) -> None:
    wanted = installed / "etc/systemd/system/getty.target.wants/serial-getty@ttymxc3.service"
    assert os.readlink(wanted) == "/usr/lib/systemd/system/serial-getty@.service"
    text = (installed / "usr/lib/systemd/system/serial-getty@ttymxc3.service.d/50-chargectl.conf").read_text()
    assert re.findall(r"^ExecStart=(.*)$", text, re.M) == ["", "-/sbin/agetty -L 115200 %I vt100"]
