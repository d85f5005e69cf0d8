"""Lends RAUC a URL without credentials for a bundle that needs them.

RAUC writes URLs into its log, and casync gets the one of its chunks on its command line. So RAUC is given an
address on this machine; requests for the bundle, and for the chunks beside it, are passed on to the real
server with the credentials. The address holds a random word and is gone when the installation has ended.
"""

from __future__ import annotations

import base64
import secrets
import threading
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import IO, Any, Final, Self
from urllib.parse import urljoin, urlsplit

TIMEOUT_S: Final = 60.0
"""A server that says nothing for this long is gone; RAUC then tries again or fails."""
_PIECE: Final = 64 * 1024
_ASKED: Final = ("Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept")
_ANSWERED: Final = ("Content-Type", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified")


class Relay:
    """Serves ``url``, and what lies beside it, while the context lasts; ``local_url`` is to be used instead.

    ``url`` is http or https and holds no credentials. Raises OSError when no local port is to be had.
    """

    def __init__(self, url: str, credentials: tuple[str, str]) -> None:
        parts = urlsplit(url)
        self._folder = urljoin(parts._replace(query="", fragment="").geturl(), ".")
        self._file = parts.path.rpartition("/")[2]
        self._query = parts.query
        self._home = _origin(url)
        self._authorization = "Basic " + base64.b64encode(":".join(credentials).encode("utf-8")).decode(
            "ascii"
        )
        self._word = secrets.token_urlsafe(24)
        self._opener = urllib.request.build_opener(_Redirections(self))

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="relay", daemon=True)
        self._thread.start()
        self.local_url = f"http://127.0.0.1:{self._server.server_address[1]}/{self._word}/{self._file}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def open(self, method: str, path: str, headers: dict[str, str]) -> HTTPResponse | None:
        """Pass a request on; None when the path is none of ours. Raises OSError, HTTPException."""
        start, _, rest = path.lstrip("/").partition("/")
        if not secrets.compare_digest(start.encode(), self._word.encode()) or ".." in rest.split("/"):
            return None
        url = self._folder + rest
        if rest == self._file and self._query:
            url += "?" + self._query
        request = urllib.request.Request(url, headers={"User-Agent": "chargectl", **headers}, method=method)
        self.authorize(request)
        try:
            found: HTTPResponse = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            return error  # type: ignore[return-value]  # it is the answer as well, with status and headers
        return found

    def authorize(self, request: urllib.request.Request) -> None:
        """Add the credentials, to requests for the server they belong to and with its scheme only."""
        if _origin(request.full_url) == self._home:
            request.add_unredirected_header("Authorization", self._authorization)


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host: the same host over http is another server, to which a password would go in clear."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class _Redirections(urllib.request.HTTPRedirectHandler):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            request.method = req.get_method()
            self._relay.authorize(request)
        return request


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """RAUC and casync close connections when they have what they want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Paths hold the random word."""

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_GET(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        relay: Relay = self.server.relay  # type: ignore[attr-defined]
        asked = {name: self.headers[name] for name in _ASKED if name in self.headers}
        try:
            answer = relay.open(self.command, self.path, asked)
        except (OSError, HTTPException, ValueError):
            self._refuse(502)
            return
        if answer is None:
            self._refuse(404)
            return
        with answer:
            self.send_response(answer.status)
            for name in _ANSWERED:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            if "Content-Length" in answer.headers:
                self.send_header("Content-Length", answer.headers["Content-Length"])
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "GET":
                self._copy(answer)

    def _copy(self, answer: HTTPResponse) -> None:
        left = int(answer.headers.get("Content-Length", 0))
        try:
            while piece := answer.read(_PIECE):
                self.wfile.write(piece)
                left -= len(piece)
        except (OSError, HTTPException):
            left = 1
        if left > 0:
            # The server broke off: so do we, that nobody takes half for the whole.
            self.close_connection = True

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
