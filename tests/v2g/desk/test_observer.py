"""An observer of others' charging."""

from __future__ import annotations

import json

import pytest

from tests.v2g.capture import recordings as r
from v2g.capture import envelope
from v2g.common import redact
from v2g.desk.observer import Observer, Output
from v2g.homeplug import slac
from v2g.homeplug.frame import LOCAL_MODEM, Frame
from v2g.net.syslog import datagram
from v2gexi import pcap
from v2gexi.packets import Endpoint

OWN = bytes.fromhex("020000000099")


def _network(name):
    """What a capture says, read without the observer."""
    for event in r.read(name)[0].events:
        if event.name == "CM_SLAC_MATCH.CNF":
            return event.values["NID"], event.values["NMK"]
    raise AssertionError


def _watch(name, *, join=False, **output):
    packets = list(pcap.read(r.data(name)))
    start = packets[0].time
    assert start is not None
    observer = Observer(Output(start, **output), OWN, bytes, join=join)
    lines = []
    sent = []
    for packet in packets:
        lines += observer.frame(packet.data, packet.time or start)
        sent += observer.to_send()
    return lines + observer.close(packets[-1].time or start), sent, observer


@pytest.mark.spec(349)
@pytest.mark.parametrize("name", [r.ABB, r.COMPLEO, r.IONIQ, r.POLESTAR])
def test_nid_and_nmk_of_real_sessions(name):
    nid, nmk = _network(name)
    lines, sent, _ = _watch(name, secrets=True)
    shown = [line for line in lines if "* network: " in line]
    assert len(shown) == 1
    assert f"NID {nid}, NMK {nmk.hex().upper()}" in shown[0]
    assert not sent


@pytest.mark.spec(349)
def test_it_joins():
    nid, nmk = _network(r.IONIQ)
    _, sent, observer = _watch(r.IONIQ, join=True)
    frame = Frame.parse(sent[0])
    request = slac.message_of(frame)
    assert isinstance(request, slac.SetKeyReq)
    assert (frame.destination, frame.source) == (LOCAL_MODEM, OWN)
    assert (request.nid.hex().upper(), request.new_key) == (nid, nmk)
    assert observer.to_send() == []


@pytest.mark.parametrize("to", ["text", "jsonl"])
def test_no_secret_is_shown(to):
    _, nmk = _network(r.IONIQ)
    shown = "\n".join(_watch(r.IONIQ, to=to)[0])
    assert nmk.hex() not in shown.lower()
    assert redact.redacted(nmk) in shown


@pytest.mark.spec(358)
def test_the_lines_are_those_of_a_timeline_with_checkpoints():
    lines = _watch(r.IONIQ)[0]
    shown = [line[10:].split() for line in lines if line[:9].strip().replace(".", "").isdigit()]
    numbers = {words[2]: words[3] for words in shown if len(words) > 3 and words[2].isdigit()}
    expected = {
        "100": "CM_SLAC_PARM.REQ",
        "155": "CM_SLAC_MATCH.CNF",
        "200": "SECCDiscoveryReq",
        "301": "SYN",
        "400": "supportedAppProtocolReq",
        "500": "SessionSetupReq",
        "700": "CurrentDemandReq",
        "705": "CurrentDemandRes",
    }
    assert {number: numbers.get(number) for number in expected} == expected
    assert any(line.startswith("ConnSetup ") for line in lines)
    assert "Phases" in lines


def test_jsonl_is_json():
    lines = [json.loads(line) for line in _watch(r.IONIQ, to="jsonl")[0]]
    assert [line["network"]["NID"] for line in lines if "network" in line] == [_network(r.IONIQ)[0]]
    assert [line["session"] for line in lines if "phases" in line] == [1]
    assert {"CurrentDemandReq", "CM_SLAC_PARM.REQ"} <= {line.get("name") for line in lines}


def test_its_own_log_lines_are_not_shown_again():
    observer = Observer(Output(0), OWN, bytes, own_tag="v2g-listen")
    ends = (envelope.End(OWN, Endpoint("fe80::9", 514)), envelope.End(OWN, Endpoint("ff02::1", 514)))
    packet = envelope.udp(*ends, datagram("a line", tag="v2g-listen"))
    assert observer.frame(packet, 1, own=True) == []
    assert len(observer.frame(packet, 2_000_000_000, own=False)) == 1
    other = envelope.udp(*ends, datagram("a line", tag="another"))
    assert len(observer.frame(other, 4_000_000_000, own=True)) == 1
