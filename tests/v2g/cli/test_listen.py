"""`v2g listen`, and what `v2g evse` and `v2g pev` record, as people call them."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import signal

import pytest

from tests.v2g.capture import recordings as r
from tests.v2g.cli.programs import program as _program
from tests.v2g.netns import modem_wire, needs_netns, plain_wire
from v2g.cli.main import main
from v2g.common import redact
from v2gexi import pcap

EVCCID = bytes.fromhex("020000000001")


@contextlib.contextmanager
def _listening(station, *arguments):
    with _program(station, "listen", *arguments) as listener:
        listener.wait_for("listening on")
        yield listener


def _charge(wire, folder, *options):
    """A charger and a car charge for a second; their recordings."""
    common = ["--protocols", "iso2", *options]
    with _program(wire.evse, "evse", "--once", "--record", str(folder / "evse.pcapng"), *common) as evse:
        evse.wait_for("listening on")
        car = ["--record", str(folder / "pev.pcapng"), "--set", "loop_s=1"]
        with _program(wire.ev, "pev", *car, *common) as pev:
            assert pev.end() == (0, ""), pev.text
        assert evse.end() == (0, ""), evse.text


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A session between simulated modems, with an observer at a third one and one beside the charger."""
    folder = tmp_path_factory.mktemp("heard")
    with modem_wire(listeners=1) as wire, contextlib.ExitStack() as stack:
        beside = ["--once", "--record", str(folder / "own.pcapng"), "--show-secrets"]
        own = stack.enter_context(_listening(wire.evse, *beside))
        third = stack.enter_context(_listening(wire.listeners[0], "--join"))
        _charge(wire, folder)
        own_end = own.end()
        third_end = third.end(signal.SIGINT)
        key = wire.modems[-1].nmk
    return folder, own, own_end, third, third_end, key


@needs_netns
@pytest.mark.spec(343)
@pytest.mark.spec(349)
def test_the_third_modem_recovers_the_network_and_joins(heard):
    _, own, _, third, ended, key = heard
    assert ended == (0, "")
    networks = [re.search(r"network: NID (\w+), NMK (.*?), EV", line) for line in third.lines]
    (network,) = [each for each in networks if each]
    (known,) = [
        found for line in own.lines if (found := re.search(r"network: NID (\w+), NMK (\w+), EV", line))
    ]
    # The observer beside the charger shows the key itself; the third modem's modem has taken it.
    assert network[1] == known[1]
    assert key.hex().upper() == known[2]
    assert network[2] == redact.redacted(key)
    assert key.hex() not in third.text.lower()
    third.wait_for("the own modem has taken the key")
    # Members hear what is sent to all.
    assert any(" 200  SECCDiscoveryReq" in line for line in third.lines)


@needs_netns
@pytest.mark.spec(343)
@pytest.mark.spec(358)
def test_beside_the_charger_the_whole_conversation_is_heard(heard):
    _, own, ended, *_ = heard
    assert ended == (0, "")
    steps = (100, 155, 200, 202, 301, 400, 402, 500, 538, 545, 560, 570, 600, 700, 800, 850, 900, 905)
    numbers = [
        int(found[1])
        for line in own.lines
        if (found := re.match(r"[ .\d]{9}  .{13}  ([ \d]{3})  \w", line))
        if found[1].strip()
    ]
    places = [numbers.index(step) for step in steps]
    assert places == sorted(places)
    assert {"Phases", "Timing statistics (SLAC begins to charge loop)"} <= set(own.lines)
    assert any(line.startswith("── Session 1 · ISO 15118-2 · session id ") for line in own.lines)


@needs_netns
@pytest.mark.spec(355)
@pytest.mark.parametrize("name", ["evse", "pev", "own"])
def test_recordings_read_back(heard, name, capsys):
    path = heard[0] / f"{name}.pcapng"
    assert main(["decode", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    for step in (100, 155, 200, 202, 301, 400, 500, 700, 900, 905):
        assert any(f"  {step}  " in line for line in lines), step
    if name != "own":
        assert lines[-1] == "No anomalies", out
    _, sessions = r.read_bytes(path.read_bytes())
    assert len(sessions) == 1


@needs_netns
@pytest.mark.parametrize("name", ["evse", "pev", "own"])
def test_recordings_hold_no_secrets(heard, name):
    content = (heard[0] / f"{name}.pcapng").read_bytes()
    assert heard[-1] not in content
    assert heard[-1].hex().encode() not in content.lower()
    recording, _ = r.read_bytes(content)
    (request,) = [event for event in recording.events if event.name == "SessionSetupReq"]
    assert request.values["EVCCID"] == redact.stand_in(EVCCID)


@needs_netns
def test_recordings_have_the_interfaces_addresses(heard):
    """Both sides record the same Ethernet addresses, which are the stations' own."""

    def stations(name):
        packets = pcap.read((heard[0] / f"{name}.pcapng").read_bytes())
        tcp = [
            packet.data for packet in packets if packet.data[12:14] == b"\x86\xdd" and packet.data[20] == 6
        ]
        return {(data[:6], data[6:12]) for data in tcp}

    assert stations("evse") == stations("pev") == stations("own")
    assert len(stations("evse")) == 2


@needs_netns
@pytest.mark.spec(343)
def test_a_plain_wire_as_json_with_log_lines(tmp_path):
    with plain_wire() as wire, _listening(wire.evse, "--once", "--to", "jsonl", "--syslog") as listener:
        _charge(wire, tmp_path, "--no-slac")
        assert listener.end() == (0, "")
    objects = [json.loads(line) for line in listener.lines]
    names = [each.get("name") for each in objects]
    order = [
        "SECCDiscoveryReq",
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "CurrentDemandReq",
        "SessionStopRes",
    ]
    assert sorted(order, key=names.index) == order
    assert [each["session"] for each in objects if "phases" in each] == [1]
    assert not [each for each in objects if each.get("layer") == "log"]


@needs_netns
@pytest.mark.spec(356)
def test_log_lines_on_the_wire():
    """What one observer says by syslog, another one sees as log lines, and nobody answers himself."""
    with plain_wire() as wire, _listening(wire.ev) as other, _listening(wire.evse, "--syslog") as talker:
        other.wait_for(r"log .* v2g-listen: listening on")
        assert talker.end(signal.SIGINT)[0] == 0
        assert other.end(signal.SIGINT)[0] == 0
    assert "v2g-listen" not in talker.text


@needs_netns
def test_an_interface_that_is_switched_off_or_goes_away():
    with plain_wire() as wire:
        for command, reason in (
            ("set", "the interface is down; 'ip link set"),
            ("delete", "the interface is gone"),
        ):
            with _listening(wire.evse) as listener:
                words = [
                    "ip",
                    "link",
                    command,
                    *(["dev"] if command == "delete" else []),
                    wire.evse.interface,
                ]
                assert wire.evse.run(*words, *(["down"] if command == "set" else [])).returncode == 0
                code, complaint = listener.end()
            assert code == 1
            assert re.fullmatch(rf"v2g listen: {wire.evse.interface}: {reason}.*\n", complaint)
            wire.evse.run("ip", "link", "set", wire.evse.interface, "up")


@needs_netns
def test_an_interface_that_is_down():
    with plain_wire() as wire:
        wire.evse.run("ip", "link", "set", wire.evse.interface, "down")
        with _program(wire.evse, "listen") as listener:
            code, complaint = listener.end()
    assert code == 2
    assert complaint.startswith(f"v2g listen: {wire.evse.interface}: the interface is down; ")
    assert complaint.count("\n") == 1


@needs_netns
def test_a_recording_that_cannot_grow(tmp_path):
    """The disk is full: listening goes on, and the end tells."""
    full = tmp_path / "full.pcapng"
    full.symlink_to("/dev/full")
    with plain_wire() as wire, _program(wire.evse, "listen", "--record", str(full)) as listener:
        code, complaint = listener.end()
    assert code == 2
    assert complaint == f"v2g listen: {full}: No space left on device\n"


def _listen(capsys, *arguments):
    code = main(["listen", *arguments])
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


def test_no_such_interface(capsys):
    code, complaint = _listen(capsys, "-i", "nothing0")
    assert code == 2
    assert re.fullmatch(r"v2g listen: nothing0: no such interface.*\n", complaint)


def test_secrets_are_not_broadcast(capsys):
    reason = "--syslog with --show-secrets would tell everybody on the interface the secrets"
    assert _listen(capsys, "-i", "lo", "--syslog", "--show-secrets") == (2, f"v2g listen: {reason}\n")


def test_without_the_right_to(capsys, monkeypatch):
    def refuse(*arguments, **others):
        raise PermissionError

    monkeypatch.setattr("v2g.net.packet.is_up", lambda name: True)
    monkeypatch.setattr("v2g.net.packet.socket.socket", functools.partial(_only_packet, refuse))
    reason = "raw sockets need root or the capability CAP_NET_RAW"
    assert _listen(capsys, "-i", "lo") == (2, f"v2g listen: lo: {reason}\n")


def _only_packet(refuse, family, *arguments, **others):
    import socket

    if family == socket.AF_PACKET:
        refuse()
    return _REAL(family, *arguments, **others)


_REAL = __import__("socket").socket
