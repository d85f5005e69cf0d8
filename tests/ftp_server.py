"""A small FTP server for tests of downloads: log in, size, date, restart, transfers that may be cut."""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class FtpServer:
    """Serves ``files`` (path without the first slash) to one user; remembers every command in ``seen``."""

    files: dict[str, bytes] = field(default_factory=dict)
    user: str = "anonymous"
    password: str | None = None
    modified: str = "20260601120000"
    cut_after: int = 0
    cuts: int = 10**9
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str, credentials: str = "") -> str:
        return f"ftp://{credentials + '@' if credentials else ''}127.0.0.1:{self.port}/{path}"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, owner: FtpServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Session)


class _Data(socketserver.TCPServer):
    """One passive transfer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.timeout = 10


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        owner: FtpServer = self.server.owner  # type: ignore[attr-defined]
        self._data: _Data | None = None
        self._offset = 0
        self._user = ""
        self._folder: list[str] = []
        self._say("220 ready")
        try:
            for line in self.rfile:
                text = line.decode().strip()
                owner.seen.append(text)
                command, _, argument = text.partition(" ")
                if command.upper() == "QUIT":
                    self._say("221 bye")
                    return
                self._obey(owner, command.upper(), argument)
        except OSError:
            return
        finally:
            self._close_data()

    def _obey(self, owner: FtpServer, command: str, argument: str) -> None:
        path = "/".join([*self._folder, argument.lstrip("/")])
        match command:
            case "USER":
                self._user = argument
                self._say("331 password" if owner.password is not None else "230 welcome")
            case "PASS":
                good = (self._user, argument) == (owner.user, owner.password) or owner.password is None
                self._say("230 welcome" if good else "530 wrong")
            case "PWD":
                self._say('257 "/"')
            case "TYPE":
                self._say("200 as you like")
            case "CWD":
                self._folder.append(argument.strip("/"))
                self._say("250 there")
            case "SIZE" | "MDTM" | "RETR" if path not in owner.files:
                self._say("550 no such file")
            case "SIZE":
                self._say(f"213 {len(owner.files[path])}")
            case "MDTM":
                self._say(f"213 {owner.modified}")
            case "REST":
                self._offset = int(argument)
                self._say("350 from there")
            case "EPSV":
                self._close_data()
                self._data = _Data()
                self._say(f"229 Entering Extended Passive Mode (|||{self._data.server_address[1]}|)")
            case "RETR":
                self._send(owner, owner.files[path][self._offset :])
            case _:
                self._say("502 not here")

    def _send(self, owner: FtpServer, data: bytes) -> None:
        self._offset = 0
        assert self._data is not None
        self._say("150 here it comes")
        connection: Any = self._data.get_request()[0]
        cut = 0 < owner.cut_after < len(data) and owner.cuts > 0
        if cut:
            owner.cuts -= 1
            data = data[: owner.cut_after]
        with connection:
            connection.sendall(data)
        self._close_data()
        self._say("426 connection broken" if cut else "226 done")

    def _close_data(self) -> None:
        if self._data is not None:
            self._data.server_close()
            self._data = None

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
