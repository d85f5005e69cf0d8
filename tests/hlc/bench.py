"""The core of high-level charging in a test's hands: what it wants, and time as a number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chargectl.bus.payload import encode
from chargectl.declarations import topics
from chargectl.declarations.port_link import PortStatus, SessionWish
from chargectl.declarations.types import Topic
from chargectl.hlc import effects
from chargectl.hlc.charging import HlcCharging
from chargectl.hlc.settings import HlcSettings
from v2g.common.terms import LinkWish, Phase
from v2g.secc import effects as secc

FREE = PortStatus(pilot="A", contactor_closed=False, authorized=True, offered_a=16, phases=3)
"""Nobody is there; charging is free."""
LOCKED = replace(FREE, authorized=False)
"""The same where somebody has to authorize."""


class HlcBench:
    """A started core. What it publishes is written as it would leave, so a value that cannot be fails."""

    def __init__(self, settings: HlcSettings | None = None, status: PortStatus | None = FREE) -> None:
        self.core = HlcCharging(settings or HlcSettings())
        self.now = 1_000
        self.all: list[effects.Effect] = []
        self.last: list[effects.Effect] = []
        self.status = status
        self.take(self.core.start())
        self.port(status)
        self.take(self.core.modem(True))

    def take(self, news: list[effects.Effect]) -> list[effects.Effect]:
        for effect in news:
            if isinstance(effect, effects.Publish):
                encode(effect.topic, effect.value)
        self.last = news
        self.all += news
        return news

    def port(self, status: PortStatus | None = None, **fields: Any) -> HlcBench:
        """The port's status changes."""
        if fields:
            assert self.status is not None
            status = replace(self.status, **fields)
        self.status = status
        self.take(self.core.port(status, self.now))
        return self

    def plug(self) -> HlcBench:
        """An EV comes; the initialisation phase's parameters are awaited and then no more."""
        self.port(connected=True, pilot="B", locked=True, ready=True)
        return self.later(3_000)

    def later(self, ms: int) -> HlcBench:
        """Time passes."""
        end = self.now + ms
        due = self.core.deadline()
        if due is not None and due <= end:
            self.now = max(due, self.now)
            self.take(self.core.tick(self.now))
        self.now = end
        return self

    def say(self, topic: Topic, value: Any) -> HlcBench:
        """The customer's software publishes."""
        self.take(self.core.message(topic, value, self.now))
        return self

    def told(self, *news: secc.Effect) -> HlcBench:
        """The V2G session tells."""
        self.take(self.core.told(news, self.now))
        return self

    def join(self) -> HlcBench:
        """SLAC and the connection."""
        self.take(self.core.link(True))
        self.take(self.core.tcp(True))
        return self.told(secc.PhaseChanged(Phase.INIT, True))

    def phase(self, phase: Phase) -> HlcBench:
        """The session walks on to a phase."""
        order = list(Phase)
        before = order[order.index(phase) - 1]
        return self.told(secc.PhaseChanged(before, False), secc.PhaseChanged(phase, True))

    def end(self, wish: LinkWish = LinkWish.TERMINATE) -> HlcBench:
        """The session is over."""
        return self.told(secc.Contactor(False), secc.Link(wish))

    @property
    def wish(self) -> SessionWish:
        return self.core.wish

    @property
    def station(self) -> Any:
        return self.core.station

    def published(self, topic: Topic) -> list[Any]:
        """All values of a topic."""
        return [e.value for e in self.all if isinstance(e, effects.Publish) and e.topic is topic]

    @property
    def phases(self) -> list[str]:
        """All that was published about phases, as "auth started"."""
        named = {
            topics.TOPIC_CHARGE_INIT_STATUS.path: "init",
            topics.TOPIC_CHARGE_AUTH_STATUS.path: "auth",
            topics.TOPIC_CHARGE_PARAMETER_STATUS.path: "parameter",
            topics.TOPIC_CHARGE_CHARGE_STATUS.path: "charge",
        }
        return [
            f"{named[e.topic.path]} {e.value}"
            for e in self.all
            if isinstance(e, effects.Publish) and e.topic.path in named
        ]

    @property
    def notes(self) -> list[str]:
        """Lines for the journal."""
        return [e.text for e in self.all if isinstance(e, effects.Note)]
