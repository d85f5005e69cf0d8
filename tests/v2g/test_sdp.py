"""SECC discovery: what is answered, what is ignored, how often a car asks."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g.common.effects import Checkpoint, Log
from v2g.sdp import (
    ANSWERS,
    SdpFailed,
    SdpFound,
    SdpRequester,
    SdpResponder,
    SdpResponse,
    Security,
    SendSdp,
    TlsPolicy,
    pack_response,
    parse_request,
    parse_response,
)
from v2gexi import capture, v2gtp

STATION = "fe80::201:87ff:fe12:34"
PLACE = "fe80000000000000020187fffe120034"
ASK_TLS = bytes.fromhex("01fe9000000000020000")
ASK_PLAIN = bytes.fromhex("01fe9000000000021000")
CAPTURES = Path(__file__).parents[1] / "v2gexi" / "data"


def sent(effects: list) -> list[bytes]:
    return [each.frame for each in effects if isinstance(each, SendSdp)]


def numbers(effects: list) -> list[int]:
    return [each.number for each in effects if isinstance(each, Checkpoint)]


def logs(effects: list) -> list[str]:
    return [each.text for each in effects if isinstance(each, Log)]


@pytest.mark.spec(149)
@pytest.mark.parametrize(
    ("policy", "request_", "security", "log"),
    [
        ("prohibit", ASK_TLS, "10", "SDP requested TLS, announcing NO-TLS"),
        ("prohibit", ASK_PLAIN, "10", "SDP requested NO-TLS, announcing NO-TLS"),
        ("allow", ASK_TLS, "00", "SDP requested TLS, announcing TLS"),
        ("allow", ASK_PLAIN, "10", "SDP requested NO-TLS, announcing NO-TLS"),
        ("force", ASK_TLS, "00", "SDP requested TLS, announcing TLS"),
        ("force", ASK_PLAIN, "00", "SDP requested NO-TLS, announcing TLS"),
    ],
)
def test_every_policy_with_every_request(policy: str, request_: bytes, security: str, log: str) -> None:
    effects = SdpResponder(STATION, 61341, TlsPolicy(policy)).received(request_, "[fe80::2]:5000")
    assert sent(effects) == [bytes.fromhex(f"01fe900100000014{PLACE}ef9d{security}00")]
    assert logs(effects) == [log]
    assert numbers(effects) == [201, 202]


def test_the_table_is_whole() -> None:
    assert set(ANSWERS) == {(policy, security) for policy in TlsPolicy for security in Security}


@pytest.mark.spec(149, 328)
def test_without_a_policy_tls_is_prohibited() -> None:
    responder = SdpResponder(STATION + "%eth1", 61341)
    for _ in range(3):  # a car that has missed the answer asks again
        effects = responder.received(ASK_PLAIN)
        assert sent(effects) == [bytes.fromhex(f"01fe900100000014{PLACE}ef9d1000")]
        assert "SDP requested NO-TLS, announcing NO-TLS" in logs(effects)
    assert parse_response(sent(responder.received(ASK_TLS))[0]).security is Security.NONE


def test_tls_may_have_a_port_of_its_own() -> None:
    responder = SdpResponder(STATION, 50000, TlsPolicy.ALLOW, tls_port=50001)
    plain, tls = (parse_response(sent(responder.received(each))[0]) for each in (ASK_PLAIN, ASK_TLS))
    assert (plain.port, plain.security) == (50000, Security.NONE)
    assert (tls.port, tls.security) == (50001, Security.TLS)
    with pytest.raises(ValueError, match="port 0 is not between"):
        SdpResponder(STATION, 50000, TlsPolicy.ALLOW, tls_port=0)


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        ("", "0 bytes are less than a V2GTP header"),
        ("01fe90000000", "6 bytes are less than a V2GTP header"),
        ("02fd9000000000021000", "02fd begins no V2GTP frame"),
        ("01ff9000000000021000", "01ff begins no V2GTP frame"),
        ("01fe9001000000021000", "payload type 0x9001 is not 0x9000"),
        ("01fe8001000000021000", "payload type 0x8001 is not 0x9000"),
        ("01fe9002000000021000", "payload type 0x9002 is not 0x9000"),
        ("01fe90000000000110", "a payload of 1 bytes is not 2 bytes long"),
        ("01fe900000000003100000", "a payload of 3 bytes is not 2 bytes long"),
        ("01fe9000ffffffff1000", "a payload of 4294967295 bytes is above"),
        ("01fe90000000000210", "9 bytes are not 10"),
        ("01fe900000000002100000", "11 bytes are not 10"),
        ("01fe9000000000020100", "security 0x01 is neither 0x00 (TLS) nor 0x10 (none)"),
        ("01fe900000000002ff00", "security 0xff is neither"),
        ("01fe9000000000021010", "transport protocol 0x10 is not 0x00 (TCP)"),
        ("01fe9000000000020001", "transport protocol 0x01 is not 0x00 (TCP)"),
    ],
)
def test_what_is_no_request_is_ignored_with_a_reason(datagram: str, why: str) -> None:
    data = bytes.fromhex(datagram)
    effects = SdpResponder(STATION, 49152).received(data, "[fe80::2]:5000")
    assert len(effects) == 1
    line = logs(effects)[0]
    assert line.startswith(f"SDP: ignoring {len(data)} bytes from [fe80::2]:5000: ")
    assert why in line


@given(st.binary(max_size=64))
def test_noise_is_never_answered(data: bytes) -> None:
    effects = SdpResponder(STATION, 49152, TlsPolicy.FORCE).received(data)
    assert not sent(effects) or data in (ASK_TLS, ASK_PLAIN)


@given(
    st.sampled_from((ASK_TLS, ASK_PLAIN)),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 255)), max_size=3),
    st.binary(max_size=4),
)
def test_damaged_requests(request_: bytes, changes: list[tuple[int, int]], more: bytes) -> None:
    damaged = bytearray(request_)
    for at, value in changes:
        damaged[at] = value
    data = bytes(damaged) + more
    answers = sent(SdpResponder(STATION, 49152).received(data))
    assert bool(answers) == (data in (ASK_TLS, ASK_PLAIN))


@given(
    st.ip_addresses(v=6).filter(lambda each: not (each.is_unspecified or each.is_multicast)),
    st.integers(1, 65535),
    st.sampled_from(Security),
)
def test_answers_are_read_as_they_are_written(
    address: ipaddress.IPv6Address, port: int, security: Security
) -> None:
    response = SdpResponse(address, port, security)
    frame = pack_response(response)
    assert parse_response(frame) == response
    said = v2gtp.sdp(next(iter(v2gtp.split(frame))))["SECCDiscoveryRes"]
    assert (said["Address"], said["Port"]) == (str(address), port)


@pytest.mark.parametrize(
    ("address", "port", "why"),
    [
        ("::", 50000, "no station's"),
        ("ff02::1", 50000, "no station's"),
        (STATION, 0, "port 0 is not between"),
        (STATION, 65536, "port 65536 is not between"),
        ("192.0.2.1", 50000, "192.0.2.1"),
    ],
)
def test_a_station_needs_an_address_and_a_port(address: str, port: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        SdpResponder(address, port)


def answer(**changes: str) -> bytes:
    parts = {"head": "01fe900100000014", "address": PLACE, "port": "ef9d", "protocols": "1000"} | changes
    return bytes.fromhex("".join(parts.values()))


@pytest.mark.spec(348)
def test_the_car_takes_address_and_port_from_the_answer() -> None:
    car = SdpRequester(Security.NONE)
    first = car.start(1000)
    assert sent(first) == [ASK_PLAIN]
    assert numbers(first) == [200]
    found = car.received(answer(port="ef9d"), "[fe80::1]:15118")
    assert numbers(found) == [203, 210]
    assert found[-1] == SdpFound(SdpResponse(ipaddress.IPv6Address(STATION), 61341, Security.NONE))
    assert car.deadline() is None
    assert car.tick(99999) == []
    assert car.received(answer()) == []


def test_fifty_requests_a_quarter_second_apart() -> None:
    car = SdpRequester(Security.TLS)
    effects = car.start(0)
    times = [0]
    requests = sent(effects)
    while not isinstance(effects[-1], SdpFailed):
        due = car.deadline()
        assert due is not None
        assert car.tick(due - 1) == []
        effects = car.tick(due)
        if sent(effects):
            times.append(due)
            requests += sent(effects)
    assert times == [250 * number for number in range(50)]
    assert requests == [ASK_TLS] * 50
    assert effects == [SdpFailed("no station after 50 SDP requests: no answer")]
    assert car.deadline() is None
    assert sent(car.start(20000)) == [ASK_TLS]


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (answer(port="0000"), "port 0 is no port"),
        (answer(address="00" * 16), "address :: is no station's"),
        (answer(address="ff02" + "00" * 13 + "01"), "address ff02::1 is no station's"),
        (answer(address="20010db8" + "00" * 11 + "01"), "address 2001:db8::1 is not link-local"),
        (answer(protocols="0000"), "TLS announced, NO-TLS requested"),
        (answer(protocols="1100"), "security 0x11"),
        (answer(protocols="1010"), "transport protocol 0x10"),
        (answer(head="01fe900000000014"), "payload type 0x9000 is not 0x9001"),
        (answer(head="01fe900100000013"), "a payload of 19 bytes is not 20 bytes long"),
        (answer()[:-1], "27 bytes are not 28"),
        (answer() + b"\0", "29 bytes are not 28"),
    ],
)
def test_answers_that_cannot_be_used_are_ignored(datagram: bytes, why: str) -> None:
    car = SdpRequester(Security.NONE, most_requests=1)
    car.start(0)
    effects = car.received(datagram, "[fe80::1]:15118")
    assert len(effects) == 1
    assert "answer from [fe80::1]:15118 not used: " in logs(effects)[0]
    assert why in logs(effects)[0]
    # The right station may still answer; if none does, the reason says what came.
    assert isinstance(car.received(answer())[-1], SdpFound)
    car.start(1000)
    car.received(datagram)
    failed = car.tick(1250)[-1]
    assert isinstance(failed, SdpFailed)
    assert why in failed.reason


def test_a_car_may_go_on_without_tls() -> None:
    strict, lenient = SdpRequester(Security.TLS), SdpRequester(Security.TLS, accepted=frozenset(Security))
    strict.start(0)
    lenient.start(0)
    assert "NO-TLS announced, TLS requested" in logs(strict.received(answer()))[0]
    assert lenient.received(answer())[-1] == SdpFound(
        SdpResponse(ipaddress.IPv6Address(STATION), 61341, Security.NONE)
    )


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0, 20000), max_size=30))
def test_noise_does_not_stop_a_car(noise: list[bytes], times: list[int]) -> None:
    car = SdpRequester(Security.NONE)
    car.start(0)
    for now, data in zip(sorted(times), noise, strict=False):
        car.tick(now)
        effects = car.received(data)
        assert not any(isinstance(each, SdpFound) for each in effects)
    effects = car.tick(0)
    while (due := car.deadline()) is not None:
        effects = car.tick(due)
    assert isinstance(effects[-1], SdpFailed)


def test_a_real_car_is_understood() -> None:
    """An Alpitronic charger's car in the capture asks for no TLS."""
    read = capture.read((CAPTURES / "2022-11-17_Dehner_Alpitronic_until_SdpRequest.pcapng").read_bytes())
    requests = [each for each in read.frames if each.payload_type == v2gtp.PayloadType.SDP_REQUEST]
    assert requests
    for each in requests:
        frame = v2gtp.pack(each.payload, each.payload_type)
        assert parse_request(frame) is Security.NONE
        assert sent(SdpResponder(STATION, 50000).received(frame))
