"""What the daemons may use in their sandboxes, under a real systemd: memory, folders, files of the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.overlays.machine_rig import Machine, require

pytestmark = pytest.mark.usefixtures("real_sys")

WANTED = (
    "chargectl-recover.service",
    "chargectl-pins.service",
    "chargectl-configd.service",
    "chargectl-portd.service",
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A charger that is up. Tests leave it as they found it."""
    require()
    programs = {"busctl": "echo 's \"idle\"'"}
    with Machine(tmp_path_factory.mktemp("machine"), WANTED, programs) as running:
        yield running


def status_kib(machine: Machine, daemon: str, name: str) -> int:
    process = machine.show(f"{daemon}.service", "MainPID")
    match = re.search(rf"^{name}:\s*(\d+) kB$", machine.file(f"/proc/{process}/status"), re.M)
    assert match is not None
    return int(match[1])


def test_the_port_may_lock_itself_in_memory_and_fits(machine: Machine) -> None:
    """Every page that it uses stays, and that is less than half of what it may have."""
    resident = status_kib(machine, "chargectl-portd", "VmRSS")
    assert int(machine.show("chargectl-portd.service", "MemoryMax")) > 2 * 1024 * resident
    assert machine.show("chargectl-portd.service", "LimitMEMLOCK") == "infinity"
    process = machine.show("chargectl-portd.service", "MainPID")
    limits = machine.file(f"/proc/{process}/limits")
    if re.search(r"^Max locked memory +unlimited", limits, re.M):
        assert status_kib(machine, "chargectl-portd", "VmLck") > resident, machine.log("chargectl-portd")
    else:
        # Root without CAP_SYS_RESOURCE cannot raise the limit; that is what stops it then, not the sandbox.
        assert "memory cannot be locked: Cannot allocate memory" in machine.log("chargectl-portd")
    assert status_kib(machine, "chargectl-configd", "VmLck") == 0


def test_updated_knows_the_boot_in_its_sandbox(machine: Machine) -> None:
    """/srv is in the root file system here, as on a board without its data partition."""
    assert machine.run("systemctl", "start", "chargectl-updated.service").returncode == 0
    assert machine.show("chargectl-srv.service", "ActiveState") == "active"
    names = ("/srv/chargectl", "/srv/chargectl/download", "/srv/rauc")
    folders = machine.run("stat", "-c", "%n %U:%G %a", *names)
    assert folders.stdout.splitlines() == [
        "/srv/chargectl root:root 755",
        "/srv/chargectl/download chargectl-updated:chargectl 750",
        "/srv/rauc root:root 755",
    ]
    assert "the kernel does not tell" not in machine.log("chargectl-updated")
    process = machine.show("chargectl-updated.service", "MainPID")
    words = ("nsenter", "-t", process, "-m", "setpriv", "--reuid=chargectl-updated", "--clear-groups")
    machine.run("tee", "/run/chargectl/healthy", text="boot\n")
    for path in ("/proc/cmdline", "/proc/sys/kernel/random/boot_id", "/run/chargectl/healthy"):
        result = machine.run(*words, "--regid=chargectl-updated", "cat", path)
        assert result.returncode == 0, result.stderr
    machine.run("rm", "/run/chargectl/healthy")
    written = machine.run(*words, "--regid=chargectl", "touch", "/srv/chargectl/download/x")
    assert written.returncode == 0, written.stderr
    assert machine.run("ps", "-o", "ni=", "-p", process).stdout.strip() == "10"
    machine.run("systemctl", "stop", "chargectl-updated.service")


def test_updated_starts_where_nothing_can_be_stored(machine: Machine) -> None:
    """A data partition that can only be read, and has no such folder."""
    machine.run("mv", "/srv/chargectl/download", "/srv/chargectl/kept")
    try:
        assert machine.run("systemctl", "start", "chargectl-updated.service").returncode == 0
        assert machine.show("chargectl-updated.service", "NRestarts") == "0"
    finally:
        machine.run("systemctl", "stop", "chargectl-updated.service")
        machine.run("mv", "/srv/chargectl/kept", "/srv/chargectl/download")


SESSION = "chargectl-iso15118d.service"
CAP_NET_RAW = 1 << 13


def test_without_high_level_charging_the_session_idles(machine: Machine) -> None:
    assert machine.run("systemctl", "start", SESSION).returncode == 0
    try:
        assert "charging_type is not highlevel" in machine.log("chargectl-iso15118d")
        assert status_kib(machine, "chargectl-iso15118d", "VmRSS") < 40 * 1024
        assert machine.run("test", "-e", "/run/chargectl/portd/session.sock").returncode != 0
    finally:
        machine.run("systemctl", "stop", SESSION)


@pytest.mark.spec(148)
def test_the_session_reaches_modem_and_port_in_its_sandbox(machine: Machine) -> None:
    """Packet sockets, link-local addresses and portd's socket, with no right but the one for raw frames."""
    files = ("/etc/secc/customer.json", "/etc/secc/customer.json.kept")
    made = machine.run("sh", "-c", "ip link add eth1 type veth peer name car && ip link set car up")
    assert made.returncode == 0, made.stderr
    machine.run("sh", "-c", "ip link set eth1 up")
    machine.run("mv", *files)
    machine.run("tee", files[0], text='{"ports": [{"charging_type": "highlevel"}]}')
    machine.run("chmod", "0644", files[0])
    try:
        machine.run("systemctl", "restart", "chargectl-portd.service")
        assert machine.run("systemctl", "start", SESSION).returncode == 0
        log = "chargectl-iso15118d"
        machine.wait(lambda: "eth1: the modem's interface is in use" in machine.log(log))
        machine.wait(lambda: "portd: connected" in machine.log(log))
        process = machine.show(SESSION, "MainPID")
        status = machine.file(f"/proc/{process}/status")
        for name in ("CapEff", "CapBnd", "CapPrm", "CapAmb"):
            match = re.search(rf"^{name}:\s*([0-9a-f]+)$", status, re.M)
            assert match is not None
            assert int(match[1], 16) == CAP_NET_RAW, name
        socket = machine.run("stat", "-c", "%U:%G %a", "/run/chargectl/portd/session.sock").stdout
        assert socket == "chargectl-portd:chargectl-hlc 660\n"
        assert machine.show(SESSION, "NRestarts") == "0"
        assert status_kib(machine, log, "VmRSS") * 1024 < int(machine.show(SESSION, "MemoryHigh"))
    finally:
        machine.run("systemctl", "stop", SESSION)
        machine.run("mv", *reversed(files))
        machine.run("systemctl", "restart", "chargectl-portd.service")
        machine.run("ip", "link", "delete", "eth1")


def test_the_clock_being_set_restarts_rauc_once(machine: Machine) -> None:
    """RAUC had started without a clock; in its place here a unit that counts its starts."""
    machine.run("tee", "/run/units/rauc.service", text="[Service]\nExecStart=sleep infinity\n")
    machine.run("mkdir", "-p", "/run/systemd/timesync", "/run/chargectl-rauc")
    machine.run("touch", "/run/chargectl-rauc/system.conf")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "rauc.service", "chargectl-rauc-clock.path")
    before = machine.show("rauc.service", "InvocationID")
    assert machine.show("chargectl-rauc-clock.service", "ActiveState") == "inactive"
    machine.run("touch", "/run/systemd/timesync/synchronized")
    machine.wait(lambda: machine.show("chargectl-rauc-clock.service", "ActiveState") == "active")
    after = machine.show("rauc.service", "InvocationID")
    assert after != before, machine.log("chargectl-rauc-clock")
    machine.run("touch", "/run/systemd/timesync/synchronized")
    assert machine.show("chargectl-rauc-clock.path", "ActiveState") == "active"
    assert machine.show("rauc.service", "InvocationID") == after


def test_files_that_were_copied_belong_to_configd_after_the_next_boot(machine: Machine) -> None:
    paths = ("/etc/secc/leds.json", "/var/backups/leds.json")
    for path in paths:
        machine.run("install", "-m", "0600", "/etc/secc/customer.json", path)
    made = machine.run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/chargectl.conf")
    try:
        assert (made.returncode, made.stderr) == (0, "")
        for path in paths:
            found = machine.run("stat", "-c", "%U:%G %a", path).stdout
            assert found == "chargectl-configd:chargectl 640\n"
    finally:
        machine.run("rm", *paths)
