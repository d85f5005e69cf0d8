"""A real, private MQTT broker for tests, and a raw client that is independent of ``chargectl.bus``."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from chargectl.sim.broker import PrivateBroker

__all__ = ["PrivateBroker", "Recorded", "Recorder", "broker", "flood", "wait_until"]


def wait_until(condition: Callable[[], bool], timeout: float = 5.0, what: str = "condition") -> None:
    """Poll until the condition holds; fails the test after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        time.sleep(0.005)


@dataclass(frozen=True)
class Recorded:
    """One message as it came over the wire. ``retain`` is the flag its publisher set."""

    path: str
    payload: bytes
    retain: bool

    @property
    def text(self) -> str:
        return self.payload.decode("utf-8", "backslashreplace")


class Recorder:
    """Subscribes to everything (or ``path_filter``), records it, and can publish arbitrary bytes.

    Ready when constructed: nothing published afterwards is missed. Subscribes again after a reconnect.
    """

    def __init__(self, port: int, path_filter: str = "#", *, retain_as_published: bool = True) -> None:
        self.messages: list[Recorded] = []
        self._changed = threading.Condition()
        self._subscriptions = 0
        self._connected = False
        self._filter = path_filter
        self._options = SubscribeOptions(qos=0, retainAsPublished=retain_as_published)
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait_subscribed(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_subscribed(self, times: int, timeout: float = 30.0) -> None:
        """Wait until it has subscribed that often in all: 2 after the first reconnect."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._subscriptions >= times, timeout):
                raise AssertionError(
                    f"recorder: {self._subscriptions} of {times} subscriptions in {timeout:g} s"
                )

    def wait_disconnected(self, timeout: float = 30.0) -> None:
        """Wait until it has noticed that the broker is gone: everything sent before is recorded by then."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._connected, timeout):
                raise AssertionError(f"recorder: still connected after {timeout:g} s")

    def wait_for(
        self, path: str, predicate: str | Callable[[str], bool] | None = None, timeout: float = 30.0
    ) -> Recorded:
        """The first recorded message at ``path`` whose payload equals or satisfies ``predicate``."""

        def find() -> Recorded | None:
            for message in self.messages:
                if message.path == path and _fits(predicate, message.text):
                    return message
            return None

        with self._changed:
            found = self._changed.wait_for(find, timeout)
            if found is None:
                seen = [f"{m.path}={m.text[:40]}" for m in self.messages[-20:]]
                raise AssertionError(f"no {path} {predicate!r} within {timeout:g} s; last seen: {seen}")
            return found

    def payloads(self, path: str) -> list[str]:
        """All payloads recorded at ``path``, in order."""
        with self._changed:
            return [message.text for message in self.messages if message.path == path]

    def clear(self) -> None:
        with self._changed:
            self.messages.clear()

    def publish(
        self, path: str, payload: str | bytes = b"", retain: bool = False, properties: Any = None
    ) -> None:
        """Publish and wait until it has left."""
        self._client.publish(path, payload, 0, retain, properties).wait_for_publish(30)

    def _on_connect(self, client: Client, _user: Any, _flags: Any, _reason: Any, _more: Any) -> None:
        client.subscribe(self._filter, options=self._options)

    def _on_subscribe(self, _client: Client, _user: Any, _number: int, _codes: Any, _more: Any) -> None:
        with self._changed:
            self._connected = True
            self._subscriptions += 1
            self._changed.notify_all()

    def _on_disconnect(self, _client: Client, _user: Any, _flags: Any, _reason: Any, _more: Any) -> None:
        with self._changed:
            self._connected = False
            self._changed.notify_all()

    def _on_message(self, _client: Client, _user: Any, message: Any) -> None:
        with self._changed:
            self.messages.append(Recorded(message.topic, bytes(message.payload), bool(message.retain)))
            self._changed.notify_all()


def flood(port: int, path: str, payloads: Iterable[str]) -> None:
    """Publish as fast as the broker takes it: over a plain socket, faster than a client library could."""
    with socket.create_connection(("127.0.0.1", port), 30) as peer:
        hello = _field(b"MQTT") + bytes([4, 2, 0, 0]) + _field(b"flood")
        peer.sendall(bytes([0x10, len(hello)]) + hello)
        assert peer.recv(4) == bytes([0x20, 2, 0, 0]), "the broker accepts"
        topic = _field(path.encode())
        batch = bytearray()
        for payload in payloads:
            body = topic + payload.encode()
            assert len(body) < 128, "short messages only"
            batch += bytes([0x30, len(body)]) + body
            if len(batch) > 60_000:
                peer.sendall(batch)
                batch.clear()
        peer.sendall(batch + bytes([0xE0, 0]))
        # Closed by the broker once it has read everything; closing first could discard what is on its way.
        while peer.recv(100):
            pass


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _fits(predicate: str | Callable[[str], bool] | None, text: str) -> bool:
    if predicate is None:
        return True
    return text == predicate if isinstance(predicate, str) else predicate(text)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    """A running broker; ``.stop()``, ``.kill()``, ``.start()`` (same port again), ``.port``."""
    with PrivateBroker(tmp_path / "broker") as running:
        yield running
