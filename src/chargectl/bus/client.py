"""The MQTT bus: typed publish and subscribe over the declared topics.

Nothing here waits for the broker. The newest value of each retained topic is kept, so a broker that comes
late, restarts or hangs costs its readers some freshness and the caller nothing. Messages use QoS 0 (guide,
section 15.1).

The connection is MQTT 5, for one reason: it lets the client bound the size of a packet before any memory is
spent on it. The retain-as-published option stays off but for the topics named in ``as_published``. Off, the
retain flag of a received message is set exactly when the broker had kept the message from before the
subscription; on, it is the one that the publisher set.

The price of MQTT 5 is that publishers' properties reach this client's parser, and paho gives up the
connection over some that brokers let pass (U+FEFF in a user property). A retained message of that kind
would end every connection. So after a protocol error the connection goes on with MQTT 3.1.1, which carries
no properties.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum, unique
from typing import TYPE_CHECKING, Any

from chargectl.bus.limiter import WarningLimiter
from chargectl.bus.message import Message
from chargectl.bus.paths import PathError, TopicTable, check_path, full_path, is_name
from chargectl.bus.payload import MAXIMUM_JSON_BYTES, PayloadError, Value, decode, encode
from chargectl.declarations.types import Direction, Topic

# paho takes longer to import than the rest of a daemon; the bus does it in the background, so that the first
# control cycle does not wait for it.
if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

RECONNECT_S = (0.5, 5.0)
"""Shortest and longest wait between two attempts to reach the broker; it doubles in between."""
KEEPALIVE_S = 20
CONNECT_TIMEOUT_S = 2.0
STOP_TIMEOUT_S = 1.0
"""How long stop waits for the last messages to leave, and again for the connection to end."""
STORE_DELIVERED_S = 1.0
"""After a subscription the broker has delivered what it had retained within this time."""
MAXIMUM_PACKET_BYTES = 2 * MAXIMUM_JSON_BYTES
"""The broker sends us no larger packets: the longest payload, with room for topic and properties."""
MAXIMUM_UNSENT = 1000
"""Messages handed to a connection that does not take them (a hanging broker) before others wait."""

_HOST = re.compile(r"[A-Za-z0-9_:%-]{1,63}(\.[A-Za-z0-9_:%-]{1,63}){0,31}\.?")


@unique
class Side(Enum):
    """Which side of the interface a client stands on."""

    STACK = "charging stack"
    CUSTOMER = "customer software"


class DirectionError(ValueError):
    """A topic that the other side of the interface publishes."""


class Bus:
    """One client of the broker.

    ``on_message`` is called from the network thread with every message that its topic allows; give it
    ``Inbox.put``. Topics of direction BOTH are subscribed only where the configuration lets others publish
    them: a client may see its own messages. ``as_published`` names the subscribed topics where a message
    that its publisher had retained means something else than one that was not (an authorization for good,
    or for one session). ``online_topic`` (a boolean topic) is 1 while connected and
    becomes 0 when the client stops or dies (last will), retained. ``side`` decides which topics may be
    published. Raises PathError for a subscribed topic that is not on port 0.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        *,
        on_message: Callable[[Message], None],
        subscribe: Iterable[Topic] = (),
        as_published: Iterable[Topic] = (),
        online_topic: Topic | None = None,
        username: str | None = None,
        password: str | None = None,
        side: Side = Side.STACK,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # A host that the resolver cannot even encode would end paho's thread with an exception.
        if not _HOST.fullmatch(host) or not 0 < port < 65536:
            raise ValueError(
                f"MQTT broker {host!r}:{port}: allowed are a host name or address and a port 1..65535"
            )
        self._host = host
        self._port = port
        self._client_id = client_id
        self._credentials = (username, password)
        self._deliver = on_message
        self._table = TopicTable(subscribe)
        self._store_delivered_at = 0.0
        self._as_published = frozenset(topic.path for topic in as_published)
        self._online_path = full_path(online_topic) if online_topic else ""
        self._refused = Direction.ACCEPTED if side is Side.STACK else Direction.PUBLISHED
        self._monotonic = monotonic
        self._warnings = WarningLimiter()

        # Callbacks of paho run with this lock free or taken by the same thread, never the other way round.
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._opener: threading.Thread | None = None
        self._connected = False
        self._stopping = False
        self._away_reported = False
        self._unsent = 0
        self._last_sent: MQTTMessageInfo | None = None
        self._state: dict[str, str] = {}
        self._held: dict[str, None] = {}

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it has not been lost since."""
        return self._connected

    def start(self) -> None:
        """Begin to connect, in the background, and keep at it until ``stop``. To be called once."""
        with self._lock:
            if self._opener is not None or self._stopping:
                raise RuntimeError(f"MQTT client {self._client_id}: it was started before")
            self._opener = threading.Thread(target=self._open, args=(True,), name="bus-start", daemon=True)
            self._opener.start()

    def stop(self) -> None:
        """Say that we go offline and disconnect; takes at most 2 x STOP_TIMEOUT_S when the broker hangs."""
        with self._lock:
            self._stopping = True
            client = self._client
            if self._connected and self._online_path:
                self._send(self._online_path, "0", retain=True)
            last = self._last_sent if self._connected else None
        if last is not None:
            try:
                last.wait_for_publish(STOP_TIMEOUT_S)
            except (RuntimeError, ValueError) as error:
                log.debug("the last message did not leave: %s", error)
        with self._lock:
            self._connected = False
        if client is not None:
            _end(client, STOP_TIMEOUT_S)

    def publish(self, topic: Topic, value: Value, name: str = "", *, again: bool = False) -> bool:
        """Publish a state (a retained topic) or an event (any other).

        A state is sent when it differs from the last one, or when ``again`` asks for it, and once more
        after each reconnect. An event is sent now or never: repeating it later would make others act on it
        twice. Returns False for an event that found no connection. Thread-safe, never waits for the broker.
        Raises PayloadError, PathError, or DirectionError for a topic that only the other side publishes.
        """
        if topic.direction is self._refused:
            raise DirectionError(
                f"topic {topic.name} ({topic.path}) is {topic.direction.value}: not ours to publish"
            )
        check_path(topic)
        path, text = full_path(topic, name), encode(topic, value)
        with self._lock:
            if not topic.retain:
                return self._connected and self._unsent < MAXIMUM_UNSENT and self._send(path, text, False)
            if self._state.get(path) == text and not again:
                return True
            self._state[path] = text
            if self._connected and self._unsent < MAXIMUM_UNSENT:
                self._send(path, text, True)
            elif self._connected:
                self._held[path] = None
            return True

    def _send(self, path: str, text: str, retain: bool) -> bool:
        """Hand over to paho, which queues; the lock is held and the connection stands."""
        if self._client is None:
            return False
        info = self._client.publish(path, text, 0, retain)
        if info.rc != 0:
            return False
        self._unsent += 1
        self._last_sent = info
        return True

    def _open(self, newest_protocol: bool) -> None:
        """Create the connection: at start in a thread of its own, later in the one that found it broken."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        protocol = MQTTProtocolVersion.MQTTv5 if newest_protocol else MQTTProtocolVersion.MQTTv311
        client = Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=protocol)
        # An exception that leaves a callback would end paho's thread without a word.
        client.suppress_exceptions = True
        username, password = self._credentials
        if username is not None:
            client.username_pw_set(username, password)
        if self._online_path:
            client.will_set(self._online_path, "0", 0, True)
        client.reconnect_delay_set(*RECONNECT_S)  # type: ignore[arg-type]  # any number will do
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        if newest_protocol:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = MAXIMUM_PACKET_BYTES
            client.connect_async(self._host, self._port, KEEPALIVE_S, clean_start=True, properties=properties)
        else:
            client.connect_async(self._host, self._port, KEEPALIVE_S)
        with self._lock:
            if not self._stopping:
                self._client = client
                client.loop_start()

    def _on_connect(
        self, client: Client, _user: Any, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            self._report_away(f"refused the connection: {reason}")
            return
        with self._lock:
            if self._stopping or client is not self._client:
                return
            self._connected = True
            self._away_reported = False
            self._unsent = 0
            self._held.clear()
            if self._online_path:
                self._send(self._online_path, "1", retain=True)
            for path, text in self._state.items():
                self._send(path, text, retain=True)
            self._store_delivered_at = self._monotonic() + STORE_DELIVERED_S
            filters = self._table.filters()
            if filters:
                client.subscribe([(path, self._subscription(client, path)) for path in filters])
        log.info("MQTT broker %s:%d: connected", self._host, self._port)

    def _subscription(self, client: Client, path: str) -> Any:
        from paho.mqtt.enums import MQTTProtocolVersion
        from paho.mqtt.subscribeoptions import SubscribeOptions

        if client.protocol != MQTTProtocolVersion.MQTTv5:
            return 0
        return SubscribeOptions(qos=0, noLocal=True, retainAsPublished=path in self._as_published)

    def _on_disconnect(
        self,
        client: Client,
        _user: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _more: Properties | None,
    ) -> None:
        from paho.mqtt.enums import MQTTProtocolVersion

        with self._lock:
            if client is not self._client or self._stopping:
                return
            was_connected, self._connected = self._connected, False
            broken = (
                was_connected
                and client.protocol == MQTTProtocolVersion.MQTTv5
                and reason.getName() in ("Protocol error", "Malformed packet")
            )
            if broken:
                self._client = None
        if broken:
            log.warning(
                "MQTT broker %s:%d: a message with unreadable properties ended the connection (%s); "
                "going on with MQTT 3.1.1",
                self._host,
                self._port,
                reason,
            )
            client.disconnect()
            self._open(False)
        else:
            self._report_away(f"connection lost: {reason}")

    def _on_connect_fail(self, _client: Client, _user: Any) -> None:
        self._report_away("not reachable")

    def _report_away(self, why: str) -> None:
        with self._lock:
            if self._away_reported or self._stopping:
                return
            self._away_reported = True
        log.warning(
            "MQTT broker %s:%d: %s; trying again every %g to %g s", self._host, self._port, why, *RECONNECT_S
        )

    def _on_publish(
        self, client: Client, _user: Any, _number: int, _reason: ReasonCode, _more: Properties
    ) -> None:
        with self._lock:
            if client is not self._client:
                return
            self._unsent = max(0, self._unsent - 1)
            while self._held and self._connected and self._unsent < MAXIMUM_UNSENT // 2:
                path = next(iter(self._held))
                del self._held[path]
                self._send(path, self._state[path], retain=True)

    def _on_message(self, _client: Client, _user: Any, received: MQTTMessage) -> None:
        try:
            found = self._table.find(received.topic)
        except UnicodeDecodeError:
            self._warn("", "a topic path is not UTF-8")
            return
        if found is None:
            return
        topic, name = found
        try:
            if "+" in topic.path and not is_name(name):
                raise PathError(f"{topic.path}: name {name[:40]!a} cannot be used")
            value = decode(topic, received.payload)
            kept = received.retain and (
                topic.path not in self._as_published or self._monotonic() < self._store_delivered_at
            )
            message = Message(topic, name, value, received.retain, len(received.payload), kept)
        except (PayloadError, PathError) as error:
            self._warn(topic.path, str(error))
            return
        try:
            self._deliver(message)
        except Exception as error:  # noqa: BLE001  # the receiver's mistake must not end the connection
            self._warn("delivery", f"{topic.path}: not delivered: {error!r}")

    def _warn(self, kind: str, text: str) -> None:
        count = self._warnings.count(kind, int(self._monotonic() * 1000))
        if count:
            log.warning("MQTT message ignored: %s%s", text, f" ({count} such messages)" if count > 1 else "")


def _end(client: Client, timeout_s: float) -> None:
    """Disconnect and end paho's thread, waiting a bounded time: it may hang in a name look-up."""

    def finish() -> None:
        client.disconnect()
        client.loop_stop()

    ending = threading.Thread(target=finish, name="bus-stop", daemon=True)
    ending.start()
    ending.join(timeout_s)
