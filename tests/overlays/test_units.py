"""The units as systemd itself reads them: valid, sandboxed, never giving up, portd last to suffer."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DAEMONS = (
    "chargectl-portd",
    "chargectl-iso15118d",
    "chargectl-configd",
    "chargectl-updated",
    "chargectl-guard",
    "mosquitto",
)
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
    # Of RAUC's service only the drop-in is ours.
    for file in files if files[0].exists() else files[1:]:
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
    assert values["RestartSec"] in ("100ms", "1", "2", "5")


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
        "chargectl-iso15118d",
        "chargectl-configd",
        "chargectl-portd",
        "chargectl-guard",
    ]
    assert "MemoryHigh" not in unit_values(units, "chargectl-portd"), "throttling stops the control loop"


def guard_s(name: str) -> float:
    """One of the guard's times."""
    text = (Path(__file__).parents[2] / "src/chargectl/guard/policy.py").read_text()
    match = re.search(rf"^{name} = ([0-9_]+)$", text, re.M)
    assert match is not None
    return int(match[1]) / 1000


def test_the_guard_resets_before_systemd_restarts(units: Path) -> None:
    """A portd that hangs is the guard's business: its reset has to come before systemd's restart."""
    assert int(unit_values(units, "chargectl-portd")["WatchdogSec"]) > guard_s("HUNG_MS") + 1


def test_systemd_ends_portd_before_the_guard_takes_it_for_hung(units: Path) -> None:
    assert int(unit_values(units, "chargectl-portd")["TimeoutStopSec"]) < guard_s("ENDING_MS") - 1


def test_the_guard_waits_for_a_check_of_the_data(units: Path, installed: Path) -> None:
    """The health check begins after /srv: both together have to fit into the guard's patience."""
    match = re.search(r"x-systemd.device-timeout=(\d+)s", (installed / "etc/fstab").read_text())
    assert match is not None
    check = unit_values(units, "chargectl-check-srv")["TimeoutStartSec"]
    health = unit_values(units, "chargectl-health")["ExecStart"].rpartition(" ")[2]
    assert int(match[1]) + int(check) + int(health) < guard_s("HEALTHY_MS")


@pytest.mark.parametrize("daemon", ["chargectl-portd", "chargectl-guard"])
def test_the_port_stays_in_memory(units: Path, daemon: str) -> None:
    assert unit_values(units, daemon)["LimitMEMLOCK"] == "infinity"
    filters = re.findall(r"^SystemCallFilter=(.*)$", (units / f"{daemon}.service").read_text(), re.M)
    assert filters[0] == "@system-service"
    assert "mlockall" in calls(filters[0])
    denied = set().union(*[calls(name.lstrip("~")) for name in " ".join(filters[1:]).split()])
    assert denied
    assert "mlockall" not in denied


def calls(group: str) -> set[str]:
    """The system calls of one of systemd's groups, and of the groups in it."""
    found: set[str] = set()
    for word in analyze(Path("/"), "syscall-filter", group).stdout.splitlines()[1:]:
        name = word.strip()
        if name.startswith("@"):
            found |= calls(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


def test_the_session_may_send_frames_and_nothing_more(units: Path) -> None:
    values = unit_values(units, "chargectl-iso15118d")
    assert values["CapabilityBoundingSet"] == values["AmbientCapabilities"] == "CAP_NET_RAW"
    assert {"AF_PACKET", "AF_NETLINK", "AF_INET6"} <= set(values["RestrictAddressFamilies"].split())
    assert values["IPAddressDeny"] == "any"
    assert values["IPAddressAllow"] == "localhost link-local multicast"
    assert "BindsTo" not in values, "the port goes on without it, and it without the port"


def test_the_port_and_the_session_share_a_group(installed: Path, units: Path) -> None:
    for daemon in ("chargectl-portd", "chargectl-iso15118d"):
        assert "chargectl-hlc" in unit_values(units, daemon)["SupplementaryGroups"].split()
    users = (installed / "usr/lib/sysusers.d/chargectl.conf").read_text()
    members = re.findall(r"^m\s+(\S+)\s+chargectl-hlc$", users, re.M)
    assert members == ["chargectl-portd", "chargectl-iso15118d"]
    folders = (installed / "usr/lib/tmpfiles.d/chargectl.conf").read_text()
    assert re.search(r"^d\s+/run/chargectl/portd\s+2750 chargectl-portd\s+chargectl-hlc\s", folders, re.M)


def test_the_guard_goes_before_everything(units: Path) -> None:
    values = unit_values(units, "chargectl-guard")
    assert (values["CPUSchedulingPolicy"], values["CPUSchedulingPriority"]) == ("fifo", "10")


@pytest.mark.parametrize("unit", ["rauc", "chargectl-updated", "chargectl-usb@"])
def test_updates_give_way_to_the_port(units: Path, unit: str) -> None:
    values, portd = unit_values(units, unit), unit_values(units, "chargectl-portd")
    for name in ("CPUWeight", "IOWeight"):
        assert int(values[name]) < 100 < int(portd[name])
    assert int(values.get("Nice", "0")) >= 0 > int(portd["Nice"])
    assert int(values["OOMScoreAdjust"]) > 0 > int(portd["OOMScoreAdjust"])
    # A limit whose page cache is written back, not one that ends an installation.
    assert "MemoryHigh" in values or unit != "rauc"
    assert "MemoryMax" not in values or unit != "rauc"


def test_rauc_sees_everything(units: Path) -> None:
    """Partitions, loop devices, files below /proc/PID/fd: hidden in any way, it could not install."""
    text = (units / "rauc.service.d/50-chargectl.conf").read_text()
    words = set(re.findall(r"^([A-Za-z]+)=", text, re.M))
    hiding = {"PrivateDevices", "PrivateMounts", "PrivateTmp", "ProcSubset", "User", "DevicePolicy"}
    assert not words & hiding
    assert not [
        word for word in words if word.startswith(("Protect", "Restrict", "SystemCall", "Capability"))
    ]
    assert re.findall(r"^ExecStart=(.*)$", text, re.M) == ["", "/usr/lib/chargectl/rauc-service"]


def test_updated_sees_which_boot_this_is(units: Path) -> None:
    values = unit_values(units, "chargectl-updated")
    assert values["ProcSubset"] == "all"
    assert "chargectl-boot-record.service" in values["After"].split()


def test_the_steps_of_the_boot_reach_the_bootloaders_environment(units: Path) -> None:
    """It is on the eMMC, and its lock in /run/lock: neither may be hidden from who reads or changes it."""
    for name in ("boot-record", "boot-failed", "mark-good"):
        values = unit_values(units, f"chargectl-{name}")
        assert not {"PrivateDevices", "DevicePolicy", "User"} & set(values)
        assert values["ProtectSystem"] == "full"


@pytest.mark.parametrize("name", ["leds", "boot-failed", "log", "check-srv"])
def test_early_and_last_units_wait_for_no_folder(units: Path, name: str) -> None:
    """A /tmp of its own makes a unit wait for systemd-tmpfiles-setup and for the mounts."""
    values = unit_values(units, f"chargectl-{name}")
    assert values["DefaultDependencies"] == "no"
    assert not {"PrivateTmp", "RequiresMountsFor", "StateDirectory", "CacheDirectory"} & set(values)


def test_a_stick_is_processed_to_the_end(units: Path) -> None:
    text = (units / "chargectl-usb@.service").read_text()
    values = unit_values(units, "chargectl-usb@")
    assert values["KillMode"] == "mixed"
    assert int(values["TimeoutStopSec"]) == 90
    assert set(values["After"].split()) == {"chargectl-mark-good.service", "chargectl-boot-failed.service"}
    assert re.search(r"^(BindsTo|PartOf|Requires|Requisite)=", text, re.M) is None


def test_the_outputs_are_made_safe_after_any_end(units: Path) -> None:
    assert unit_values(units, "chargectl-portd")["ExecStopPost"].endswith("/usr/lib/chargectl/guard/safe.py")


def test_only_the_guard_has_the_hardware_watchdog(installed: Path, units: Path) -> None:
    settings = configparser.ConfigParser()
    settings.read(installed / "usr/lib/systemd/system.conf.d/50-chargectl.conf")
    assert settings["Manager"]["RuntimeWatchdogSec"] == "off"
    assert settings["Manager"]["RebootWatchdogSec"] == "off"
    # Nor does anybody else than chargectl-mark-good accept a boot.
    assert os.readlink(installed / "etc/systemd/system/rauc-mark-good.service") == "/dev/null"
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
    assert re.search(r"^OnFailure=chargectl-boot-failed.service$", good, re.M)
    for text in (good, health):
        assert re.search(r"^OnFailureJobMode=replace-irreversibly$", text, re.M)
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
