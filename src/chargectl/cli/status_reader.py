"""Reads what the broker keeps of the port, then what changes.

The daemons' bus hides the broker's absence; somebody who asks for the status wants to be told. So this is a
plain connection, worked by the caller's own loop: no thread, and an end that is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from chargectl.bus.paths import PathError, TopicTable, full_path
from chargectl.bus.payload import PayloadError, Value, decode
from chargectl.declarations import topics
from chargectl.declarations.types import Payload, Topic

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

ANSWER_S: Final = 5.0
"""How long the broker may take to connect, and again to send what it keeps."""
KEEPALIVE_S: Final = 20

TOPICS: Final[tuple[Topic, ...]] = (
    *(topic for topic in topics.TOPICS if topic.daemon == "portd" and topic.payload is not Payload.SIGNAL),
    topics.TOPIC_CONFIGD_ONLINE,
)
"""What tells about the port."""

# A second subscription is answered after everything that the first one brought. It matches nothing.
_FENCE: Final = "chargectl/status/fence"


class BrokerError(OSError):
    """The broker is not there, refuses, or is gone; the text is one clear line."""


class Reader:
    """A connection to the broker. ``values`` holds the newest value of each topic by path.

    Usable as a context manager. Raises BrokerError when the broker cannot be read."""

    def __init__(self, host: str, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.values: dict[str, Value] = {}
        self._where = f"MQTT broker {host}:{port}"
        self._clock = clock
        self._table = TopicTable(TOPICS)
        self._changes: list[tuple[str, Value]] = []
        self._complete = False
        self._refused = ""
        self._fence = 0
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect_timeout = ANSWER_S
        try:
            self._client.connect(host, port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise BrokerError(f"{self._where} is not reachable: {reason}") from None
        self._read_kept()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()

    def changes(self) -> Iterator[tuple[str, Value]]:
        """Wait for changes for ever; yields path and value of each."""
        while True:
            self._turn(1.0)
            changes, self._changes = self._changes, []
            yield from changes

    def _read_kept(self) -> None:
        deadline = self._clock() + ANSWER_S
        while not self._complete:
            self._turn(0.1)
            if self._clock() > deadline:
                raise BrokerError(f"{self._where} accepts connections but does not answer")
        self._changes.clear()

    def _turn(self, wait_s: float) -> None:
        result = self._client.loop(wait_s)
        if self._refused:
            raise BrokerError(f"{self._where} refused the connection: {self._refused}")
        if result != MQTT_ERR_SUCCESS:
            raise BrokerError(f"{self._where}: connection lost: {error_string(result).rstrip('.').lower()}")

    def _on_connect(
        self, client: Client, _user: Any, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            return
        client.subscribe([(path, 0) for path in self._table.filters()])
        self._fence = client.subscribe(_FENCE)[1] or 0

    def _on_subscribe(
        self, _client: Client, _user: Any, number: int, _reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        self._complete = self._complete or number == self._fence

    def _on_message(self, _client: Client, _user: Any, received: MQTTMessage) -> None:
        try:
            found = self._table.find(received.topic)
            if found is None:
                return
            path = full_path(*found)
            value = decode(found[0], received.payload)
        except (UnicodeDecodeError, PathError, PayloadError):
            return  # nothing that a daemon would take as a value either
        if path not in self.values or self.values[path] != value:
            self.values[path] = value
            self._changes.append((path, value))
