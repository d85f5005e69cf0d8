"""What holds in every story of an update, whatever happens in whatever order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.payload import encode
from chargectl.declarations import topics
from chargectl.update.job import Updater
from chargectl.update.record import Phase, Record, System, from_json, to_json
from chargectl.update.request import Origin, Request, make_request
from chargectl.update.steps import (
    Abandon,
    Accepted,
    Check,
    Discard,
    Download,
    Effect,
    Event,
    Failed,
    Fetched,
    Follow,
    Install,
    Installed,
    Note,
    Progress,
    Publish,
    Reported,
    Requested,
    Save,
    Session,
    Tick,
)

SECRET = "hunter2hunter2"
FOLLOWS = {
    "idle": {"downloading"},
    "downloading": {"download-succeeded", "download-failed"},
    "download-succeeded": {"installing"},
    "download-failed": {"downloading"},
    "installing": {"install-succeeded", "install-failed"},
    "install-succeeded": {"downloading"},
    "install-failed": {"downloading"},
}
"""The states that may follow each state (guide 11.5); a restart of the board leads to idle from anywhere."""

requests = st.builds(
    lambda path, trials, interval, origin, scheme: make_request(
        f"{scheme}://me:{SECRET}@h/{path}", str(trials), str(interval), origin
    ),
    st.sampled_from(["a.image", "b.image", "c.raucb", "d.raucb"]),
    st.integers(-1, 4),
    st.integers(-1, 3),
    st.sampled_from(Origin),
    st.sampled_from(["http", "ftp"]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), requests),
        st.tuples(st.just("wait"), st.integers(0, 5000)),
        st.tuples(st.just("progress"), st.integers(-5, 105)),
        st.tuples(st.just("good"), st.none()),
        st.tuples(st.just("good"), st.none()),
        st.tuples(st.just("bad"), st.text(max_size=30)),
        st.tuples(st.just("bad"), st.text(max_size=30)),
        st.tuples(st.just("late"), st.integers(0, 10)),
        st.tuples(st.just("session"), st.booleans()),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("accepted"), st.none()),
        st.tuples(st.just("reported"), st.none()),
        st.tuples(st.just("boot"), st.sampled_from(["", "rolled back"])),
    ),
    max_size=40,
)


@dataclass
class World:
    """Carries effects out as the daemon does, and checks each of them."""

    system: System = field(default_factory=lambda: System("b0", "A"))
    now: int = 0
    saved: Record | None = None
    task: Effect | None = None
    state: str = ""
    result: str = ""
    trials: int = 0
    boots: int = 0
    accepted: bool = False
    """Whether any boot was found good."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.updater = Updater(self.system)
        self.task = None
        self.take(self.updater.start(self.saved, self.now))

    def tell(self, event: Event) -> None:
        self.take(self.updater.handle(event, self.now))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Publish():
                    self._published(effect)
                case Save(record):
                    self.saved = from_json(json.loads(json.dumps(to_json(record))))
                    assert record.phase.under_way or SECRET not in record.request.url
                case Note(text):
                    assert SECRET not in text
                case Abandon(ticket):
                    assert isinstance(self.task, Download | Check)
                    assert self.task.ticket == ticket
                    self.task = None
                case Download() | Check() | Install() | Follow():
                    assert self.task is None, "one task at a time"
                    self.task = effect
                    if isinstance(effect, Download | Check):
                        self.trials += 1
                        assert self.saved is not None
                        assert self.trials <= effect.request.max_trials
                case Discard():
                    pass

    def _published(self, effect: Publish) -> None:
        text = encode(effect.topic, effect.value)
        assert SECRET not in text
        if effect.topic is topics.TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL:
            assert text == self.state or text in FOLLOWS.get(self.state, {"idle"}), (self.state, text)
            self.state = text
        elif effect.topic is topics.TOPIC_FIRMWARE_UPDATE_RESULT_STATE:
            if text and text != self.result:
                assert self.state in ("idle", "download-failed", "install-failed", "install-succeeded")
            self.result = text

    def done(self, event: Event) -> None:
        self.task = None
        self.tell(event)

    def good(self) -> None:
        match self.task:
            case Download(ticket, _):
                self.done(Fetched(ticket, "/file"))
            case Check(ticket, _):
                self.done(Fetched(ticket))
            case Install(ticket) | Follow(ticket):
                self.done(Installed(ticket))

    def bad(self, reason: str) -> None:
        if isinstance(self.task, Download | Check | Install | Follow):
            self.done(Failed(self.task.ticket, reason))

    def play(self, kind: str, value: object) -> None:
        match kind, value:
            case "ask", Request() as request:
                if self.updater.phase is not Phase.INSTALLING:
                    self.trials = 0
                self.tell(Requested(request))
            case "wait", int(pause):
                self.now += pause
                self.tell(Tick())
            case "progress", int(percent):
                if isinstance(self.task, Download | Check | Install | Follow):
                    self.tell(Progress(self.task.ticket, percent))
            case "good", _:
                self.good()
            case "bad", str(reason):
                self.bad(reason)
            case "late", int(back):
                newest = getattr(self.task, "ticket", 10**6)
                for event in (Fetched(newest - 1 - back, "/old"), Failed(newest - 1 - back, "old")):
                    assert self.updater.handle(event, self.now) == []
            case _:
                self._around(kind, value)

    def _around(self, kind: str, value: object) -> None:
        match kind, value:
            case "session", bool(active):
                self.tell(Session(active))
            case "accepted", _:
                self.accepted = True
                self.tell(Accepted())
            case "reported", _:
                self.tell(Reported(self.updater.firmware_status))
                assert self.updater.firmware_status == ""
            case "restart", _:
                # The trial that was cut short is repeated and counts once.
                self.trials -= isinstance(self.task, Download | Check)
                self.start()
            case "boot", str(rollback):
                self.boots += 1
                self.system = System(f"b{self.boots}", "AB"[self.boots % 2], rollback)
                self.state, self.result = "", ""
                self.trials = 0
                self.start()


@given(steps)
def test_states_follow_each_other_as_in_the_guide_and_every_update_ends(
    story: list[tuple[str, object]],
) -> None:
    world = World()
    for kind, value in story:
        world.play(kind, value)
        busy = world.task is not None or world.updater.deadline_ms is not None
        assert busy == world.updater.phase.under_way, "what is under way is being worked at or waits"
        assert world.accepted or world.updater.firmware_status != "Installed"
    started = world.updater.phase.under_way
    for _ in range(30):
        if not world.updater.phase.under_way:
            break
        if world.updater.deadline_ms is not None:
            world.now = world.updater.deadline_ms
            world.tell(Tick())
        world.bad("broken")
    assert not world.updater.phase.under_way, "trials come to an end"
    if started:
        assert world.result == "failed"
        assert world.state in ("download-failed", "install-failed")


@pytest.mark.spec(248, 257)
@given(requests, st.lists(st.booleans(), max_size=12))
def test_trials_never_exceed_what_was_asked_for(request: Request, answers: list[bool]) -> None:
    world = World()
    world.tell(Requested(request))
    replies = iter([*answers, *[False] * 30])
    fetches = installs = 0
    while world.updater.phase.under_way:
        if world.updater.deadline_ms is not None:
            world.now = world.updater.deadline_ms
            world.tell(Tick())
        if isinstance(world.task, Install):
            installs += 1
        else:
            fetches += 1
        if next(replies):
            world.good()
        else:
            world.bad("x")
    trials = max(fetches, installs)
    assert 1 <= trials <= request.max_trials
    assert installs <= (request.max_trials if request.delta else 1)
    if world.state == "download-failed" or (request.delta and world.state == "install-failed"):
        assert trials == request.max_trials
    assert world.result == ("succeeded" if world.state == "install-succeeded" else "failed")
