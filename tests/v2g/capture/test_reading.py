"""What is read of real captures, beside what Wireshark reads of them."""

from __future__ import annotations

from collections import Counter

import pytest

import v2gexi
from tests.v2g.capture import recordings as r
from v2g.capture.events import Layer, Side
from v2g.capture.pcapng import PcapngWriter
from v2gexi import capture

# Of tshark 4.0.17: packets, HomePlug frames, neighbour discovery, syslog, TCP segments with V2G data (or,
# datagrams apart, what its dissector calls "data"), SYN, RST.
WIRESHARK = {
    r.WP4: (33, 26, 1, 0, 0, 0, 0),
    r.DEHNER: (29, 25, 3, 0, 0, 0, 0),
    r.ABB: (488, 214, 5, 188, 9, 2, 1),
    r.COMPLEO: (880, 83, 2, 535, 98, 20, 9),
    r.ALPITRONIC: (3286, 1466, 15, 1105, 135, 43, 21),
    r.SUPERCHARGER: (3398, 338, 46, 2342, 212, 39, 0),
    r.TAYCAN: (28, 14, 0, 0, 0, 0, 0),
    r.IONIQ: (730, 43, 2, 393, 138, 2, 0),
    r.MODEL_Y: (589, 86, 2, 1, 274, 2, 0),
    r.POLESTAR: (412, 56, 3, 211, 52, 2, 0),
}
RETRANSMISSIONS = {r.ALPITRONIC: 157, r.SUPERCHARGER: 5, r.IONIQ: 3}
KEYS = {
    r.WP4: ("BC90751A5E390E", "3b1fe4cc1bb8f8b8484096dc2eb59e8b"),
    r.DEHNER: ("B468ACE9FF5603", "9ed1f8a5b566e83dc4f1700e4a89afec"),
    r.ABB: ("D5925CB82E6808", "d84a239554e7980bb73263f505734afd"),
    r.COMPLEO: ("4C53A6137FD300", "c0e93e076fe0ea3850f88ac39b87dc2f"),
    r.ALPITRONIC: ("5A97FE49D9EA0B", "d7ad1e30052d13e2dc0e0ba877cce0f2"),
    r.SUPERCHARGER: ("A0A98997E89D0E", "a4162d08e77b3f97fea23511a2ee9838"),
    r.IONIQ: ("01020304050607", "7777644d777777777777777777777777"),
    r.MODEL_Y: ("01020304050607", "77774c5f777777777777777777777777"),
    r.POLESTAR: ("01020304050607", "7777cb02777777777777777777777777"),
}


def _twice(recording) -> int:
    note = next((note for note in recording.notes if "captured twice" in note), "0")
    return int(note.split()[0])


@pytest.mark.parametrize("name", r.ALL)
def test_as_many_of_everything_as_wireshark_counts(name):
    recording, _ = r.read(name)
    packets, homeplug, neighbours, syslog, v2g, syn, rst = WIRESHARK[name]
    layers = Counter(event.layer for event in recording.events)
    names = Counter(event.name for event in recording.events if event.layer is Layer.TCP)
    assert recording.packets == packets
    assert (layers[Layer.LOG], layers[Layer.V2G]) == (syslog, v2g)
    # What was captured twice is shown once; Wireshark counts it twice, and what is sent again as such.
    found = layers[Layer.MODEM] + layers[Layer.SLAC] + layers[Layer.NDP] + names["RST"]
    found += names["SYN"] + names["SYN ACK"] - RETRANSMISSIONS.get(name, 0)
    resent = sum(f.kind == "retransmission" for event in recording.events for f in event.findings)
    twice = _twice(recording)
    assert homeplug + neighbours + syn + rst - twice <= found + resent <= homeplug + neighbours + syn + rst
    if not twice:
        assert (layers[Layer.MODEM] + layers[Layer.SLAC], layers[Layer.NDP]) == (homeplug, neighbours)
        assert (names["SYN"] + names["SYN ACK"], names["RST"]) == (syn, rst)
        assert resent == RETRANSMISSIONS.get(name, 0)


def test_the_file_with_packets_that_were_captured_twice():
    """Wireshark takes the second one for a retransmission: 157. Of these, 89 have the same bytes less than a
    millisecond later."""
    recording, _ = r.read(r.ALPITRONIC)
    found = [f for event in recording.events for f in event.findings if f.kind == "retransmission"]
    assert (len(found), _twice(recording)) == (68, 680)


@pytest.mark.spec(349)
@pytest.mark.parametrize("name", list(KEYS))
def test_network_and_key_are_found(name):
    recording, _ = r.read(name)
    matches = [event for event in recording.events if event.name == "CM_SLAC_MATCH.CNF"]
    assert [(each.values["NID"], each.values["NMK"].hex()) for each in matches] == [KEYS[name]]
    assert matches[0].side is Side.STATION


def test_the_order_of_a_whole_session():
    """Of each kind of event the first: the checkpoints rise."""
    _, (session,) = r.read(r.IONIQ)
    numbers = list(dict.fromkeys(e.checkpoint for e in session.events if e.checkpoint is not None))
    assert numbers == [
        1, 100, 101, 103, 104, 110, 120, 140, 150, 155, 200, 202, 204, 205, 301, 302, 303, 400, 402, 500, 505,
        510, 515, 520, 525, 530, 538, 540, 545, 560, 565, 570, 575, 600, 605, 700, 705,
    ]  # fmt: skip


@pytest.mark.spec(358)
def test_every_checkpoint_is_in_the_table():
    from v2g.capture import places
    from v2g.common.checkpoints import CHECKPOINTS

    shown = {e.checkpoint for name in r.ALL for e in r.read(name)[0].events} - {None}
    assert len(shown) > 30
    of_messages = {number for _, *numbers in places.MESSAGES.values() for number in numbers if number}
    assert shown | of_messages | set(places.FRAMES.values()) <= set(CHECKPOINTS)


def test_who_sends_what():
    for name, car, station in (
        (r.IONIQ, "04:65:65:00:64:C3", "DC:0E:A1:11:67:08"),
        (r.COMPLEO, "DC:0E:A1:11:67:08", "80:1F:12:E8:E6:47"),
    ):
        _, (session,) = r.read(name)
        for event in session.events:
            address = event.hardware.hex(":").upper()
            if address in (car, station):
                assert event.side is (Side.CAR if address == car else Side.STATION)
        assert {event.side for event in session.events if event.layer is Layer.LOG} == {
            Side.STATION if name == r.IONIQ else Side.CAR
        }


def test_connections_have_the_numbers_of_the_messages():
    for name in r.ALL:
        recording, _ = r.read(name)
        ends = {
            event.connection: {event.source, event.destination}
            for event in recording.events
            if event.layer is Layer.TCP
        }
        for frame in capture.read(r.data(name)).frames:
            if frame.connection:
                assert ends[frame.connection] == {str(frame.source), str(frame.destination)}


def test_attempts_in_one_file_are_told_apart():
    _, sessions = r.read(r.SUPERCHARGER)
    assert [session.number for session in sessions] == [1, 2, 3, 4, 5]
    assert [session.session_id.hex() for session in sessions] == ["06ef0071", "", "06f0fe77", "", ""]
    assert [len(session.messages) for session in sessions] == [118, 1, 92, 1, 0]
    assert [len(r.read(name)[1]) for name in r.ALL if name != r.SUPERCHARGER] == [1, 2, 1, 1, 1, 1, 1, 1, 1]


def test_a_connection_belongs_to_one_session():
    for name in r.ALL:
        owners = [
            {event.connection for event in session.events if event.connection} for session in r.read(name)[1]
        ]
        assert sum(map(len, owners)) == len(set().union(*owners))


def test_log_lines_are_shown_where_they_were_sent():
    recording, _ = r.read(r.COMPLEO)
    logs = [event.name for event in recording.events if event.layer is Layer.LOG]
    assert logs[0] == "Test message number 0"
    assert logs[13] == "pyPlcWorker init"


def test_the_values_that_matter():
    _, (session,) = r.read(r.IONIQ)
    assert session.first("CM_ATTEN_CHAR.IND").values == {
        "RunID": "0465650064c30000",
        "sounds": 10,
        "groups": 58,
        "average_attenuation": 9.6,
        "least_attenuation": 9,
        "largest_attenuation": 25,
    }
    answer = session.first("SECCDiscoveryRes").values
    assert (answer["Address"], answer["Port"], answer["Security"]) == (
        "fe80::c690:83f3:fbcb:980e",
        15118,
        "none",
    )
    assert session.first("supportedAppProtocolRes").values["protocol"] == "urn:din:70121:2012:MsgDef 2.0"
    asked = session.first("PreChargeReq")
    assert (asked.values["EVTargetVoltage"], asked.values["SoC"]) == (388.1, 93)
    assert session.first("ContractAuthenticationRes").values["EVSEProcessing"] == "Finished"


def test_messages_of_every_set_tell_their_values():
    """Of messages that others encoded: codes are found, and no value is an object."""
    from tests.v2gexi import vectors
    from v2g.capture import messages
    from v2gexi import sessions

    seen: Counter[str] = Counter()
    for vector in vectors.load():
        if vector.error or vector.message_set == "app":
            continue
        message = v2gexi.decode(vector.payload, vector.message_set)
        name = sessions.name_of(message, message._element)
        values = messages.values_of(message)
        assert ("ResponseCode" in values) is name.endswith("Res")
        assert all(isinstance(each, str | int | float | bytes | list) for each in values.values())
        assert messages.session_id_of(message) == message.Header.SessionID
        seen[vector.message_set] += 1
    assert len(seen) > 3


def test_tls_is_named(build):
    hello = bytes.fromhex("16030100050100000101")
    for _, packet in build.conversation.open():
        build.packet(packet)
    for from_car, content in (
        (True, hello),
        (False, bytes.fromhex("1603030005020000010116030300050b00000101")),
        (True, bytes.fromhex("1703030002beef")),
        (True, bytes.fromhex("1703030002cafe")),
        (False, bytes.fromhex("15030300020228")),
    ):
        for packet in build.conversation.data(from_car, content):
            build.packet(packet)
    _, (session,) = build.read()
    tls = [(event.name, event.side.value) for event in session.events if event.layer is Layer.TLS]
    assert tls == [
        ("ClientHello", "car"),
        ("ServerHello", "station"),
        ("Certificate", "station"),
        ("application data", "car"),
        ("alert", "station"),
    ]
    assert session.events[-1].values == {"level": "fatal", "description": "40"}
    assert [phase.phase for phase in session.phases] == ["TCP connect", "TLS handshake"]


@pytest.mark.parametrize("link_type", [113, 276])
def test_captures_of_all_interfaces(link_type, tmp_path):
    """``tcpdump -i any`` keeps the sender and the EtherType in a header of its own."""
    from v2gexi import pcap

    original, (before,) = r.read(r.POLESTAR)
    frames = []
    for packet in pcap.read(r.data(r.POLESTAR)):
        sender, kind, rest = packet.data[6:12], packet.data[12:14], packet.data[14:]
        head = {
            113: b"\0\0\0\1\0\6" + sender + b"\0\0" + kind,
            276: kind + b"\0\0\0\0\0\1\0\1\0\6" + sender + b"\0\0",
        }
        frames.append((packet.time, head[link_type] + rest))
    path = tmp_path / "any.pcapng"
    writer = PcapngWriter(path)
    writer.interface("any", link_type)
    for time, frame in frames:
        writer.packet(0, time or 0, frame)
    recording, (session,) = r.read_bytes(path.read_bytes())
    assert recording.packets == original.packets
    assert [(e.time, e.name, e.side, e.checkpoint) for e in session.events] == [
        (e.time, e.name, e.side, e.checkpoint) for e in before.events
    ]


def test_ethernet_tags_and_other_link_types_do_no_harm():
    from tests.v2gexi import wire

    frame = wire.tcp(b"", flags=wire.SYN)
    for content in (wire.pcap([frame, b"", frame[:20]]), wire.pcapng([frame], 113), wire.pcap([frame], 195)):
        recording, _ = r.read_bytes(content)
        assert recording.packets in (1, 3)
