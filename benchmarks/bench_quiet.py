"""Quiet: messages per minute of a charger that nobody uses, and of one that charges."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.station import station

MINUTE_S = 60.0


def _messages_per_minute(port: int) -> float:
    """Count everything on the broker that is not a retained value of before."""
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    count = 0

    def on_message(_client: Client, _user: object, message: MQTTMessage) -> None:
        nonlocal count
        count += not message.retain

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.subscribe("#")
    client.loop_start()
    time.sleep(MINUTE_S)
    client.disconnect()
    client.loop_stop()
    return count


def figures() -> Iterator[Figure]:
    """Listen for a minute each."""
    with station() as running:
        yield Figure("idle", _messages_per_minute(running.mqtt_port), "messages/min")
        running.charge()
        yield Figure("charging", _messages_per_minute(running.mqtt_port), "messages/min")
