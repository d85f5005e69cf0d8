"""The relay lends a URL without credentials, and nothing but the bundle and its chunks."""

from __future__ import annotations

import http.client
import os
import urllib.request
from urllib.parse import urlsplit

import pytest

from chargectl.system.relay import Relay
from tests.web_server import Resource, WebServer

DATA = os.urandom(300_000)
ME = ("me", "p@:/ss")


def ask(
    url: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(method, parts.path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@pytest.mark.spec(256)
def test_the_bundle_and_its_chunk_store_are_passed_on_with_the_credentials() -> None:
    files = {
        "dir/u.raucb": Resource(DATA, credentials=ME),
        "dir/u.castr/12/34.cacnk": Resource(b"chunk", credentials=ME),
        "dir/none.raucb": Resource(DATA, credentials=("me", "other")),
        "secret": Resource(b"secret", credentials=ME),
    }
    with WebServer(files) as server, Relay(server.url("dir/u.raucb?token=1"), ME) as relay:
        assert relay.local_url.endswith("/u.raucb")
        assert "ss" not in urlsplit(relay.local_url).netloc
        assert ask(relay.local_url)[:2] == (200, DATA)
        assert server.seen[-1].path == "/dir/u.raucb?token=1"
        folder = relay.local_url.rpartition("/")[0]
        assert ask(f"{folder}/u.castr/12/34.cacnk")[:2] == (200, b"chunk")
        status, body, headers = ask(relay.local_url, headers={"Range": "bytes=100-199"})
        assert (status, body) == (206, DATA[100:200])
        assert headers["content-range"] == f"bytes 100-199/{len(DATA)}"
        assert headers["etag"] == files["dir/u.raucb"].shown_etag
        status, body, headers = ask(relay.local_url, "HEAD")
        assert (status, body, headers["content-length"]) == (200, b"", str(len(DATA)))
        assert ask(f"{folder}/none.raucb")[0] == 401
        assert ask(f"{folder}/gone.raucb")[0] == 404
        asked = len(server.seen)
        assert ask(f"{folder}/../secret")[0] == 404
        assert ask(folder[:-1] + "/u.raucb")[0] == 404
        assert ask(folder.rpartition("/")[0] + "/u.raucb")[0] == 404
        assert len(server.seen) == asked


def test_credentials_go_to_their_own_server_only() -> None:
    with WebServer({"u.raucb": Resource(DATA)}) as other, WebServer() as server:
        server.files["away.raucb"] = Resource(b"", credentials=ME, location=other.url("u.raucb"))
        server.files["here.raucb"] = Resource(b"", credentials=ME, location=server.url("there"))
        server.files["there"] = Resource(DATA, credentials=ME)
        with Relay(server.url("away.raucb"), ME) as relay:
            assert ask(relay.local_url)[:2] == (200, DATA)
        assert "authorization" not in other.seen[0].headers
        with Relay(server.url("here.raucb"), ME) as relay:
            assert ask(relay.local_url)[:2] == (200, DATA)


@pytest.mark.parametrize(
    ("asked", "leads_to", "kept"),
    [
        ("https://h:8443/u.raucb", "https://h:8443/there", True),
        ("https://h:8443/u.raucb", "http://h:8443/there", False),
        ("http://h/u.raucb", "https://h/there", False),
        ("https://h/u.raucb", "https://h:444/there", False),
    ],
)
def test_credentials_follow_no_redirection_to_another_scheme(asked: str, leads_to: str, kept: bool) -> None:
    """The same host without TLS would get the password in clear."""
    request = urllib.request.Request(leads_to)
    Relay(asked, ME).authorize(request)
    assert request.has_header("Authorization") is kept


def test_half_an_answer_is_not_taken_for_the_whole() -> None:
    with (
        WebServer({"u.raucb": Resource(DATA, cut_after=100_000)}) as server,
        Relay(server.url("u.raucb"), ME) as relay,
        pytest.raises(http.client.IncompleteRead),
    ):
        ask(relay.local_url)


def test_a_server_that_is_not_there_and_the_end() -> None:
    with Relay("http://127.0.0.1:1/u.raucb", ME) as relay:
        assert ask(relay.local_url)[0] == 502
        url = relay.local_url
    with pytest.raises(ConnectionError):
        ask(url)
