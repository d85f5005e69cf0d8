"""The control socket of a simulated board: requests and events as JSON, one object a line.

A request has one of the keys below; its answer is ``{"ok": true, "result": ...}`` or
``{"ok": false, "error": "..."}``, in the order of the requests. A subscriber gets ``{"event": {...}}`` too.

========================================  =============================================================
``{"do": NAME, "with": {...}}``           an action (see ``{"list": "actions"}``)
``{"fault": NAME}``                       inject a fault (see ``{"list": "faults"}``)
``{"clear": NAME}``                       remove a fault; ``null`` removes all
``{"get": "state"}``                      the state report (or options, events, now, requests)
``{"gpio": N}``                           level of a line, with its direction
``{"advance": MS}``                       let virtual time pass
``{"reset": {...}}``                      a new board with these options
``{"subscribe": true}``                   stream events
``{"list": "actions"}``                   names with meaning; also ``faults``
``{"quit": true}``                        end the board
========================================  =============================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections.abc import Callable
from typing import Any, Final

from chargectl.sim.actions import ACTIONS, perform
from chargectl.sim.faults import FAULTS
from chargectl.sim.host import Host
from chargectl.sim.lines import LINE_COUNT
from chargectl.sim.options import finite
from chargectl.sim.report import report
from chargectl.sim.world import Event

LINE_MAX: Final = 64 * 1024
"""No request is near this; whoever sends more is not talking this protocol."""
BACKLOG_MAX: Final = 4 * 1024 * 1024
"""A subscriber that does not read is dropped when this much waits for it."""


class Connection:
    """One client: bytes in, lines out."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.subscribed = False
        self.received = b""
        self.pending = b""


class ControlServer:
    """Listens on a Unix socket and serves from the selector's loop."""

    def __init__(
        self, path: str, host: Host, selector: selectors.BaseSelector, quit_: Callable[[], None]
    ) -> None:
        self._path = path
        self._host = host
        self._selector = selector
        self._quit = quit_
        self._connections: list[Connection] = []
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)
        host.on_event = self._publish

    def close(self) -> None:
        """End all connections and remove the socket."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _accept(self) -> None:
        link, _ = self._listener.accept()
        link.setblocking(False)
        connection = Connection(link)
        self._connections.append(connection)
        self._selector.register(link, selectors.EVENT_READ, lambda: self._serve(connection))

    def _serve(self, connection: Connection) -> None:
        if connection not in self._connections:
            return  # dropped earlier in the same turn of the loop
        if connection.pending:
            self._flush(connection)
        try:
            data = connection.link.recv(LINE_MAX)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._drop(connection)
            return
        *lines, connection.received = (connection.received + data).split(b"\n")
        if len(connection.received) > LINE_MAX:
            self._drop(connection)
            return
        for line in lines:
            if line.strip():
                self._send(connection, self._answer(connection, line))

    def _answer(self, connection: Connection, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError(f"request {request!r}: a JSON object is allowed")
            self._host.catch_up()
            return {"ok": True, "result": self._obey(connection, request)}
        except (ValueError, TypeError, RecursionError) as error:
            return {"ok": False, "error": str(error)}

    def _obey(self, connection: Connection, request: dict[str, Any]) -> Any:
        world = self._host.world
        match request:
            case {"do": str(name)}:
                perform(world, name, request.get("with"))
            case {"fault": str(name)}:
                world.faults.add(name)
                world.settle()
            case {"clear": str() | None as name}:
                world.faults.remove(name)
                world.settle()
            case {"get": str(what)}:
                return self._get(what)
            case {"gpio": int(number)} if 0 <= number < LINE_COUNT:
                return {"level": world.gpio(number), "output": world.pins[number].output}
            case {"advance": float() | int() as milliseconds}:
                self._host.advance(finite("advance", milliseconds))
                return world.now_us / 1000
            case {"reset": dict(options)}:
                self._host.reset(options)
            case {"subscribe": bool(wanted)}:
                connection.subscribed = wanted
            case {"list": "actions"}:
                return {
                    action.name: {"meaning": action.meaning, "arguments": action.arguments}
                    for action in ACTIONS.values()
                }
            case {"list": "faults"}:
                return FAULTS
            case {"quit": True}:
                self._quit()
            case _:
                raise ValueError(f"request {request!r}: not understood")
        return None

    def _get(self, what: str) -> Any:
        world = self._host.world
        match what:
            case "state":
                return report(world)
            case "options":
                return world.options.to_json()
            case "events":
                return [as_json(event) for event in world.events]
            case "now":
                return world.now_us / 1000
            case "requests":
                return self._host.files.requests
        raise ValueError(f"get {what!r}: one of state, options, events, now, requests is allowed")

    def _publish(self, event: Event) -> None:
        for connection in [each for each in self._connections if each.subscribed]:
            self._send(connection, {"event": as_json(event)})

    def _send(self, connection: Connection, message: dict[str, Any]) -> None:
        connection.pending += json.dumps(message).encode() + b"\n"
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        try:
            sent = connection.link.send(connection.pending)
            connection.pending = connection.pending[sent:]
        except BlockingIOError:
            pass
        except ConnectionError:
            self._drop(connection)
            return
        if len(connection.pending) > BACKLOG_MAX:
            self._drop(connection)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.pending else 0)
        self._selector.modify(connection.link, wanted, lambda: self._serve(connection))

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.link)
            connection.link.close()


def as_json(event: Event) -> dict[str, Any]:
    """An event as it goes over the socket."""
    return {"at_ms": event.at_us / 1000, "name": event.name, "value": event.value}
