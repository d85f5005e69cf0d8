"""The image's units at work: real systemd, sandbox, users, broker and packet filter; a simulated board."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.sim.client import SimClient
from tests.overlays.machine_rig import CHECKOUT, CONTACTOR, Machine, require

pytestmark = pytest.mark.usefixtures("real_sys")

WANTED = (
    "mosquitto.service",
    "chargectl-recover.service",
    "chargectl-pins.service",
    "chargectl-first-boot.service",
    "chargectl-password-policy.service",
    "chargectl-password-policy.path",
    "chargectl-firewall.service",
    "chargectl-configd.service",
    "chargectl-portd.service",
)
DAEMONS = ("chargectl-portd", "chargectl-configd", "mosquitto")
BIG = 128 * 1024
LAN, OURS = "192.0.2.2", "192.0.2.1"

_NETWORKS = """
set -eu
for name in lan car mains; do ip netns add $name; done
ip link add br0 type veth peer name eth0 netns lan
ip link add eth1 type veth peer name eth0 netns car
ip link add eth2 type veth peer name eth0 netns mains
number=2
for pair in br0:lan eth1:car eth2:mains; do
    ours=${pair%:*} theirs=${pair#*:}
    ip address add 192.0.$number.1/24 dev $ours
    ip address add 2001:db8:$number::1/64 dev $ours nodad
    ip link set $ours up
    ip -n $theirs address add 192.0.$number.2/24 dev eth0
    ip -n $theirs address add 2001:db8:$number::2/64 dev eth0 nodad
    ip -n $theirs link set eth0 up
    number=$((number + 1))
done
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A charger that is up. Tests leave it as they found it."""
    require()
    with Machine(tmp_path_factory.mktemp("machine"), WANTED) as running:
        result = running.run("sh", "-c", _NETWORKS)
        assert result.returncode == 0, result.stderr
        yield running


@pytest.fixture(scope="module")
def board(machine: Machine) -> Iterator[SimClient]:
    client = SimClient(str(machine.simulation))
    yield client
    client.close()


def password(machine: Machine) -> str:
    match = re.search(r"^MQTT_PASSWORD=(.*)$", machine.file("/etc/chargectl/credentials"), re.M)
    assert match is not None
    return match[1]


def publish(machine: Machine, *options: str, net: str = "", text: str = "1", topic: str = "maker/x") -> bool:
    """Whether the broker took a message and handed it out, to a subscriber on the board."""
    machine.run("mosquitto_pub", "-h", "127.0.0.1", "-t", topic, "-r", "-n")
    where = ("ip", "netns", "exec", net) if net else ()
    machine.run(*where, "timeout", "2", "mosquitto_pub", *options, "-t", topic, "-r", "-s", text=text)
    got = machine.run("timeout", "5", "mosquitto_sub", "-h", "127.0.0.1", "-t", topic, "-W", "1", "-C", "1")
    machine.run("mosquitto_pub", "-h", "127.0.0.1", "-t", topic, "-r", "-n")
    return got.stdout.rstrip("\n") == text


@pytest.mark.parametrize("daemon", DAEMONS)
def test_runs_in_its_sandbox(machine: Machine, daemon: str) -> None:
    unit = f"{daemon}.service"
    assert machine.show(unit, "ActiveState") == "active"
    assert machine.show(unit, "NRestarts") == "0"
    process = machine.show(unit, "MainPID")
    status = dict(
        line.split(":\t", 1) for line in machine.file(f"/proc/{process}/status").splitlines() if ":\t" in line
    )
    assert status["Uid"].split()[0] not in ("0", "65534")
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    # The root file system cannot be written, not even by root in the daemon's place.
    for path in ("/etc/x", "/usr/x", "/var/lib/x"):
        result = machine.run("nsenter", "-t", process, "-m", "touch", path)
        assert "Read-only file system" in result.stderr
    assert machine.run("nsenter", "-t", process, "-m", "ls", "/root").stdout == ""


def test_oneshots_are_done(machine: Machine) -> None:
    for unit in ("recover", "pins", "first-boot", "firewall"):
        assert machine.show(f"chargectl-{unit}.service", "ActiveState") == "active", machine.log(
            f"chargectl-{unit}"
        )
    assert machine.log("chargectl-pins") == ""


def test_charges_a_car_and_opens_the_contactor_when_killed(machine: Machine, board: SimClient) -> None:
    """portd drives pins as its own user; killed, systemd makes the outputs safe and starts it anew."""
    board.do("plug")
    machine.wait(lambda: bool(board.fact("current_a")))
    assert board.gpio(CONTACTOR)
    first = machine.show("chargectl-portd.service", "MainPID")
    machine.run("kill", "-KILL", first)
    machine.wait(lambda: "made safe" in machine.log("chargectl-portd"))
    machine.wait(lambda: machine.show("chargectl-portd.service", "ActiveState") == "active")
    assert machine.show("chargectl-portd.service", "MainPID") != first
    assert machine.show("chargectl-portd.service", "NRestarts") == "1"
    assert machine.show("chargectl-configd.service", "NRestarts") == "0"
    # And it charges again.
    machine.wait(lambda: board.gpio(CONTACTOR))


@pytest.mark.spec(306)
@pytest.mark.parametrize("daemon", DAEMONS)
def test_each_can_be_restarted_alone(machine: Machine, daemon: str) -> None:
    before = {name: machine.show(f"{name}.service", "MainPID") for name in DAEMONS}
    assert machine.run("systemctl", "restart", f"{daemon}.service").returncode == 0
    after = {name: machine.show(f"{name}.service", "MainPID") for name in DAEMONS}
    assert {name for name in DAEMONS if before[name] != after[name]} == {daemon}
    assert machine.show(f"{daemon}.service", "Result") == "success"


def test_a_stick_that_has_gone_before_its_turn_is_no_failed_unit(machine: Machine) -> None:
    machine.run("touch", "/run/chargectl/healthy")
    try:
        result = machine.run("systemctl", "start", "chargectl-usb@sdz9.service")
        assert result.returncode == 0, machine.log("chargectl-usb@sdz9")
        assert "/dev/sdz9: is not plugged in (any more)" in machine.log("chargectl-usb@sdz9")
        assert machine.run("systemctl", "start", "chargectl-usb@null.service").returncode != 0
        assert "/dev/null: is no block device" in machine.log("chargectl-usb@null")
    finally:
        machine.run("rm", "/run/chargectl/healthy")


@pytest.mark.spec(275)
def test_a_damaged_configuration_is_recovered_before_the_daemons_start(machine: Machine) -> None:
    machine.run("systemctl", "stop", "chargectl-configd.service")
    machine.run("sh", "-c", "echo '{' >/etc/secc/customer.json")
    machine.run("systemctl", "restart", "chargectl-recover.service")
    assert "/etc/secc/customer.json restored from the backup" in machine.log("chargectl-recover")
    assert machine.run("systemctl", "start", "chargectl-configd.service").returncode == 0
    assert machine.run("chargectl", "check").returncode == 0


def test_the_daemons_read_the_configuration_and_others_do_not(machine: Machine) -> None:
    for user, allowed in (("chargectl-portd", True), ("chargectl-updated", True), ("mosquitto", False)):
        result = machine.run("cat", "/etc/secc/customer.json", user=user)
        assert (result.returncode == 0) is allowed, (user, result.stderr)
    assert machine.run("touch", "/etc/secc/customer.json", user="chargectl-portd").returncode != 0


def test_configd_takes_changes_from_its_group_only(machine: Machine) -> None:
    key = "ports[0]/evse_current_limit"
    assert machine.run("chargectl", "config", "set", key, "14", user="mosquitto").returncode != 0
    result = machine.run("chargectl", "config", "set", key, "15", user="chargectl-updated")
    assert result.returncode == 0, result.stderr
    assert "edited directly" not in result.stderr
    assert machine.run("chargectl", "config", "get", key).stdout.strip() == "15"
    # After an edit by root, too, as SFTP makes it.
    machine.run(
        "sh",
        "-c",
        "cp /etc/secc/customer.json /tmp/c; rm /etc/secc/customer.json; cp /tmp/c /etc/secc/customer.json",
    )
    machine.run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/chargectl.conf")
    result = machine.run("chargectl", "config", "set", key, "16")
    assert result.returncode == 0, result.stderr
    assert (
        machine.run("stat", "-c", "%U:%G", "/etc/secc/customer.json").stdout
        == "chargectl-configd:chargectl\n"
    )


@pytest.mark.spec(291)
def test_programs_on_the_board_need_no_password(machine: Machine) -> None:
    assert publish(machine, "-h", "127.0.0.1")
    assert publish(machine, "-h", "localhost")
    assert publish(machine, "-h", "127.0.0.1", "-u", "anything")


@pytest.mark.spec(291)
@pytest.mark.parametrize("address", [OURS, "2001:db8:2::1"])
def test_from_the_network_with_the_password_of_this_device(machine: Machine, address: str) -> None:
    secret = password(machine)
    assert publish(machine, "-h", address, "-u", "owner", "-P", secret, net="lan")
    assert not publish(machine, "-h", address, net="lan")
    assert not publish(machine, "-h", address, "-u", "owner", "-P", secret + "x", net="lan")
    assert not publish(machine, "-h", address, "-u", "owner", net="lan")
    assert not publish(machine, "-h", address, "-u", "root", "-P", secret, net="lan")


@pytest.mark.parametrize("address", [OURS, "2001:db8:2::1"])
def test_an_own_address_is_the_network_too(machine: Machine, address: str) -> None:
    assert not publish(machine, "-h", address)
    assert publish(machine, "-h", address, "-u", "owner", "-P", password(machine))


def test_from_the_mains_powerline_like_from_the_network(machine: Machine) -> None:
    assert not publish(machine, "-h", "192.0.4.1", net="mains")
    assert publish(machine, "-h", "192.0.4.1", "-u", "owner", "-P", password(machine), net="mains")


@pytest.mark.parametrize("net", ["lan", "mains"])
def test_the_owner_may_let_everybody_in(machine: Machine, net: str) -> None:
    """By the two files of docs/how-to/first-login.md, as they stand there: from the wired port alone."""
    page = (CHECKOUT / "docs/how-to/first-login.md").read_text(encoding="utf-8")
    files = re.findall(r"`(/etc/\S+/open\.\w+)`:\n\n```text\n(.*?)```", page, re.S)
    assert len(files) == 2
    address = {"lan": OURS, "mains": "192.0.4.1"}[net]
    machine.run("mkdir", "-p", "/etc/chargectl/firewall.d")
    for name, text in files:
        machine.run("tee", name, text=text)
    try:
        assert machine.run("systemctl", "restart", "mosquitto.service").returncode == 0
        assert machine.run("systemctl", "reload", "chargectl-firewall.service").returncode == 0
        assert machine.run("systemctl", "reload", "chargectl-firewall.service").returncode == 0
        assert publish(machine, "-h", address, net=net) is (net == "lan")
        # The vehicle does not profit.
        assert not publish(machine, "-h", "192.0.3.1", "-p", "1885", net="car")
    finally:
        machine.run("rm", *[name for name, _ in files])
        machine.run("nft", "delete", "table", "inet", "open")
        machine.run("systemctl", "restart", "mosquitto.service")
    assert not publish(machine, "-h", address, net=net)


def test_a_mistake_in_the_owners_rules_leaves_the_old_ones(machine: Machine) -> None:
    # Rules of the owner's own, and one in the image's table.
    own = "table inet owner\ndelete table inet owner\ntable inet owner {\n}\n"
    own += "insert rule inet chargectl from_vehicle tcp dport 22 drop\n"
    machine.run("mkdir", "-p", "/etc/chargectl/firewall.d")
    machine.run("tee", "/etc/chargectl/firewall.d/a.nft", text=own)
    try:
        assert machine.run("systemctl", "reload", "chargectl-firewall.service").returncode == 0
        before = machine.run("nft", "list", "ruleset").stdout
        assert "tcp dport 22 drop" in before
        machine.run("tee", "/etc/chargectl/firewall.d/bad.nft", text="table inet owner { nonsense }\n")
        assert machine.run("systemctl", "reload", "chargectl-firewall.service").returncode != 0
        assert machine.run("nft", "list", "ruleset").stdout == before
        assert "from_vehicle" in before
    finally:
        machine.run("sh", "-c", "rm -f /etc/chargectl/firewall.d/*.nft; nft delete table inet owner")
        machine.run("systemctl", "restart", "chargectl-firewall.service")


def test_a_mistake_in_the_owners_rules_opens_nothing_at_the_start(machine: Machine) -> None:
    """The image's own filter is loaded alone first; the unit fails, so the mistake is not overlooked."""
    unit = "chargectl-firewall.service"
    before = machine.run("nft", "list", "ruleset").stdout
    machine.run("mkdir", "-p", "/etc/chargectl/firewall.d")
    machine.run("tee", "/etc/chargectl/firewall.d/bad.nft", text="table inet owner { nonsense }\n")
    try:
        assert machine.run("systemctl", "stop", unit).returncode == 0
        assert machine.run("nft", "list", "ruleset").stdout == ""
        assert machine.run("systemctl", "start", unit).returncode != 0
        assert machine.run("nft", "list", "ruleset").stdout == before
        assert machine.show(unit, "ActiveState") == "failed"
        assert "/etc/chargectl/firewall.d/bad.nft" in machine.log("chargectl-firewall")
        # Mended, as docs/how-to/first-login.md says.
        text = "table inet owner {\n\tchain input { type filter hook input priority 10; }\n}\n"
        machine.run("tee", "/etc/chargectl/firewall.d/bad.nft", text=text)
        assert machine.run("systemctl", "reload-or-restart", unit).returncode == 0
        assert "table inet owner" in machine.run("nft", "list", "ruleset").stdout
    finally:
        machine.run("rm", "/etc/chargectl/firewall.d/bad.nft")
        machine.run("nft", "delete", "table", "inet", "owner")
        machine.run("systemctl", "restart", unit)
    assert machine.run("nft", "list", "ruleset").stdout == before


def test_a_further_user_may_do_nothing_at_first(machine: Machine) -> None:
    machine.run(
        "sh",
        "-c",
        "mosquitto_passwd -b /etc/mosquitto/passwd guest pw && systemctl restart mosquitto.service",
    )
    assert not publish(machine, "-h", OURS, "-u", "guest", "-P", "pw", net="lan")
    machine.run(
        "sh", "-c", "mosquitto_passwd -D /etc/mosquitto/passwd guest && systemctl restart mosquitto.service"
    )


def test_a_further_user_may_do_what_the_owners_rules_say(machine: Machine) -> None:
    """By the example of docs/how-to/first-login.md; the rules of the image hold beside them."""
    page = (CHECKOUT / "docs/how-to/first-login.md").read_text(encoding="utf-8")
    [rules] = re.findall(r"```text\n(user .*?)```", page, re.S)
    shipped = machine.file("/etc/mosquitto/acl")
    assert not [line for line in shipped.splitlines() if line and not line.startswith("#")]
    machine.run("mosquitto_passwd", "-b", "/etc/mosquitto/passwd", "guest", "pw")
    # One for clients without a name comes first, and the last line has no end.
    machine.run("tee", "/etc/mosquitto/acl", text=f"topic read maker/open\n{rules}topic write maker/x")
    guest = ("-h", OURS, "-u", "guest", "-P", "pw")
    first = machine.show("mosquitto.service", "MainPID")
    try:
        assert machine.run("systemctl", "reload", "mosquitto.service").returncode == 0
        machine.wait(lambda: publish(machine, *guest, net="lan"))
        assert not publish(machine, *guest, net="lan", topic="maker/y")
        assert publish(machine, "-h", OURS, "-u", "owner", "-P", password(machine), net="lan")
        assert machine.show("mosquitto.service", "MainPID") == first
        # Without the owner's file there are the image's rules.
        machine.run("rm", "/etc/mosquitto/acl")
        assert machine.run("systemctl", "restart", "mosquitto.service").returncode == 0
        assert not publish(machine, *guest, net="lan")
        assert publish(machine, "-h", OURS, "-u", "owner", "-P", password(machine), net="lan")
        # One that the broker cannot read is told.
        machine.run("sh", "-c", "umask 077; echo user guest >/etc/mosquitto/acl")
        assert machine.run("systemctl", "reload", "mosquitto.service").returncode != 0
        assert "the broker needs to read /etc/mosquitto/acl" in machine.log("mosquitto")
        assert publish(machine, "-h", OURS, "-u", "owner", "-P", password(machine), net="lan")
    finally:
        machine.run("mosquitto_passwd", "-D", "/etc/mosquitto/passwd", "guest")
        machine.run("rm", "-f", "/etc/mosquitto/acl")
        machine.run("tee", "/etc/mosquitto/acl", text=shipped)
        machine.run("systemctl", "restart", "mosquitto.service")


def test_nobody_reads_without_a_password(machine: Machine) -> None:
    machine.run("mosquitto_pub", "-h", "127.0.0.1", "-t", "maker/y", "-r", "-m", "secret")
    words = ("timeout", "5", "mosquitto_sub", "-h", OURS, "-t", "#", "-W", "1", "-C", "1")
    assert "secret" not in machine.run("ip", "netns", "exec", "lan", *words).stdout
    known = ("-u", "owner", "-P", password(machine))
    assert machine.run("ip", "netns", "exec", "lan", *words, *known).stdout != ""


def test_no_client_is_let_in_at_the_loopback_address_from_outside(machine: Machine) -> None:
    """The packet filter leads away from the open listener, and the kernel refuses 127.0.0.1 on a wire."""
    secret = password(machine)
    for port in ("1883", "1884"):
        assert not publish(machine, "-h", OURS, "-p", port, net="lan")
        assert publish(machine, "-h", OURS, "-p", port, "-u", "owner", "-P", secret, net="lan")
    machine.run("ip", "-n", "lan", "route", "add", "127.0.0.1/32", "via", OURS)
    assert not publish(machine, "-h", "127.0.0.1", net="lan")


@pytest.mark.parametrize("address", ["192.0.3.1", "2001:db8:3::1", "192.0.2.1"])
def test_the_vehicle_reaches_what_iso_15118_needs_and_nothing_else(machine: Machine, address: str) -> None:
    machine.run("ip", "-n", "car", "route", "add", "192.0.2.0/24", "via", "192.0.3.1")
    secret = password(machine)
    for port in ("1883", "1884"):
        assert not publish(machine, "-h", address, "-p", port, "-u", "owner", "-P", secret, net="car")
    # 22: SSH, 80: web, 49200: V2GTP
    answered = {
        port for port in (22, 80, 1883, 1884, 15118, 49200) if connects(machine, address, port, "car")
    }
    assert answered == {49200}
    answered = {port for port in (22, 80, 1884, 49200) if connects(machine, OURS, port, "lan")}
    assert answered == {22, 80, 1884, 49200}


def connects(machine: Machine, address: str, port: int, net: str) -> bool:
    """Whether TCP gets an answer of a program, where one listens on every address."""
    script = f"""
import socket, subprocess, sys
try:
    listener = socket.create_server(("::", {port}), family=socket.AF_INET6, dualstack_ipv6=True)
except OSError:
    listener = None  # the broker itself
code = "import socket; socket.create_connection(({address!r}, {port}), 1)"
words = ["ip", "netns", "exec", {net!r}, "python3", "-c", code]
sys.exit(subprocess.run(words, capture_output=True).returncode)
"""
    return machine.run("python3", "-c", script).returncode == 0


def test_large_messages_end_the_connection_of_who_sends_them(machine: Machine) -> None:
    secret = password(machine)
    assert publish(machine, "-h", OURS, "-u", "owner", "-P", secret, net="lan", text="x" * (BIG - 100))
    assert not publish(machine, "-h", OURS, "-u", "owner", "-P", secret, net="lan", text="x" * (BIG + 1))
    assert not publish(machine, "-h", "127.0.0.1", text="x" * (BIG + 1))
    assert machine.show("mosquitto.service", "ActiveState") == "active"


def test_the_broker_forgets_what_others_retained(machine: Machine) -> None:
    machine.run(
        "mosquitto_pub", "-h", "127.0.0.1", "-t", "port0/session/authorization_status", "-r", "-m", "1"
    )
    machine.run("systemctl", "restart", "mosquitto.service")
    words = ("timeout", "5", "mosquitto_sub", "-h", "127.0.0.1", "-t", "port0/session/authorization_status")
    assert machine.run(*words, "-W", "1").stdout == ""


@pytest.mark.spec(301)
def test_a_changed_password_opens_ssh_to_passwords_at_once(machine: Machine) -> None:
    policy = "/run/chargectl-ssh/password.conf"
    assert machine.file(policy) == "PasswordAuthentication no\n"
    assert machine.run("chpasswd", text="root:a password of my own\n").returncode == 0
    machine.wait(lambda: machine.file(policy) == "PasswordAuthentication yes\n")
    # And locking it closes the door again.
    assert machine.run("passwd", "--lock", "root").returncode == 0
    machine.wait(lambda: machine.file(policy) == "PasswordAuthentication no\n")


@pytest.mark.spec(300)
def test_sshd_accepts_the_settings(machine: Machine, tmp_path: Path) -> None:
    if machine.run("test", "-x", "/usr/sbin/sshd").returncode:
        pytest.skip("openssh-server is not installed")
    machine.run("mkdir", "-p", "/run/sshd", "/etc/ssh")
    settings = "Include /etc/ssh/sshd_config.d/*.conf\\nPasswordAuthentication yes\\nUsePAM yes\\n"
    machine.run("sh", "-c", f"printf '{settings}' >/etc/ssh/sshd_config")
    result = machine.run("/usr/sbin/sshd", "-T")
    assert result.returncode == 0, result.stderr
    found = dict(line.split(" ", 1) for line in result.stdout.splitlines())
    assert found["port"] == "22"
    assert found["permitrootlogin"] == "yes"
    assert found["permitemptypasswords"] == "no"
    assert found["usepam"] == "no"
    allowed = machine.file("/run/chargectl-ssh/password.conf").split()[1]
    assert found["passwordauthentication"] == allowed == "no"
    assert found["hostkey"].startswith("/etc/ssh/ssh_host_")
