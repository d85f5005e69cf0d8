"""Discovery on real interfaces: a station and a car at the two ends of a cable."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from tests.v2g.net.cable import End, cable, missing
from v2g.net.interfaces import NetworkError
from v2g.net.sdp import discover, serve
from v2g.sdp import SdpRequester, SdpResponder, Security, TlsPolicy

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

STATION = """
import asyncio, sys
from v2g.net.interfaces import usable_link_local
from v2g.net.sdp import serve
from v2g.sdp import SdpResponder, TlsPolicy
async def main():
    interface, port, policy = sys.argv[1:]
    responder = SdpResponder(usable_link_local(interface).address, int(port), TlsPolicy(policy))
    server = await serve(interface, responder, print)
    print("ready")
    await asyncio.to_thread(sys.stdin.read)
    server.close()
asyncio.run(main())
"""
CAR = """
import asyncio, json, sys
from v2g.common.effects import Checkpoint
from v2g.net.interfaces import NetworkError
from v2g.net.sdp import discover
from v2g.sdp import SdpRequester, Security
async def main():
    interface, security, timeout, most = sys.argv[1:]
    numbers = []
    def watch(effect):
        if isinstance(effect, Checkpoint):
            numbers.append(effect.number)
    requester = SdpRequester(Security[security], timeout_ms=int(timeout), most_requests=int(most))
    try:
        found = await discover(interface, requester, watch)
    except NetworkError as error:
        print(json.dumps({"error": str(error), "numbers": numbers}))
    else:
        print(json.dumps({"address": str(found.address), "port": found.port, "numbers": numbers}))
asyncio.run(main())
"""


def station(end: End, port: int, policy: str) -> Any:
    process = end.python(STATION, end.interface, str(port), policy)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def car(end: End, security: str, timeout_ms: int = 250, most: int = 50) -> dict[str, Any]:
    out, err = end.python(CAR, end.interface, security, str(timeout_ms), str(most)).communicate()
    assert out, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.spec(328, 348)
def test_a_car_finds_a_station_over_a_cable() -> None:
    with cable() as (evse, ev):
        serving = station(evse, 61341, "prohibit")
        found = car(ev, "NONE")
        again = car(ev, "NONE")
        refused = car(ev, "TLS", 50, 3)
        out, err = serving.communicate()
        # The port is the answer's and not 15118, the address the station's on that link.
        assert found == {"address": evse.address(), "port": 61341, "numbers": [200, 203, 210]}
        assert again == found
        assert "no station after 3 SDP requests: answer from [fe80::" in refused["error"]
        assert "NO-TLS announced, TLS requested" in refused["error"]
        assert refused["numbers"] == [200, 200, 200]
    assert err == ""
    assert out.count("SDP requested NO-TLS, announcing NO-TLS") == 2
    assert out.count("SDP requested TLS, announcing NO-TLS") == 3


def test_nobody_answers() -> None:
    with cable() as (_, ev):
        assert car(ev, "NONE", 20, 4) == {
            "error": "no station after 4 SDP requests: no answer",
            "numbers": [200] * 4,
        }
        # A cable that is not plugged in: requests cannot even be sent.
        ev.run("ip", "link", "set", ev.interface, "down")
        assert car(ev, "NONE", 20, 3)["error"] == "no station after 3 SDP requests: no answer"


def test_a_station_answers_on_its_own_cable_alone() -> None:
    with cable() as (first, one), cable() as (second, two):
        # Both stations' interfaces in one namespace, as with two outlets of one charger.
        second.run("ip", "link", "set", "evse", "name", "evse2")
        second.run("ip", "link", "set", "evse2", "netns", str(first.pid))
        moved = End(first.pid, "evse2")
        moved.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/evse2/accept_dad")
        moved.run("ip", "link", "set", "evse2", "up")
        moved.address()
        serving = [station(first, 50001, "prohibit"), station(moved, 50002, "allow")]
        assert car(one, "NONE")["port"] == 50001
        assert car(two, "TLS")["port"] == 50002
        outs = [each.communicate()[0] for each in serving]
        assert [out.count("SDP requested") for out in outs] == [1, 1]


def test_noise_from_the_cable() -> None:
    noise = """
import socket, sys
where = ("ff02::1", 15118, 0, socket.if_nametoindex(sys.argv[1]))
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    for data in ("", "78", "00" * 1000, "01fe9000ffffffff", "01fe9000000000024200"):
        s.sendto(bytes.fromhex(data), where)
"""
    with cable() as (evse, ev):
        serving = station(evse, 50000, "prohibit")
        assert ev.python(noise, ev.interface).communicate()[1] == ""
        assert car(ev, "NONE")["port"] == 50000
        out, err = serving.communicate()
    assert err == ""
    assert out.count("SDP: ignoring ") == 5
    assert "security 0x42 is neither" in out


def test_what_an_interface_lacks() -> None:
    responder = SdpResponder("fe80::1", 50000, TlsPolicy.ALLOW)

    async def main() -> None:
        with pytest.raises(NetworkError, match=r"^none0: no such interface; there are .*lo"):
            await serve("none0", responder, print)
        with pytest.raises(NetworkError, match=r"^none0: no such interface; there are .*lo"):
            await discover("none0", SdpRequester(Security.NONE), print)
        taken = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with taken:
            taken.bind(("::", 0))
            port = taken.getsockname()[1]
            with pytest.raises(NetworkError, match=f"^SDP on lo, port {port}: Address already in use$"):
                await serve("lo", responder, print, port=port)
        # Nor a second station on the same interface, which would take the first one's requests.
        first = await serve("lo", responder, print, port=0)
        with pytest.raises(NetworkError, match=f"^SDP on lo, port {first.port}: Address already in use$"):
            await serve("lo", responder, print, port=first.port)
        first.close()

    asyncio.run(main())
