"""Recordings of one's own session: what was written is read again, and no secret is in the file."""

from __future__ import annotations

import shutil
import struct
import subprocess
from itertools import count
from typing import Any

import pytest

import v2gexi
from tests.v2g.capture import recordings as r
from v2g.capture import envelope
from v2g.capture.keyless import without_key
from v2g.capture.pcapng import PcapngWriter
from v2g.capture.record import Recorder
from v2g.common import redact
from v2g.homeplug import slac
from v2gexi import din, iso2, pcap, v2gtp

NMK = bytes(range(16, 32))
NID = bytes.fromhex("01020304050607")
EVCCID = bytes.fromhex("DC0EA1116708")
EMAID = "DE8AA1A2B3C4D59"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "own.pcapng"


def _recorder(path, **options) -> Recorder:
    clock = count(r.START_NS, 5 * r.MS)
    return Recorder(PcapngWriter(path), "eth1", lambda: next(clock), **options)


def _match() -> bytes:
    found = slac.SlacMatchCnf(
        0, 0, slac.MATCH_CNF_LENGTH, slac.NO_ID, b"\x0a" * 6, slac.NO_ID, b"\x0b" * 6, bytes(8), NID, NMK
    )
    return found.frame(b"\x0a" * 6, b"\x0b" * 6)


def _frame(body, session_id=r.SESSION_ID) -> bytes:
    message = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=session_id), Body=din.BodyType(BodyElement=body)
    )
    return v2gtp.pack(v2gexi.encode(message))


def _handshake(recorder: Recorder, connection: int, namespace: str = "urn:din:70121:2012:MsgDef") -> None:
    from v2gexi import app

    offer = app.AppProtocolType(
        ProtocolNamespace=namespace, VersionNumberMajor=2, VersionNumberMinor=0, SchemaID=1, Priority=1
    )
    asked = v2gexi.encode(app.supportedAppProtocolReq(AppProtocol=[offer]))
    answer = app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID=1)
    recorder.message(connection, True, v2gtp.pack(asked))
    recorder.message(connection, False, v2gtp.pack(v2gexi.encode(answer)))


def _session(recorder: Recorder) -> None:
    recorder.frame(slac.SlacParmReq(0, 0, bytes(8)).frame(b"\xff" * 6, b"\x0a" * 6), True)
    recorder.frame(_match(), False)
    recorder.frame(slac.SetKeyReq.of(NID, NMK).frame(b"\xff" * 6, b"\x0a" * 6), True)
    request = v2gtp.pack(b"\x10\x00", v2gtp.PayloadType.SDP_REQUEST)
    everyone = envelope.End(b"\x33\x33\0\0\0\1", v2g_endpoint("ff02::1", v2gtp.SDP_PORT))
    recorder.datagram(r.CAR, everyone, request, True)
    number = recorder.opened(r.CAR, r.STATION)
    _handshake(recorder, number)
    recorder.message(number, True, _frame(din.SessionSetupReqType(EVCCID=EVCCID), bytes(8)), True)
    recorder.message(number, False, _frame(r.SET_UP[1]), False)
    for body in (*r.cable_check(), *r.pre_charge(400, 380), *r.STOP):
        recorder.message(number, "Res" not in type(body).__name__, _frame(body))
    recorder.closed(number, True)


def v2g_endpoint(address: str, port: int):
    from v2gexi.packets import Endpoint

    return Endpoint(address, port)


def _comments(content: bytes) -> list[str]:
    """Comments of the packets, read by the file's format alone."""
    found, at = [], 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        assert struct.unpack_from("<I", content, at + length - 4)[0] == length
        if kind == 6:
            kept = struct.unpack_from("<I", content, at + 20)[0]
            option = at + 28 + (kept + 3) // 4 * 4
            comment = ""
            while option + 4 <= at + length - 4:
                code, size = struct.unpack_from("<HH", content, option)
                if code == 1:
                    comment = content[option + 4 : option + 4 + size].decode()
                if code == 0:
                    break
                option += 4 + (size + 3) // 4 * 4
            found.append(comment)
        at += length
    return found


@pytest.mark.spec(355)
def test_a_recording_is_read_again(path):
    _session(_recorder(path))
    recording, (session,) = r.read_bytes(path.read_bytes())
    assert recording.notes == []
    assert [event.name for event in session.events] == [
        "CM_SLAC_PARM.REQ",
        "CM_SLAC_MATCH.CNF",
        "CM_SET_KEY.REQ",
        "SECCDiscoveryReq",
        "SYN",
        "SYN ACK",
        "ACK",
        "supportedAppProtocolReq",
        "supportedAppProtocolRes",
        "SessionSetupReq",
        "SessionSetupRes",
        "CableCheckReq",
        "CableCheckRes",
        "PreChargeReq",
        "PreChargeRes",
        "SessionStopReq",
        "SessionStopRes",
        "FIN",
        "FIN",
    ]
    assert session.session_id == r.SESSION_ID
    assert session.first("PreChargeRes").values["EVSEPresentVoltage"] == 380
    times = [event.time or 0 for event in session.events]
    assert times == sorted(times)
    assert {time % (5 * r.MS) for time in times} == {0}


@pytest.mark.spec(340)
def test_no_secret_is_in_the_file(path):
    _session(_recorder(path))
    content = path.read_bytes()
    for secret in (NMK, EVCCID):
        assert secret not in content
        assert secret.hex().upper().encode() not in content.upper()
        assert redact.redacted(secret).encode() in content
    comments = _comments(content)
    shown = f"RunID 0000000000000000, NID 01020304050607, NMK {redact.redacted(NMK)}"
    assert comments[1] == f"CM_SLAC_MATCH.CNF {shown}"
    assert comments[7] == "supportedAppProtocolReq protocols urn:din:70121:2012:MsgDef 2.0"
    assert comments[9] == f"SessionSetupReq EVCCID {redact.redacted(EVCCID)}"
    recorded = r.read_bytes(content)[0]
    event = next(event for event in recorded.events if event.name == "SessionSetupReq")
    assert event.values["EVCCID"] == redact.stand_in(EVCCID)


def test_secrets_are_recorded_if_that_is_asked_for(path):
    _session(_recorder(path, secrets=True))
    recording, _ = r.read_bytes(path.read_bytes())
    values = {name: value for event in recording.events for name, value in event.values.items()}
    assert (values["NMK"], values["EVCCID"]) == (NMK, EVCCID)


@pytest.mark.spec(340)
def test_a_contract_is_not_in_the_file(path):
    certificate = bytes(range(200))
    chain = iso2.CertificateChainType(Id="id1", Certificate=certificate)
    details = iso2.PaymentDetailsReqType(eMAID=EMAID, ContractSignatureCertChain=chain)
    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=r.SESSION_ID), Body=iso2.BodyType(BodyElement=details)
    )
    recorder = _recorder(path)
    number = recorder.opened(r.CAR, r.STATION, encrypted=True)
    _handshake(recorder, number, "urn:iso:15118:2:2013:MsgDef")
    payload = v2gexi.encode(message)
    recorder.message(number, True, v2gtp.pack(payload))
    recorder.closed(number, False)
    content = path.read_bytes()
    assert certificate[50:150] not in content
    _, (session,) = r.read_bytes(content)
    (event,) = [event for event in session.events if event.name == "PaymentDetailsReq"]
    assert event.values["eMAID"] == redact.stand_in(EMAID)
    assert r.texts(session, "undecodable") == []
    assert _comments(content)[5] == f"PaymentDetailsReq eMAID {redact.redacted(EMAID)}"
    assert _comments(content)[0].startswith("connection inside TLS")


def test_what_cannot_be_decoded_is_left_out(path):
    recorder = _recorder(path)
    number = recorder.opened(r.CAR, r.STATION)
    for bad in (
        v2gtp.pack(b"\xde\xad\xbe\xef"),
        b"\xde\xad\xbe\xef",
        v2gtp.pack(b"\xde\xad\xbe\xef" * 9)[:20],
    ):
        recorder.message(number, True, bad)
    content = path.read_bytes()
    assert b"\xde\xad\xbe\xef" not in content
    assert [comment.partition(":")[0] for comment in _comments(content)[3:]] == [
        "undecodable",
        "no V2GTP frame",
        "no whole V2GTP frame",
    ]


@pytest.mark.parametrize("name", [r.IONIQ, r.POLESTAR, r.COMPLEO])
def test_frames_that_an_observer_hears(name, path):
    """Every packet of a real capture through the recorder: the same sessions, without key and EVCCID."""
    original, before = r.read(name)
    recorder = _recorder(path)
    for packet in pcap.read(r.data(name)):
        recorder.frame(packet.data)
    recorded, after = r.read_bytes(path.read_bytes())
    assert recorded.packets == original.packets
    assert [e.name for s in after for e in s.messages] == [e.name for s in before for e in s.messages]
    keys: set[Any] = {
        e.values["NMK"] for e in original.events if e.name in ("CM_SLAC_MATCH.CNF", "CM_SET_KEY.REQ")
    }
    identity: Any = next(e.values["EVCCID"] for e in original.events if e.name == "SessionSetupReq")
    frames = [p.data for p in pcap.read(path.read_bytes()) if p.data[12:14] == b"\x88\xe1"]
    assert not any(key in frame for key in keys for frame in frames)
    setup = next(e for e in recorded.events if e.name == "SessionSetupReq")
    assert setup.values["EVCCID"] == (redact.stand_in(identity) if identity else identity)


def test_parts_of_messages_and_tls_on_the_line(path):
    recorder = _recorder(path)
    conversation = envelope.Conversation(r.CAR, r.STATION)
    frame = _frame(din.SessionSetupReqType(EVCCID=EVCCID), bytes(8))
    parts = [packet for part in (frame[:15], frame[15:]) for packet in conversation.data(True, part)]
    hello = envelope.Conversation(r.CAR, envelope.End(b"\x0c" * 6, v2g_endpoint("fe80::9", 62000)))
    secret = [next(hello.data(True, part)) for part in (b"\x16\x03\x01\0\5\1\0\0\1\1", b"ciphertext")]
    for packet in (*parts, *secret):
        recorder.frame(packet)
    found = [packet.data for packet in pcap.read(path.read_bytes())]
    assert [len(packet) for packet in found] == [len(packet) for packet in (*parts, *secret)]
    assert found[0][74:] == bytes(15)
    assert found[1][74:] == bytes(len(frame) - 15)
    assert found[2:] == secret


@pytest.mark.parametrize("kind", ["match", "set", "get"])
def test_frames_lose_the_key_and_nothing_else(kind):
    frame = {
        "match": _match(),
        "set": slac.SetKeyReq.of(NID, NMK).frame(b"\xff" * 6, b"\x0a" * 6),
        "get": slac.GetKeyCnf(0, 1, 0, 0, NID, 1, 4, 0, 0, NMK).frame(b"\x0a" * 6, b"\x0b" * 6),
    }[kind]
    assert NMK in frame
    cleaned = without_key(frame)
    assert len(cleaned) == len(frame)
    assert cleaned == frame.replace(NMK, bytes(16))


def _module_frames() -> dict[str, bytes]:
    """Frames to and from a modem whose vendor's messages hold the key, alone or in its parameters (PIB)."""
    from v2g.homeplug import frame, qualcomm

    there, here = b"\x0a" * 6, b"\x0b" * 6
    pib = bytes(100) + NMK + bytes(50)

    def vendor(mmtype: int, payload: bytes, oui: bytes = frame.QUALCOMM_OUI) -> bytes:
        return frame.Frame(there, here, mmtype, payload, 0, oui).pack()

    match = _match()
    fragment = bytearray(slac.SetKeyReq.of(NID, NMK).frame(there, here))
    fragment[17] = 1
    version = bytearray(match)
    version[14] = 7
    confirmation = slac.SlacMatchCnf.parse(frame.Frame.parse(match).payload).pack()
    return {
        "VS_SET_KEY.REQ": qualcomm.VsSetKeyReq(1, NMK, dak=NMK[::-1]).frame(there, here),
        "VS_MODULE_OPERATION.CNF": vendor(0xA0B1, pib),
        "VS_MODULE_OPERATION.REQ": vendor(0xA0B0, pib),
        "VS_RD_MOD.CNF": vendor(0xA025, pib),
        "VS_WR_MOD.REQ": vendor(0xA020, pib),
        "VS_SET_PROPERTY.REQ": vendor(0xA100, pib),
        "unknown vendor": vendor(0xA0B0, pib, b"\1\2\3"),
        "unknown type": vendor(0xAC80, pib, frame.LUMISSIL_OUI),
        "fragment": bytes(fragment),
        "header version": bytes(version),
        "short": frame.Frame(there, here, 0x607D, confirmation[:-1]).pack(),
        "behind": frame.Frame(there, here, 0x607D, bytes(1) + confirmation).pack(),
        "VLAN": match[:12] + b"\x81\x00\x00\x05" + match[12:],
    }


@pytest.mark.parametrize("kind", sorted(_module_frames()))
def test_no_key_in_frames_that_cannot_be_read_or_are_a_vendors(kind, path):
    frame = _module_frames()[kind]
    assert NMK[:-1] in frame
    cleaned = without_key(frame)
    assert len(cleaned) == len(frame)
    assert cleaned[:14] == frame[:14]
    for at in range(len(NMK) - 3):
        assert NMK[at : at + 4] not in cleaned
        assert NMK[::-1][at : at + 4] not in cleaned
    _recorder(path).frame(frame)
    content = path.read_bytes()
    assert NMK[:4] not in content
    assert NMK.hex() not in content.decode("latin-1").lower()


def test_frames_without_keys_stay_as_they_are():
    from v2g.homeplug import frame

    question = slac.SlacParmReq(0, 0, bytes(range(8))).frame(b"\xff" * 6, b"\x0a" * 6)
    version = frame.Frame(b"\x0a" * 6, b"\x0b" * 6, 0xA001, b"\0\x20\4text", 0, frame.QUALCOMM_OUI).pack()
    for each in (question, version, b"\x0a" * 12 + b"\x86\xdd" + NMK):
        assert without_key(each) == each


def test_each_packet_is_on_disk_at_once(path):
    recorder = _recorder(path)
    sizes = []
    for _ in range(3):
        recorder.frame(_match())
        sizes.append(len(list(pcap.read(path.read_bytes()))))
    assert sizes == [1, 2, 3]


def test_a_file_that_exists_is_continued(path):
    for _ in range(2):
        writer = PcapngWriter(path)
        Recorder(writer, "eth1", lambda: r.START_NS).frame(_match())
        writer.close()
    recording, _ = r.read_bytes(path.read_bytes())
    assert (recording.packets, recording.problem) == (2, "")


def test_a_limit_of_size_is_kept(path):
    writer = PcapngWriter(path, most_bytes=1000)
    recorder = Recorder(writer, "eth1", lambda: r.START_NS)
    for _ in range(20):
        recorder.frame(_match())
    assert path.stat().st_size <= 1000
    assert writer.full
    packets = r.read_bytes(path.read_bytes())[0].packets
    assert 0 < packets == 20 - writer.dropped


def test_only_the_owner_may_read_it(path):
    PcapngWriter(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_long_messages_are_cut_into_segments(path):
    payload = bytes(4000)
    conversation = envelope.Conversation(r.CAR, r.STATION)
    packets = list(conversation.data(True, payload))
    assert [len(packet) - 74 for packet in packets] == [1440, 1440, 1120]
    for packet in packets:
        pseudo = packet[22:54] + struct.pack(">II", len(packet) - 54, 6)
        assert envelope.checksum(pseudo + packet[54:]) == 0


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_wireshark_reads_it(path):
    _session(_recorder(path))
    command = ["tshark", "-r", str(path), "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    fields = ["tcp.checksum.status", "udp.checksum.status", "frame.comment", "frame.interface_name"]
    command += ["-T", "fields", *(part for field in fields for part in ("-e", field))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(_comments(path.read_bytes()))
    assert {row[0] for row in rows} == {"", "1"}
    assert {row[1] for row in rows} == {"", "1"}
    assert [row[2] for row in rows] == _comments(path.read_bytes())
    assert {row[3] for row in rows} == {"eth1"}
    bad = subprocess.run(
        ["tshark", "-r", str(path), "-Y", "tcp.analysis.flags || _ws.malformed"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert bad.stdout == ""


def test_who_sends_what_of_a_connections_ends():
    conversation = envelope.Conversation(r.CAR, r.STATION)
    begin, end = list(conversation.open()), list(conversation.close(False))
    assert [from_car for from_car, _ in begin + end] == [True, False, True, False, True, False]
    for from_car, packet in begin + end:
        assert packet[6:12] == (r.CAR if from_car else r.STATION).hardware
        assert packet[:6] == (r.STATION if from_car else r.CAR).hardware
    sequences = [struct.unpack_from(">IIxB", packet, 58) for _, packet in begin + end]
    assert sequences == [(0, 0, 2), (0, 1, 18), (1, 1, 16), (1, 1, 17), (1, 2, 17), (2, 2, 16)]
