"""Updates that a board fetches from this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.target.board import EMULATED_HOST, Board
from tests.web_server import Resource, WebServer

INSTALL_S = 300.0
"""An installation on an idle machine; the board's own limit is none."""


@dataclass(frozen=True)
class Update:
    """A bundle and what it says of itself."""

    bundle: Path
    version: str

    @classmethod
    def of(cls, bundle: Path) -> Update:
        """What the file's manifest says; whether the board trusts its signature shows there."""
        words: list[str | Path] = ["rauc", "info", "--no-verify", "--output-format=json", bundle]
        told = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        return cls(bundle, told["version"])


@contextmanager
def served(board: Board, bundle: Path) -> Iterator[tuple[str, WebServer]]:
    """That bundle by HTTP with ranges, as RAUC streams it: the address for the board, and the server."""
    # The emulated board reaches this machine's own address; a real one comes by the network.
    address = "127.0.0.1" if board.host == EMULATED_HOST else ""
    files = {bundle.name: Resource(bundle.read_bytes(), etag=f'"{bundle.name}"')}
    with WebServer(files, address=address) as server:
        yield f"http://{board.host}:{server.port}/{bundle.name}", server


def install(board: Board, bundle: Path) -> tuple[str, int]:
    """Install from the network: what RAUC said, and the bytes that were fetched."""
    with served(board, bundle) as (address, server):
        start = board.uptime()
        status, said = board.console.run(f"rauc install {address}", INSTALL_S)
        if status:
            board.console.run("dmesg | tail -n 20; journalctl -b -u rauc --no-pager | tail -n 40")
            raise AssertionError(f"rauc install: exit code {status}\n{said}")
        fetched = sum(seen.sent for seen in server.seen)
        board.note(f"installed {bundle.name} in {board.uptime() - start:.0f} s, fetched {fetched} bytes")
    return said, fetched
