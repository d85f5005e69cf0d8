"""Both cores against each other over a line that drops, doubles, delays and reorders, and modems
that refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, pair
from tests.v2g.slac.rig import LINE_MS, intact, random_bytes
from v2g.homeplug.frame import BROADCAST, LOCAL_MODEM, Frame
from v2g.homeplug.slac import MESSAGES
from v2g.slac import timing
from v2g.slac.effects import DLinkReady, Failed, Matched, ModemReady
from v2g.slac.ev import EvPhase, EvSlac
from v2g.slac.ev_attempt import EvConfig
from v2g.slac.events import Command, FrameReceived, LinkStatus, PilotState, Tick
from v2g.slac.evse import EvseSlac, Phase
from v2g.slac.matching import EvseConfig

# One fate a frame: dropped, on time, late (which also reorders), twice, thrice.
delays: st.SearchStrategy[list[int]] = st.one_of(
    st.just([]),
    st.just([LINE_MS]),
    st.just([LINE_MS, LINE_MS]),
    st.integers(0, 400).map(lambda ms: [ms]),
    st.lists(st.integers(0, 3_000), min_size=1, max_size=3),
)
fates = st.lists(delays, max_size=60)
modems = st.lists(st.sampled_from((None, 0, 1)), max_size=5)
BOUND_MS = 300_000
"""Longer than everything: three processes of a car, each with TT_match_join, and the charger's
waits for keys."""


def by(rows):
    return lambda number, _message: rows[number - 1] if number <= len(rows) else [LINE_MS]


@given(fates, modems, modems, st.booleans(), st.booleans())
def test_both_match_or_neither_with_a_reason(rows, evse_results, ev_results, validate, offered):
    both = pair(by(rows), {"validation": offered}, validate=validate)
    both.evse.modem.results = list(evse_results)
    both.ev.modem.results = list(ev_results)
    if validate:
        both.evse.modem.profile = bytes((15,)) * 58
    both.start(BOUND_MS)
    charger, car = both.evse.core.phase is Phase.MATCHED, both.ev.core.phase is EvPhase.MATCHED
    assert charger == car
    for station in (both.evse, both.ev):
        ready = [effect.ready for effect in station.of(DLinkReady)]
        # It is told in turns, and ends with what is.
        assert ready == [index % 2 == 0 for index in range(len(ready))]
        assert (ready or [False])[-1] is charger
    if charger:
        assert both.evse.of(Matched)[-1] == both.ev.of(Matched)[-1]
        assert both.evse.modem.nmk == both.ev.modem.nmk
    else:
        assert both.ev.core.phase is EvPhase.UNMATCHED
        assert both.ev.of(Failed)[-1].final
        assert both.evse.modem.nmk != both.ev.modem.nmk
    # Few frames: nobody storms.
    assert len(both.evse.sent()) + len(both.ev.sent()) < 400


@given(fates)
def test_whatever_happened_the_next_plug_in_matches(rows):
    both = pair(by(rows)).start(BOUND_MS)
    both.line.fate = intact
    both.line.plug(both.evse, both.ev, state="A")
    both.line.run(BOUND_MS + 30_000)
    both.line.plug(both.evse, both.ev)
    both.line.run(BOUND_MS + 60_000)
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED
    assert both.evse.of(Matched)[-1] == both.ev.of(Matched)[-1]


def raw_frames():
    numbers = st.sampled_from(sorted(MESSAGES))
    to = st.sampled_from((BROADCAST, EVSE_MAC, EV_MAC))
    since = st.sampled_from((EVSE_MAC, EV_MAC, LOCAL_MODEM, b"\x02\0\0\0\0\x33"))
    payload = st.binary(max_size=120)
    return st.builds(lambda n, d, s, p: Frame(d, s, n, p).pack(), numbers, to, since, payload)


events = st.one_of(
    st.binary(max_size=80).map(FrameReceived),
    raw_frames().map(FrameReceived),
    st.builds(PilotState, st.sampled_from("ABCDEF")),
    st.booleans().map(LinkStatus),
    st.just(Tick()),
    st.sampled_from(list(Command)),
)


@pytest.mark.parametrize("side", ["evse", "ev"])
@given(steps=st.lists(st.tuples(st.integers(0, 5_000), events), max_size=60))
def test_any_events_in_any_order_never_raise_and_deadlines_pass(side, steps):
    core: EvseSlac | EvSlac
    if side == "evse":
        core = EvseSlac(EvseConfig(EVSE_MAC, validation=True), random_bytes("x"))
    else:
        core = EvSlac(EvConfig(EV_MAC, validate=True), random_bytes("x"))
    now = 0
    effects = list(core.handle(Command.START, now))
    for wait, event in steps:
        now += wait
        effects += core.handle(event, now)
        due = core.deadline()
        # Whoever serves the deadlines gets past each of them.
        served = 0
        while due is not None and due <= now:
            effects += core.handle(Tick(), now)
            due = core.deadline()
            served += 1
            assert served < 50
    ready = [effect.ready for effect in effects if isinstance(effect, DLinkReady)]
    assert ready == [index % 2 == 0 for index in range(len(ready))]


@given(st.lists(st.tuples(st.integers(0, 1_500), st.sampled_from("ABCEF")), max_size=12))
def test_a_restless_pilot_ends_like_a_quiet_one(changes):
    both = pair()
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    for wait, state in changes:
        both.line.run(both.line.now + wait)
        both.line.plug(both.evse, both.ev, state=state)
    both.line.run(both.line.now + 100)
    both.line.plug(both.evse, both.ev, state="A")
    both.line.run(both.line.now + 15_000)
    assert both.evse.core.phase is Phase.UNMATCHED
    assert both.ev.core.phase is EvPhase.UNMATCHED
    both.line.plug(both.evse, both.ev)
    both.line.run(both.line.now + 15_000)
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED


def test_a_charger_is_ready_only_while_the_modem_holds_its_key():
    both = pair().start()
    for _ in range(5):
        both.line.plug(both.evse, both.ev, state="A")
        both.line.run(both.line.now + 2_000)
        both.line.plug(both.evse, both.ev)
        both.line.run(both.line.now + 3_000)
    ready = [effect.ready for effect in both.evse.of(ModemReady)]
    assert ready == [index % 2 == 1 for index in range(len(ready))]
    assert len(ready) == 12
    assert timing.SET_KEY_ATTEMPTS > 1
