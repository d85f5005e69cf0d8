"""Both sides of a running demonstration at once: what MQTT says, what the pins and the car are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Any, Final

from chargectl.bus.client import Bus, Side
from chargectl.bus.message import Message
from chargectl.bus.paths import full_path
from chargectl.bus.payload import Value
from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.sim.client import SimClient, SimError
from chargectl.sim.stage import Stage, StageError
from chargectl.sim.stage_words import SHOWN_TOPICS

READY_S: Final = 30.0
KEPT: Final = 5000
"""Happenings that are remembered."""

PHASE_FINISHED: Final = 0
"""EVSEProcessing: the owner's software is done with a phase (guide 15.4)."""
SESSION_AUTHORIZATION: Final = replace(topics.TOPIC_AUTHORIZATION_STATUS, retain=False)
"""Without retain an authorization is for one session (guide Table 83)."""


@unique
class Source(Enum):
    """Where something was seen."""

    MQTT = "MQTT"
    PINS = "pins"
    USER = "you"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changed: ``name`` is a topic's path or a fact of the plant; ``at_s`` is since start."""

    number: int
    at_s: float
    source: Source
    name: str
    value: Any


class Desk:
    """Connected to the board and the broker of a stage. Usable as a context manager.

    ``mqtt`` holds the newest value by topic path, ``state`` the board's report, ``happenings`` what changed.
    Raises SimError when the board does not answer."""

    def __init__(self, stage: Stage, clock: Callable[[], float] = time.monotonic) -> None:
        self.stage = stage
        self.mqtt: dict[str, Value] = {}
        self.happenings: deque[Happening] = deque(maxlen=KEPT)
        self._clock = clock
        self._started = clock()
        self._count = 0
        self._received: deque[tuple[float, Message]] = deque(maxlen=KEPT)
        self._speed = stage.speed
        self._bus = Bus(
            "127.0.0.1",
            stage.port,
            "chargectl-desk",
            on_message=self._receive,
            subscribe=SHOWN_TOPICS,
            side=Side.CUSTOMER,
        )
        self.board = SimClient(stage.socket)
        self.board.subscribe()
        self.state: dict[str, Any] = self.board.state()
        self._board_lead_s = self.state["now_ms"] / 1000 / self._speed - self.now_s
        self._bus.start()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.stop()
        self.board.close()

    @property
    def now_s(self) -> float:
        """Seconds since the desk was set up."""
        return self._clock() - self._started

    @property
    def count(self) -> int:
        """How much has happened so far: the number of the next happening."""
        return self._count

    def poll(self, wait_s: float = 0.0) -> None:
        """Take in what has happened; with ``wait_s`` wait that long for the plant to change.

        Raises StageError when a program has ended, SimError when the board does not answer."""
        self.stage.check()
        try:
            self._hear_board(wait_s)
        except SimError:
            self.stage.check_ending()
            raise
        while self._received:
            at_s, message = self._received.popleft()
            path = full_path(message.topic, message.name)
            self.mqtt[path] = message.value
            self._note(at_s, Source.MQTT, path, message.value)

    def _hear_board(self, wait_s: float) -> None:
        if wait_s > 0 and (event := self.board.wait_event(wait_s)) is not None:
            self._note_event(event)
        self.state = self.board.state()
        while self.board.events:
            self._note_event(self.board.events.popleft())

    def value(self, topic: Topic, name: str = "") -> Value:
        """The newest value of a topic; None before it was seen."""
        return self.mqtt.get(full_path(topic, name))

    def wait_ready(self) -> None:
        """Wait until both daemons are on the broker and portd has told its state. Raises StageError."""
        deadline = self.now_s + READY_S
        while not self._ready():
            if self.now_s > deadline:
                raise StageError(f"configd and portd do not come online within {READY_S:g} s")
            self.poll(0.05)

    def publish(self, topic: Topic, value: Value, name: str = "") -> None:
        """Publish as the owner's software would. Raises StageError when the broker is away."""
        if not self._bus.publish(topic, value, name, again=True):
            raise StageError(f"{topic.path} could not be published: the broker does not answer")
        path = full_path(topic, name)
        self.mqtt[path] = value
        self._note(self.now_s, Source.USER, path, value)

    def authorise(self, allowed: bool) -> None:
        """Allow charging for this session, or withdraw that."""
        self.publish(SESSION_AUTHORIZATION, allowed)

    def release(self, *phases: Topic) -> None:
        """Let an ISO 15118 session go on beyond phases (guide 15.4): by default all that wait."""
        for phase in phases or (
            topics.TOPIC_EVSE_AUTH_EVSEPROCESSING,
            topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING,
        ):
            self.publish(phase, PHASE_FINISHED)

    def limit(self, name: str, ampere: float) -> None:
        """Set a dynamic current limit per phase; -1 is no limit."""
        self.publish(topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT, ampere, name)

    def tell(self, text: str) -> None:
        """Add a line about what the user did."""
        self._note(self.now_s, Source.USER, "", text)

    def _ready(self) -> bool:
        online = (topics.TOPIC_PORTD_ONLINE, topics.TOPIC_CONFIGD_ONLINE)
        return all(self.value(topic) is True for topic in online) and (
            self.value(topics.TOPIC_PORTD_ERRORS) is not None
        )

    def _receive(self, message: Message) -> None:
        """Called by the bus, in its own thread."""
        self._received.append((self.now_s, message))

    def _note_event(self, event: dict[str, Any]) -> None:
        at_s = event["at_ms"] / 1000 / self._speed - self._board_lead_s
        self._note(at_s, Source.PINS, event["name"], event["value"])

    def _note(self, at_s: float, source: Source, name: str, value: Any) -> None:
        self.happenings.append(Happening(self._count, at_s, source, name, value))
        self._count += 1
