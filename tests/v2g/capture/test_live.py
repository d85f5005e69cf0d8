"""Packets read while they come in: the same as in a whole file, in any order, with bounded memory."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.capture import recordings as r
from v2g.capture import live_sessions
from v2g.capture.checks import findings_of
from v2g.capture.envelope import Conversation, End
from v2g.capture.events import Event, Layer, Side
from v2g.capture.follow import HOLE_NS, MOST_HELD, StreamFollower
from v2g.capture.live import MOST_CONNECTIONS, LiveReader
from v2g.capture.live_sessions import LiveSessions
from v2g.capture.live_text import FOLD_NS, LiveText
from v2g.capture.network import ETHERNET
from v2g.capture.reading import Recording
from v2g.capture.timeline import Timeline
from v2gexi import pcap, v2gtp
from v2gexi.packets import ACK, SYN, Endpoint, Segment
from v2gexi.pcap import Packet

NS = 1_000_000_000
CAR, STATION = Endpoint("fe80::1", 50000), Endpoint("fe80::2", 61000)
FRAMES = [v2gtp.pack(bytes([number]) * 5) for number in range(6)]


def _content(event):
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(Event)}
    for name in ("file_offset", "side", "checkpoint", "phase", "findings"):
        del fields[name]
    return fields


def _live(name):
    reader = LiveReader()
    events = []
    for packet in pcap.read(r.data(name)):
        assert packet.link_type == ETHERNET
        events += reader.take(packet.data, packet.time or 0)
    return events


@pytest.mark.parametrize("name", r.ALL)
def test_the_same_events_as_in_a_whole_file(name):
    recording, _ = r.read(name)
    whole = sorted(map(str, map(_content, recording.events)))
    assert sorted(map(str, map(_content, _live(name)))) == whole
    assert whole


@pytest.mark.parametrize("name", r.ALL)
def test_the_same_sessions_and_findings_as_in_a_whole_file(name):
    _, expected = r.read(name)
    watcher = LiveSessions()
    found = []
    for event in _live(name):
        found += watcher.take(event)
    found += watcher.close()
    assert [session.number for session in found] == list(range(1, len(found) + 1))
    assert {s.session_id for s in found} - {b""} == {s.session_id for s in expected} - {b""}
    wanted, kinds = ({kind for each in sessions for kind in r.kinds(each)} for sessions in (expected, found))
    # What shows long after a session's end is not waited for.
    assert wanted - kinds <= {"tcp-reset"}
    assert kinds <= wanted
    ids = {s.session_id: s for s in expected}
    for session in found:
        if session.session_id:
            assert session.message_set == ids[session.session_id].message_set
            assert len(session.messages) >= len(ids[session.session_id].messages)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes(datas):
    reader, watcher = LiveReader(), LiveSessions()
    for number, data in enumerate(datas):
        for event in reader.take(data, number * NS):
            watcher.take(event)
    watcher.close()


@settings(max_examples=30)
@given(st.data())
def test_damaged_packets(data):
    reader, watcher = LiveReader(), LiveSessions()
    text = LiveText(Timeline(Recording(first=0), []))
    for packet in list(pcap.read(r.data(r.IONIQ)))[:120]:
        damaged = bytearray(packet.data)
        if data.draw(st.booleans()):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
            del damaged[data.draw(st.integers(0, len(damaged))) :]
        for event in reader.take(bytes(damaged), packet.time or 0):
            watcher.take(event)
            list(text.take(event))
    watcher.close()


def _segment(sequence, data=b"", flags=ACK, time=0):
    return Segment(Packet(1, time, ETHERNET, b"", 0), CAR, STATION, data, sequence, flags)


def _pieces(start=1000):
    found, at = [], start + 1
    for frame in FRAMES:
        found.append(_segment(at & 0xFFFFFFFF, frame))
        at += len(frame)
    return found


def _follow(segments, opened=True, start=1000):
    follower = StreamFollower(1, CAR, STATION)
    found = list(follower.take(_segment(start, flags=SYN), True)) if opened else []
    for segment in segments:
        found += follower.take(segment, True)
    return found, follower


@given(
    st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=6), st.sampled_from((1000, 2**32 - 30))
)
def test_segments_in_any_order_and_again(order, again, start):
    pieces = _pieces(start)
    found, _ = _follow([pieces[number] for number in (*order, *again)], start=start)
    assert [each.payload for each in found] == [frame[8:] for frame in FRAMES]
    assert not any(each.problem for each in found)


@given(st.integers(1, 30))
def test_segments_that_are_cut_anywhere(size):
    stream = b"".join(FRAMES)
    pieces = [_segment(1001 + at, stream[at : at + size]) for at in range(0, len(stream), size)]
    found, _ = _follow(pieces)
    assert [each.payload for each in found] == [frame[8:] for frame in FRAMES]


def test_a_hole_is_given_up_after_its_time():
    pieces = _pieces()
    late = pieces[3]._replace(packet=Packet(4, HOLE_NS + 1, ETHERNET, b"", 0))
    found, _ = _follow([pieces[0], pieces[2], late])
    assert [each.payload[0] for each in found] == [0, 2, 3]


def test_a_hole_is_given_up_when_too_much_is_held():
    stream = [_segment(5000 + 13 * number, FRAMES[1]) for number in range(MOST_HELD + 1)]
    found, _ = _follow(stream[:-1])
    assert not found
    found, _ = _follow(stream)
    assert len(found) == MOST_HELD + 1


def test_a_frame_that_lost_its_end_is_told():
    pieces = _pieces()
    cut = pieces[1]._replace(data=pieces[1].data[:10])
    found, follower = _follow([pieces[0], cut])
    assert [each.payload[0] for each in found] == [0]
    assert [each.problem for each in follower.end(True)] == ["the capture has 2 of its 5 bytes"]


def test_a_stream_of_something_else_is_not_kept():
    found, follower = _follow([_segment(1001, b"GET / HTTP/1.1\r\n")])
    assert not found
    assert follower.foreign
    assert not list(follower.end(True))


def test_a_connection_that_was_there_before():
    pieces = _pieces()
    found, _ = _follow([_segment(990, b"middle of a frame"), *pieces[1:]], opened=False)
    assert [each.payload[0] for each in found] == [1, 2, 3, 4, 5]


def test_connections_are_forgotten():
    reader = LiveReader()
    for port in range(2000, 2000 + 3 * MOST_CONNECTIONS):
        ends = (End(bytes(6), Endpoint("2001:db8::1", port)), End(bytes(6), Endpoint("2001:db8::2", 80)))
        conversation = Conversation(*ends)
        for _, packet in conversation.open():
            # Connections of others, between global addresses, are not shown.
            assert reader.take(packet, port * NS) == []
    assert reader.connections == MOST_CONNECTIONS


def _pair(at, base="CurrentDemand", code="OK", connection=1):
    def message(ending, side, time):
        return Event(
            time,
            2 * at + (ending == "Res"),
            0,
            Layer.V2G,
            base + ending,
            side,
            message_set="iso2",
            connection=connection,
            hardware=side.encode(),
        )

    request, response = (
        message("Req", Side.CAR, at * 250_000_000),
        message("Res", Side.STATION, 250_000_000 * at + 1),
    )
    response.values["ResponseCode"] = code
    return request, response


def _setup():
    pairs = ("SessionSetup", "ServiceDiscovery", "ChargeParameterDiscovery", "PowerDelivery")
    for number, base in enumerate(pairs, 1):
        request, response = _pair(number, base)
        if base == "PowerDelivery":
            request.values["ChargeProgress"] = "Start"
        yield from (request, response)


def test_a_night_of_charging_needs_no_more_room():
    watcher = LiveSessions()
    most = 0
    count = 60_000
    for event in _setup():
        assert not watcher.take(event)
    for at in range(5, 5 + count):
        for event in _pair(at, code="FAILED" if at == 9_000 else "OK"):
            assert not watcher.take(event)
        most = max(most, watcher.kept)
    assert most <= live_sessions.MOST_EVENTS + live_sessions.MOST_EVENTS // 2 + 2 * live_sessions.KEPT_LAST
    (session,) = watcher.close()
    assert {finding.kind for _, finding in findings_of(session)} == {"failed", "no-stop", "sequence"}
    assert len([None for _, finding in findings_of(session) if finding.kind == "failed"]) == 1
    loop = next(each for each in session.phases if each.phase == "charge loop")
    assert loop.events == 2 * count
    assert loop.duration_ms == (count - 1) * 250


def test_thinning_changes_no_findings(monkeypatch):
    """The same events, thinned out often and never."""

    def findings(limit):
        monkeypatch.setattr(live_sessions, "MOST_EVENTS", limit)
        monkeypatch.setattr(live_sessions, "KEPT_FIRST", 10)
        monkeypatch.setattr(live_sessions, "KEPT_LAST", 20)
        watcher = LiveSessions()
        for event in _setup():
            watcher.take(event)
        for at in range(5, 1500):
            # A silence, a warning, and a response that comes late.
            request, response = _pair(
                at + (250 if at > 400 else 0), code="WARNING_x" if at % 300 == 0 else "OK"
            )
            if at == 600:
                response.time = request.time + 20 * NS
            watcher.take(request)
            watcher.take(response)
        (session,) = watcher.close()
        return sorted((event.packet if event else 0, finding.kind) for event, finding in findings_of(session))

    assert findings(100) == findings(100_000)
    assert len({kind for _, kind in findings(100)}) >= 4


def _named(name, layer, time_s, hardware=b"car"):
    return Event(int(time_s * NS), int(time_s * 1000), 0, layer, name, hardware=hardware)


def test_a_session_ends_with_its_connection():
    watcher = LiveSessions()
    for event in _setup():
        watcher.take(event)
    fin = Event(2 * NS, 99, 0, Layer.TCP, "FIN", Side.CAR, connection=1)
    assert not watcher.take(fin)
    assert watcher.deadline() == 2 * NS + live_sessions.HALF_OPEN_NS
    fin = Event(2 * NS, 99, 0, Layer.TCP, "FIN", Side.STATION, connection=1)
    assert not watcher.take(fin)
    assert watcher.deadline() == 3 * NS
    assert not watcher.tick(3 * NS - 1)
    (session,) = watcher.tick(3 * NS)
    assert session.number == 1
    assert watcher.number == 0
    assert watcher.deadline() is None


def test_a_session_ends_when_nothing_is_said_any_more():
    watcher = LiveSessions()
    for event in _setup():
        watcher.take(event)
    deadline = watcher.deadline()
    assert deadline is not None
    assert 60 * NS < deadline < 80 * NS
    assert len(watcher.tick(deadline)) == 1


@pytest.mark.parametrize(
    ("name", "layer", "hardware", "after", "new"),
    [
        ("CM_SLAC_PARM.REQ", Layer.SLAC, Side.CAR.encode(), 1, False),
        ("SECCDiscoveryReq", Layer.SDP, Side.CAR.encode(), 5, True),
        ("CM_SLAC_PARM.REQ", Layer.SLAC, Side.CAR.encode(), 5, True),
        ("SECCDiscoveryReq", Layer.SDP, b"another car", 1, False),
        ("neighbour solicitation", Layer.NDP, Side.CAR.encode(), 10, False),
    ],
)
def test_what_begins_another_session(name, layer, hardware, after, new):
    watcher = LiveSessions()
    for event in _setup():
        watcher.take(event)
    assert bool(watcher.take(_named(name, layer, 1 + after, hardware))) is new


def test_a_key_that_was_set_before_belongs_to_the_session():
    watcher = LiveSessions()
    watcher.take(_named("CM_SET_KEY.REQ", Layer.MODEM, 1, b"station"))
    watcher.take(_named("CM_SET_KEY.CNF", Layer.MODEM, 1.1, b"modem"))
    assert watcher.number == 0
    watcher.take(_named("CM_SLAC_PARM.REQ", Layer.SLAC, 2))
    assert watcher.number == 1
    (session,) = watcher.close()
    assert [event.name for event in session.events][:2] == ["CM_SET_KEY.REQ", "CM_SET_KEY.CNF"]


def test_repetitions_are_counted():
    text = LiveText(Timeline(Recording(first=0), []))
    lines = [line for at in range(20) for event in _pair(at) for line in text.take(event)]
    assert [line.split()[-1] for line in lines] == ["CurrentDemandReq", "OK"] * 2
    lines = [line for event in _pair(20, "SessionStop") for line in text.take(event)]
    assert "… 17 × CurrentDemandReq and CurrentDemandRes until" in lines[0]
    names = [line.split()[-3:] for line in lines[1:]]
    assert [name[-1] for name in names] == ["CurrentDemandReq", "OK", "SessionStopReq", "OK"]


def test_repetitions_are_told_of_while_they_last():
    text = LiveText(Timeline(Recording(first=0), []))
    for at in range(20):
        for event in _pair(at):
            list(text.take(event))
    deadline = text.deadline()
    assert deadline == 2 * 250_000_000 + FOLD_NS
    assert not list(text.tick(deadline - 1))
    assert len(list(text.tick(deadline))) == 3
    assert text.deadline() is None


def test_repetitions_are_told_of_without_a_clock():
    text = LiveText(Timeline(Recording(first=0), []))
    lines = [line for at in range(1000) for event in _pair(at) for line in text.take(event)]
    told = [int(line.split()[2]) for line in lines if "…" in line]
    assert len(told) > 20
    # Each tells of ten seconds, but for the last pair of them, which is written out.
    assert set(told) == {39}


def test_something_wrong_is_shown_at_once():
    text = LiveText(Timeline(Recording(first=0), []))
    for at in range(5):
        for event in _pair(at):
            list(text.take(event))
    request, response = _pair(5)
    response.finds("failed", "it failed")
    assert list(text.take(request)) == []
    assert [line.strip() for line in text.take(response)][-1] == "! it failed"


def test_everything_is_shown_on_demand():
    text = LiveText(Timeline(Recording(first=0), []), everything=True)
    assert len([line for at in range(20) for event in _pair(at) for line in text.take(event)]) == 40
