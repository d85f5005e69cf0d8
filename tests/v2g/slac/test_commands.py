"""What the layers above may want: terminate, error, pause, stop."""

from __future__ import annotations

import pytest

from tests.v2g.slac.pair import pair
from v2g.homeplug.slac import SlacParmCnf
from v2g.slac import timing
from v2g.slac.effects import (
    AskLinkStatus,
    DLinkReady,
    Failed,
    Matched,
    ModemReady,
    Reason,
    SavePower,
    SendFrame,
)
from v2g.slac.ev import EvPhase
from v2g.slac.events import Command
from v2g.slac.evse import Phase


@pytest.mark.spec(368)
def test_terminate_leaves_and_waits_for_the_cable_to_be_unplugged():
    both = pair().start()
    key = both.evse.modem.nmk
    for station in (both.evse, both.ev):
        both.line.tell(station, Command.TERMINATE)
    both.line.run(both.line.now + timing.TP_MATCH_LEAVE_MS)
    for station in (both.evse, both.ev):
        assert station.of(DLinkReady) == [DLinkReady(True), DLinkReady(False)]
        assert station.modem.nmk != key
    both.line.run(60_000)
    assert both.evse.core.phase is Phase.UNMATCHED
    assert both.ev.core.phase is EvPhase.UNMATCHED
    assert len(both.evse.of(Matched)) == 1
    both.line.plug(both.evse, both.ev, state="A")
    both.line.plug(both.evse, both.ev)
    both.line.run(65_000)
    assert len(both.evse.of(Matched)) == len(both.ev.of(Matched)) == 2


@pytest.mark.spec(368)
def test_error_leaves_and_matches_anew_with_another_key():
    both = pair().start()
    for station in (both.evse, both.ev):
        both.line.tell(station, Command.ERROR)
    both.line.run(10_000)
    for station in (both.evse, both.ev):
        assert station.of(DLinkReady) == [DLinkReady(True), DLinkReady(False), DLinkReady(True)]
        first, second = station.of(Matched)
        assert first.nmk != second.nmk


@pytest.mark.spec(368)
def test_an_error_on_one_side_brings_both_back():
    for side in ("evse", "ev"):
        both = pair().start()
        both.line.tell(getattr(both, side), Command.ERROR)
        both.line.run(30_000)
        assert both.evse.core.phase is Phase.MATCHED
        assert both.ev.core.phase is EvPhase.MATCHED
        assert both.evse.of(Matched)[-1] == both.ev.of(Matched)[-1]
        assert both.evse.of(DLinkReady) == [DLinkReady(True), DLinkReady(False), DLinkReady(True)]


@pytest.mark.spec(368)
def test_pause_stays_matched_and_resume_finds_the_link():
    both = pair().start()
    for station in (both.evse, both.ev):
        both.line.tell(station, Command.PAUSE)
    both.line.run(both.line.now + 10)
    asked = len(both.evse.of(AskLinkStatus))
    both.line.run(600_000)
    for station in (both.evse, both.ev):
        assert station.of(SavePower) == [SavePower(True)]
        assert station.of(DLinkReady) == [DLinkReady(True)]
        both.line.tell(station, Command.RESUME)
    assert len(both.evse.of(AskLinkStatus)) == asked
    both.line.run(700_000)
    for station in (both.evse, both.ev):
        assert station.of(SavePower) == [SavePower(True), SavePower(False)]
        assert station.of(DLinkReady) == [DLinkReady(True)]
        assert len(station.of(Matched)) == 1


@pytest.mark.spec(368)
def test_a_link_that_is_gone_after_a_pause_is_matched_anew():
    both = pair().start()
    both.line.tell(both.ev, Command.PAUSE)
    both.line.tell(both.evse, Command.PAUSE)
    both.line.run(20_000)
    both.ev.modem.nmk = b"forgotten"
    both.line.tell(both.ev, Command.RESUME)
    both.line.tell(both.evse, Command.RESUME)
    both.line.run(20_000 + timing.T_CONN_RESUME_MS + 10)
    assert Failed(Reason.LINK_LOST, final=False) in both.ev.of(Failed)
    both.line.run(60_000)
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED


def test_unplugged_while_paused():
    both = pair().start()
    both.line.tell(both.evse, Command.PAUSE)
    both.line.tell(both.ev, Command.PAUSE)
    both.line.plug(both.evse, both.ev, state="A")
    both.line.run(both.line.now + 1_000)
    for station in (both.evse, both.ev):
        assert station.of(SavePower) == [SavePower(True), SavePower(False)]
        assert station.of(DLinkReady)[-1] == DLinkReady(False)


def test_stop_changes_the_key_and_is_silent_afterwards():
    both = pair().start()
    key = both.evse.modem.nmk
    both.line.tell(both.evse, Command.STOP)
    both.line.tell(both.ev, Command.STOP)
    both.line.run(both.line.now + 100)
    assert both.evse.modem.nmk != key
    assert both.ev.modem.nmk != key
    assert both.evse.of(ModemReady)[-1] == ModemReady(False)
    done = len(both.evse.sent()), len(both.ev.done)
    both.line.plug(both.evse, both.ev, state="A")
    both.line.plug(both.evse, both.ev)
    both.line.run(100_000)
    assert (len(both.evse.sent()), len(both.ev.done)) == done
    # And on again.
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(110_000)
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.parametrize("when", [0, 51, 53, 200, 300, 519, 522, 524, 530, 2_000])
@pytest.mark.parametrize("side", ["evse", "ev"])
def test_any_command_at_any_time_leaves_no_half_match(command, when, side):
    both = pair()
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(min(50, when))
    both.line.plug(both.evse, both.ev)
    both.line.run(when)
    both.line.tell(getattr(both, side), command)
    both.line.run(300_000)
    matched = both.evse.core.phase is Phase.MATCHED, both.ev.core.phase is EvPhase.MATCHED
    if command in (Command.STOP, Command.TERMINATE):
        assert matched == (False, False)
    elif command is not Command.PAUSE:
        assert matched == (True, True)
        assert both.evse.of(Matched)[-1] == both.ev.of(Matched)[-1]


def test_a_charger_that_is_off_answers_nobody():
    both = pair()
    both.line.tell(both.ev, Command.START)
    both.line.plug(both.evse, both.ev)
    both.line.run(60_000)
    assert both.evse.of(SendFrame) == []
    assert not [m for m in both.evse.sent() if isinstance(m, SlacParmCnf)]
    assert both.ev.of(Failed)[-1] == Failed(Reason.NO_PARM_CNF, final=True)
