"""Durations of phases, beside what tshark's time stamps of the same packets say."""

from __future__ import annotations

import pytest

from tests.v2g.capture import recordings as r
from v2g.capture.phases import statistics_of
from v2g.capture.places import Phase

# Milliseconds between frame.time_epoch of the first request's packet and of the last response's.
CABLE_CHECK = {
    r.COMPLEO: [9606.587],
    r.ALPITRONIC: [13753.572],
    r.SUPERCHARGER: [31646.880, 31650.600],
    r.IONIQ: [119.657],
    r.MODEL_Y: [988.466],
    r.POLESTAR: [1439.932],
}
PRE_CHARGE = {
    r.COMPLEO: [8386.274],
    r.ALPITRONIC: [7912.192],
    r.IONIQ: [2484.779],
    r.MODEL_Y: [12030.059],
    r.POLESTAR: [3841.247],
}


def _durations(name: str, phase: Phase) -> list[int]:
    return [each.duration_ms for session in r.read(name)[1] for each in session.phases if each.phase is phase]


@pytest.mark.spec(355)
@pytest.mark.parametrize("name", r.ALL)
def test_cable_check_and_pre_charge(name):
    assert _durations(name, Phase.CABLE_CHECK) == [round(ms) for ms in CABLE_CHECK.get(name, [])]
    assert _durations(name, Phase.PRE_CHARGE) == [round(ms) for ms in PRE_CHARGE.get(name, [])]


def test_phases_follow_each_other():
    _, (session,) = r.read(r.IONIQ)
    assert [each.phase for each in session.phases] == [
        Phase.SLAC,
        Phase.DISCOVERY,
        Phase.CONNECTION,
        Phase.HANDSHAKE,
        Phase.SET_UP,
        Phase.AUTHORIZATION,
        Phase.PARAMETERS,
        Phase.CABLE_CHECK,
        Phase.PRE_CHARGE,
        Phase.POWER_ON,
        Phase.CHARGING,
    ]
    for before, after in zip(session.phases, session.phases[1:], strict=False):
        assert before.end <= after.start
    assert sum(each.events for each in session.phases) == sum(bool(e.phase) for e in session.events)


def test_slac_ends_with_the_match():
    """This station goes on telling the attenuation for nine seconds after it."""
    _, (session,) = r.read(r.POLESTAR)
    assert session.phases[0].duration_ms == 1793
    assert session.first("CM_SLAC_MATCH.CNF").time == session.phases[0].end


@pytest.mark.spec(339)
def test_the_block_of_statistics_of_a_real_session():
    _, (session,) = r.read(r.IONIQ)
    statistics = statistics_of(session.events)
    assert statistics.complete
    first, last = session.first("CM_SLAC_PARM.REQ").time, session.first("CurrentDemandReq").time
    assert first is not None
    assert last is not None
    assert abs(statistics.total_ms - (last - first) / 1e6) <= 1
    lines = statistics.lines()
    assert lines[0] == "Timing statistics (SLAC begins to charge loop)"
    begins = [line.split(" ")[0] for line in lines[2:]]
    assert begins == ["ConnSetup", "CableCheck", "PrepareCharging", "Total"]
    assert lines[3].endswith("cable check finished: 119 ms | Total: 119 ms")


def test_what_failed_is_not_counted_as_reached():
    statistics = statistics_of(r.read(r.SUPERCHARGER)[1][0].events)
    assert not statistics.complete
    assert "authorisation" not in "\n".join(statistics.lines())
