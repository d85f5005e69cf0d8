"""A car's state of charge for another controller, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.v2g.cli.programs import program
from tests.v2g.desk.pair import charge
from tests.v2g.netns import needs_netns, plain_wire
from v2g.cli.main import main
from v2g.common.terms import LinkWish
from v2g.desk import soc_push
from v2g.desk.soc_push import SocPush
from v2g.secc.effects import EvTold, Link
from v2g.secc.facts import EvFact


@pytest.fixture
def controller():
    """A controller that remembers what it is told; its URL and that."""
    told = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append((urlsplit(self.path).path, dict(parse_qsl(self.path.partition("?")[2]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Location", "/login")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ev_state", told, answers
    server.shutdown()
    thread.join()
    server.server_close()


async def _push(url, lines, *turns):
    push = SocPush(url, lines.append)
    for effects in turns:
        for effect in effects:
            push.take(effect)
        if push._task is not None:
            await push._task
    await push.close()


def soc(value):
    return EvTold(EvFact.SOC, value)


@pytest.mark.spec(357)
def test_news_are_sent_and_only_they(controller):
    url, told, _ = controller
    lines: list[str] = []
    parameters = [
        EvTold(EvFact.EVCC_ID, "00:7D:FA:07:5E:4A"),
        soc(20),
        EvTold(EvFact.DC_FULL_SOC, 80),
        EvTold(EvFact.DC_ENERGY_CAPACITY_WH, 52_000.4),
    ]
    asyncio.run(_push(url, lines, parameters, [EvTold(EvFact.PRESENT_VOLTAGE_V, 400.0)], [soc(21)]))
    first = {
        "current_soc": "20",
        "full_soc": "80",
        "energy_capacity": "52000",
        "energy_request": "-1",
        "evccid": "007DFA075E4A",
    }
    assert told == [("/ev_state", first), ("/ev_state", first | {"current_soc": "21"})]
    assert lines == []


def test_nothing_is_sent_without_a_state_of_charge_and_the_next_car_is_another(controller):
    url, told, _ = controller
    limits = EvTold(EvFact.DC_FULL_SOC, 80)
    asyncio.run(_push(url, [], [limits], [soc(20), Link(LinkWish.TERMINATE)], [limits], [soc(30)]))
    assert [(each["current_soc"], each["full_soc"]) for _, each in told] == [("20", "80"), ("30", "80")]


def test_who_does_not_take_it_is_named_once(controller):
    url, told, answers = controller
    answers += [500, 500, 200, 500]
    lines: list[str] = []
    asyncio.run(_push(url, lines, *([soc(value)] for value in range(20, 24))))
    where = url.removeprefix("http://").partition("/")[0]
    refused = f"{where} does not take the state of charge: 500 Internal Server Error"
    assert lines == [refused, refused]
    assert len(told) == 4


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".b"])
def test_a_name_that_is_none(host):
    lines: list[str] = []
    asyncio.run(_push(f"http://{host}/", lines, [soc(20)]))
    assert lines[0].startswith(f"{host} does not take the state of charge: ")


def test_nobody_is_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        lines: list[str] = []
        asyncio.run(_push(f"http://127.0.0.1:{port}/x", lines, [soc(20)]))
    (line,) = lines
    assert line.startswith(f"127.0.0.1:{port} does not take the state of charge: ")


def test_it_goes_nowhere_else(controller, monkeypatch):
    url, told, answers = controller
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    answers.append(302)
    lines: list[str] = []
    asyncio.run(_push(url, lines, [soc(20)]))
    (line,) = lines
    assert line.endswith("does not take the state of charge: 302 Found")
    assert [path for path, _ in told] == ["/ev_state"]


@pytest.fixture
def dripping():
    """A controller that never comes to the end of its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip():
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                while not ended.wait(0.01):
                    client.sendall(b"H")

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        ended.set()
        thread.join()


def test_a_controller_that_hangs_is_given_up_and_the_session_goes_on(dripping, monkeypatch):
    monkeypatch.setattr(soc_push, "TIMEOUT_S", 0.2)
    lines: list[str] = []

    async def charge_on():
        push = SocPush(dripping, lines.append)
        push.take(soc(20))
        await asyncio.sleep(0)
        task = push._task
        assert task is not None
        goes_on = not task.done()
        await task
        return goes_on

    assert asyncio.run(charge_on())
    assert [line.rpartition(": ")[2] for line in lines] == ["no answer within 0.2 s"]


def test_nobody_waits_for_a_controller_at_the_end(dripping):
    async def end():
        push = SocPush(dripping, lambda line: None)
        push.take(soc(20))
        await asyncio.sleep(0)
        await push.close()
        return push._task.cancelled()

    assert asyncio.run(end())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "host/x",
        "file:///etc/passwd",
        "http:///x",
        "http://host:port/",
        "http://host:99999/",
        "http://[::1/",
        "http://host/a b",
        "http://höst/",
    ],
)
def test_no_url(capsys, url):
    assert main(["evse", "-i", "lo", "--no-slac", "--soc-to", url]) == 2
    assert capsys.readouterr().err == f"v2g evse: --soc-to: {url}: write http://HOST/PATH\n"


def test_a_password_is_not_written_anywhere(capsys):
    assert main(["evse", "-i", "lo", "--no-slac", "--soc-to", "http://user:word@host/x"]) == 2
    assert capsys.readouterr().err == "v2g evse: --soc-to: user and password cannot be given\n"


@pytest.mark.parametrize(
    ("url", "whole"),
    [("/x?key=1", "/x?key=1&current_soc=20"), ("/x#top", "/x?current_soc=20"), ("", "/?current_soc=20")],
)
def test_what_the_url_has_is_kept(controller, url, whole):
    base, told, _ = controller
    asyncio.run(_push(base.removesuffix("/ev_state") + url, [], [soc(20)]))
    path, parameters = told[0]
    assert path == whole.partition("?")[0]
    assert list(parameters.items())[: whole.count("=")] == [
        tuple(each.split("=")) for each in whole.partition("?")[2].split("&")
    ]


@pytest.mark.parametrize("protocol", ["din", "iso2", "iso20"])
@pytest.mark.spec(357)
def test_a_session_tells_it(controller, protocol):
    url, told, _ = controller
    outcome = charge(protocol, "dc")
    asyncio.run(_push(url, [], *([each] for each in outcome.charger_effects)))
    assert told
    assert all(int(each["current_soc"]) in range(101) for _, each in told)
    assert told[0][1]["evccid"]


@needs_netns
@pytest.mark.spec(357)
def test_a_charger_passes_it_on():
    """Python's own server knows no POST: it writes down the request, and the charger says that it failed."""
    with plain_wire() as wire:
        wire.evse.run("ip", "link", "set", "lo", "up")
        serve = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "8000"]
        command = wire.evse.command(*serve)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            try:
                assert "Serving HTTP" in server.stdout.readline()
                told = ["--soc-to", "http://127.0.0.1:8000/ev_state"]
                with program(wire.evse, "evse", "--no-slac", "--once", *told) as charger:
                    charger.wait_for("listening on")
                    wishes = ["--set", "loop_s=1", "--set", "soc_percent=37"]
                    with program(wire.ev, "pev", "--no-slac", *wishes) as car:
                        assert car.end() == (0, ""), car.text
                    assert charger.end() == (0, ""), charger.text
            finally:
                server.terminate()
            asked = server.stderr.read()
    assert re.search(r"POST /ev_state\?current_soc=37&full_soc=\S+&evccid=020000000001 ", asked)
    assert "127.0.0.1:8000 does not take the state of charge: 501 Unsupported method" in charger.text
