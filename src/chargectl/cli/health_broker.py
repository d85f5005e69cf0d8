"""Asks the broker what it keeps of the daemons, by a message that has to come back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from chargectl.bus.paths import PathError, TopicTable, full_path
from chargectl.bus.payload import PayloadError, Value, decode
from chargectl.cli.status_reader import BrokerError
from chargectl.update.health import WATCHED

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

ANSWER_S: Final = 5.0
"""How long the broker may take to connect, and again until the message is back. It takes milliseconds; on a
board that is still starting, and whose flash is busy, a second or two."""

_PRIVATE: Final = "chargectl/health/"
"""Below it each check has a topic of its own."""
_KEEPALIVE_S: Final = 20


class _Probe:
    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.refused = ""
        self.returned = False
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        self.client.connect_timeout = ANSWER_S
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self._table = TopicTable(WATCHED)
        self._path = _PRIVATE + uuid.uuid4().hex
        self._last = 0

    def _on_connect(
        self, client: Client, _user: Any, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            self.refused = str(reason)
            return
        client.subscribe([(path, 0) for path in self._table.filters()])
        self._last = client.subscribe(self._path)[1] or 0

    def _on_subscribe(
        self, client: Client, _user: Any, number: int, _reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        if number == self._last:
            # What the broker keeps is on its way already, so it arrives before this message does.
            client.publish(self._path, self._path)

    def _on_message(self, _client: Client, _user: Any, received: MQTTMessage) -> None:
        if received.topic == self._path:
            self.returned = self.returned or received.payload == self._path.encode()
            return
        try:
            found = self._table.find(received.topic)
            if found is not None:
                self.values[full_path(*found)] = decode(found[0], received.payload)
        except (UnicodeDecodeError, PathError, PayloadError):
            return  # nothing that anybody would take as a value


def ask(host: str, port: int, clock: Callable[[], float] = time.monotonic) -> dict[str, Value]:
    """Return the newest value of each topic of ``WATCHED`` by path, once a message has made the round trip.

    Raises BrokerError, with one clear line, when the broker is away, refuses, or does not return the message
    within ANSWER_S.
    """
    where = f"MQTT broker {host}:{port}"
    probe = _Probe()
    try:
        probe.client.connect(host, port, _KEEPALIVE_S)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BrokerError(f"{where} is not reachable: {reason}") from None
    try:
        deadline = clock() + ANSWER_S
        while not probe.returned:
            result = probe.client.loop(0.1)
            if probe.refused:
                raise BrokerError(f"{where} refused the connection: {probe.refused}")
            if result != MQTT_ERR_SUCCESS:
                lost = error_string(result).rstrip(".").lower()
                raise BrokerError(f"{where}: connection lost: {lost}")
            if clock() > deadline:
                raise BrokerError(f"{where} accepts connections but returned no message in {ANSWER_S:g} s")
    finally:
        probe.client.disconnect()
    return probe.values
