"""A web server for tests of downloads: ranges, validators, credentials, and links of any badness."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHUNK = 16 * 1024


@dataclass
class Resource:
    """One file and how badly it is served."""

    data: bytes
    etag: str | None = None
    """None: a strong one of the content; empty: no ETag is sent."""
    modified: str = "Mon, 01 Jun 2026 12:00:00 GMT"
    cut_after: int = 0
    """Bytes of a body after which the connection is cut; 0 never."""
    cuts: int = 10**9
    """How many connections are cut."""
    ranges: bool = True
    obeys_if_range: bool = True
    head_status: int = 200
    status: int = 0
    """Answer this to everything."""
    length: int | None = None
    """What Content-Length says; None: the truth; -1: nothing (the end of the connection is the end)."""
    gate: threading.Event | None = None
    """After the first chunk the server waits for this."""
    location: str = ""
    """A redirection to there."""
    credentials: tuple[str, str] | None = None

    @property
    def shown_etag(self) -> str:
        return f'"{hashlib.sha256(self.data).hexdigest()[:16]}"' if self.etag is None else self.etag


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def range(self) -> str:
        return self.headers.get("range", "")


@dataclass
class WebServer:
    """Serves ``files`` (path without the first slash) on a free port; remembers every request in ``seen``."""

    files: dict[str, Resource] = field(default_factory=dict)
    certificate: tuple[Path, Path] | None = None
    """Certificate and key: the server then speaks https."""
    address: str = "127.0.0.1"
    """Where it listens; empty for all of the machine's addresses."""
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for resource in self.files.values():
            if resource.gate is not None:
                resource.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str, credentials: str = "") -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{credentials + '@' if credentials else ''}127.0.0.1:{self.port}/{path}"

    def requests(self, path: str, method: str = "GET") -> list[Seen]:
        return [seen for seen in self.seen if (seen.path, seen.method) == ("/" + path, method)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: WebServer) -> None:
        self.owner = owner
        super().__init__((owner.address, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or a handshake that it breaks off, is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def _serve(self, *, body: bool) -> None:
        owner: WebServer = self.server.owner  # type: ignore[attr-defined]
        seen = Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        owner.seen.append(seen)
        resource = owner.files.get(self.path.lstrip("/").partition("?")[0])
        if resource is None:
            self._empty(404)
        elif resource.status:
            self._empty(resource.status)
        elif not body and resource.head_status != 200:
            self._empty(resource.head_status)
        elif resource.credentials is not None and not self._authorized(resource.credentials):
            self._empty(401, {"WWW-Authenticate": 'Basic realm="updates"'})
        elif resource.location:
            self._empty(302, {"Location": resource.location})
        else:
            self._send(resource, seen, body=body)

    def _authorized(self, credentials: tuple[str, str]) -> bool:
        wanted = base64.b64encode(":".join(credentials).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {wanted}"

    def _empty(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, resource: Resource, seen: Seen, *, body: bool) -> None:
        first, last, total = 0, len(resource.data) - 1, len(resource.data)
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", seen.range)
        condition = seen.headers.get("if-range")
        same = condition in (None, resource.shown_etag, resource.modified) or not resource.obeys_if_range
        partial = bool(found and resource.ranges and same)
        if partial and found:
            first, last = int(found[1]), int(found[2] or last)
            if first >= total:
                self._empty(416, {"Content-Range": f"bytes */{total}"})
                return
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        if resource.length != -1:
            self.send_header("Content-Length", str(resource.length or last - first + 1))
        if resource.shown_etag:
            self.send_header("ETag", resource.shown_etag)
        if resource.modified:
            self.send_header("Last-Modified", resource.modified)
        self.end_headers()
        if body:
            self._body(resource, seen, resource.data[first : last + 1])
        if resource.length is not None:
            self.close_connection = True

    def _body(self, resource: Resource, seen: Seen, data: bytes) -> None:
        cut = resource.cut_after if resource.cuts > 0 else 0
        if cut and len(data) > cut:
            resource.cuts -= 1
            data = data[:cut]
        else:
            cut = 0
        try:
            while seen.sent < len(data):
                seen.sent += self.connection.send(data[seen.sent : seen.sent + CHUNK])
                if resource.gate is not None:
                    resource.gate.wait(30)
        except OSError:
            self.close_connection = True
            return
        if cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
