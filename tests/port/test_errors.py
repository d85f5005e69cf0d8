"""Every error that the port can raise, against its row in ``declarations.errors`` (guide 3.3.4, Z1, Z3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chargectl.bus.payload import encode
from chargectl.declarations import errors, topics
from chargectl.declarations.types import ContactorDemand, Duty, ErrorRow, LockDemand, Reaction, Recovery
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, Note
from chargectl.port.events import LockPosition
from chargectl.port.reactions import combined
from chargectl.port.settings import AuthenticationMode, PortSettings, RcdSettings
from tests.port.bench import Bench

SETTINGS = PortSettings(
    evse_limit_a=16,
    emergency_enable=True,
    rcd=RcdSettings(enable=True),
    authentication=AuthenticationMode.MQTT,
)
ALLOW, FORBID = events.Authorization(True, session=False), events.Authorization(False, session=False)
SETTLE_MS = 10_000
DUTY = {Duty.STEADY: 10_000, Duty.NEGATIVE: 0}

Step = Callable[[Bench], object]


@dataclass(frozen=True)
class Case:
    """How an error comes about while a car charges and while no car is there, and how its cause ends."""

    row: ErrorRow
    while_charging: Step | None
    without_ev: Step | None
    cause_ends: Step
    locked_after: bool | None = None
    """Where the plug is to be afterwards when the lock itself is what fails."""
    judged_after_ms: int = 12_000
    """A lock that moved by itself is driven back at once: what fails then has another name."""


def weld(bench: Bench) -> None:
    bench.contactor_follows[1] = False
    bench.show_contactor(1, True).send(FORBID).pilot(CpState.B if bench.port.connected else CpState.A)


def jam(position: LockPosition) -> Step:
    def step(bench: Bench) -> None:
        bench.lock_jammed = True
        bench.show_lock(position)

    return step


def free(bench: Bench) -> None:
    bench.lock_jammed = False
    bench.run(60_000)


def jam_while_locking(bench: Bench) -> None:
    bench.lock_jammed = True
    bench.show_lock(LockPosition.UNLOCKED)
    bench.send(FORBID).run(1_000).send(ALLOW)


def jam_while_unlocking(bench: Bench) -> None:
    bench.lock_jammed = True
    bench.send(FORBID).pilot(CpState.B)


def empty_capacitor(bench: Bench) -> None:
    bench.send(events.LockCapacitor(False), FORBID).pilot(CpState.B)


def fill_capacitor(bench: Bench) -> None:
    bench.send(events.LockCapacitor(True))


def fail_test_while_connected(bench: Bench) -> None:
    bench.rcd_answers = False
    bench.send(events.RcdTestRequest()).pilot(CpState.B)


def fail_test(bench: Bench) -> None:
    bench.rcd_answers = False
    bench.send(events.RcdTestRequest())


def mend_rcd(bench: Bench) -> None:
    bench.rcd_answers = True
    bench.trip_rcd(False)


def send(*sent: events.Event) -> Step:
    return lambda bench: bench.send(*sent)


CASES = [
    Case(errors.POWER_SWITCH_FAILURE, weld, weld, lambda bench: bench.show_contactor(1, False)),
    Case(errors.LOCK_CAPACITOR, empty_capacitor, None, fill_capacitor, locked_after=True),
    Case(errors.LOCK_UNEXPECTED_OPEN, jam(LockPosition.UNLOCKED), None, free, False, 600),
    Case(errors.LOCK_UNEXPECTED_CLOSE, None, jam(LockPosition.LOCKED), free, True, 600),
    Case(errors.LOCK_CANNOT_LOCK, jam_while_locking, None, free, locked_after=False),
    Case(errors.LOCK_CANNOT_UNLOCK, jam_while_unlocking, None, free, locked_after=True),
    Case(errors.SPURIOUS_RCD, None, lambda bench: bench.trip_rcd(), mend_rcd),
    Case(errors.RCD_TEST, fail_test_while_connected, fail_test, mend_rcd),
    Case(errors.RCD_GROUND_FAILURE, lambda bench: bench.trip_rcd(), None, mend_rcd),
    Case(
        errors.EMERGENCY_SHUTDOWN,
        send(events.EmergencyInput(True)),
        send(events.EmergencyInput(True)),
        send(events.EmergencyInput(False)),
    ),
    Case(
        errors.BOARD_FAILURE,
        send(events.BoardFault("pilot_adc", True)),
        send(events.BoardFault("pilot_adc", True)),
        send(events.BoardFault("pilot_adc", False)),
    ),
    Case(
        errors.PILOT_SHORTED,
        send(events.PilotSeen(CpState.E)),
        send(events.PilotSeen(CpState.E)),
        lambda bench: bench.pilot(bench.ev),
    ),
    Case(errors.PILOT_DIODE, send(events.PilotSeen(CpState.C, diode_ok=False)), None, lambda bench: None),
    Case(
        errors.PROXIMITY_NO_CABLE,
        send(events.ProximitySeen(Cable.NONE)),
        None,
        send(events.ProximitySeen(Cable.A32)),
    ),
    Case(
        errors.PROXIMITY_INVALID,
        send(events.ProximitySeen(Cable.INVALID)),
        None,
        send(events.ProximitySeen(Cable.A32)),
    ),
    Case(
        errors.PROXIMITY_CHANGED,
        send(events.ProximitySeen(Cable.A20)),
        None,
        send(events.ProximitySeen(Cable.A32)),
    ),
]
BY_CODE = {case.row.code: case for case in CASES}
LOCK_CODES = [case.row.code for case in CASES if case.row.ocpp_error_code == "ConnectorLockFailure"]
ELSEWHERE = ("Meter", "ReaderFailure", "RcdRecloserFailure", "Persistence", "LocalListConflict")
"""Raised by other daemons."""


def charging() -> Bench:
    return Bench(SETTINGS).send(ALLOW).charge()


def idle() -> Bench:
    return Bench(SETTINGS).send(ALLOW)


def situations(connected: bool) -> list[str]:
    return [
        case.row.code for case in CASES if (case.while_charging if connected else case.without_ev) is not None
    ]


def fail(code: str, connected: bool) -> Bench:
    case = BY_CODE[code]
    bench = charging() if connected else idle()
    step = case.while_charging if connected else case.without_ev
    assert step is not None
    step(bench)
    return bench.run(case.judged_after_ms)


def check(bench: Bench, case: Case, reaction: Reaction, charged: bool) -> None:
    assert case.row.code in bench.error_codes, bench.describe()
    if reaction.duty is not Duty.UNCHANGED:
        assert bench.duty_centi == DUTY[reaction.duty]
    if reaction.contactor is ContactorDemand.OPEN:
        assert not bench.relay[1]
    if case.locked_after is not None:
        assert (bench.lock_position is LockPosition.LOCKED) is case.locked_after
    elif reaction.lock in (LockDemand.UNLOCK, LockDemand.UNLOCK_NOW):
        assert bench.lock_position is LockPosition.UNLOCKED
    elif reaction.lock is LockDemand.KEEP:
        assert bench.lock_position is (LockPosition.LOCKED if charged else LockPosition.UNLOCKED)


def test_every_error_is_raised_here_or_by_another_daemon() -> None:
    ours = [row.code for row in errors.ERRORS if not row.code.startswith(ELSEWHERE)]
    assert sorted(BY_CODE) == sorted(ours)


@pytest.mark.parametrize("code", situations(connected=True))
@pytest.mark.spec(31, 32, 34, 39, 75, 76, 105, 106, 108, 110)
def test_the_reaction_with_an_ev(code: str) -> None:
    check(fail(code, connected=True), BY_CODE[code], BY_CODE[code].row.connected, charged=True)


@pytest.mark.parametrize("code", situations(connected=False))
@pytest.mark.spec(33, 39, 104, 105, 108, 110)
def test_the_reaction_without_an_ev(code: str) -> None:
    check(fail(code, connected=False), BY_CODE[code], BY_CODE[code].row.disconnected, charged=False)


@pytest.mark.parametrize("code", [case.row.code for case in CASES if case.row.topic])
def test_its_topic_says_so_and_is_cleared(code: str) -> None:
    case = BY_CODE[code]
    topic = getattr(topics, case.row.topic)
    connected = case.while_charging is not None
    before = charging() if connected else idle()
    assert encode(topic, before.values[topic.path]) == case.row.topic_cleared
    bench = fail(code, connected)
    assert encode(topic, bench.values[topic.path]) == case.row.topic_payload
    if case.row.recovery is not Recovery.RESTART:
        recover(bench, case)
        assert encode(topic, bench.values[topic.path]) == case.row.topic_cleared


def recover(bench: Bench, case: Case) -> None:
    """Do what the row's rule asks for."""
    case.cause_ends(bench)
    bench.run(SETTLE_MS)
    if case.row.recovery is Recovery.UNPLUGGED:
        assert case.row.code in bench.error_codes, "over before the EV was unplugged"
        bench.unplug()
    elif case.row.recovery is Recovery.RCD_TEST:
        assert case.row.code in bench.error_codes, "over before a test has passed"
        bench.pilot(CpState.B if bench.port.connected else CpState.A).send(events.RcdTestRequest()).run(5_000)


@pytest.mark.parametrize(
    "code", [case.row.code for case in CASES if case.row.recovery is not Recovery.RESTART]
)
def test_it_ends_as_declared_and_the_port_charges_again(code: str) -> None:
    case = BY_CODE[code]
    connected = case.while_charging is not None
    bench = fail(code, connected)
    recover(bench, case)
    assert bench.error_codes == [], bench.describe()
    bench.send(ALLOW)
    if not connected or case.row.recovery in (Recovery.UNPLUGGED, Recovery.CAUSE_GONE_THEN_UNPLUG):
        bench.unplug().plug()
    bench.run(60_000).pilot(CpState.C, SETTLE_MS)
    assert bench.charging, bench.describe()
    assert bench.lock_position is LockPosition.LOCKED


@pytest.mark.parametrize(
    "code", [case.row.code for case in CASES if case.row.recovery is Recovery.CAUSE_GONE_THEN_UNPLUG]
)
def test_power_returns_only_after_unplugging(code: str) -> None:
    bench = fail(code, connected=True)
    recover(bench, BY_CODE[code])
    bench.pilot(CpState.C, 60_000)
    assert bench.error_codes == []
    assert not bench.relay[1]


@pytest.mark.parametrize("code", [case.row.code for case in CASES if case.row.recovery is Recovery.RESTART])
def test_it_lasts_until_restart(code: str) -> None:
    bench = fail(code, connected=True)
    BY_CODE[code].cause_ends(bench)
    bench.run(SETTLE_MS).unplug().send(ALLOW).plug().pilot(CpState.C, 60_000)
    assert code in bench.error_codes
    assert not bench.relay[1]


@pytest.mark.parametrize("code", situations(connected=True))
def test_unplugging_during_the_error_leaves_the_reaction_for_no_ev(code: str) -> None:
    case = BY_CODE[code]
    bench = fail(code, connected=True).unplug(settle_ms=60_000)
    assert not bench.relay[1]
    if case.locked_after is not True:
        assert bench.lock_position is LockPosition.UNLOCKED
    if bench.port.connected or code not in bench.error_codes:
        return
    assert bench.duty_centi == DUTY[case.row.disconnected.duty]


@pytest.mark.parametrize("code", LOCK_CODES)
def test_the_lock_rows_all_demand_100_percent_and_no_power(code: str) -> None:
    for reaction in (BY_CODE[code].row.connected, BY_CODE[code].row.disconnected):
        assert (reaction.duty, reaction.contactor) == (Duty.STEADY, ContactorDemand.OPEN)


@pytest.mark.parametrize("one", [row.code for row in errors.ERRORS])
def test_the_strictest_demands_win_and_the_lock_follows_what_hides_the_ev_then_the_priority(one: str) -> None:
    ranks = [Duty.UNCHANGED, Duty.STEADY, Duty.NEGATIVE], list(ContactorDemand)
    for other in errors.ERRORS:
        rows = [errors.BY_CODE[one], other]
        for connected in (False, True):
            got = combined(rows, connected)
            asked = [row.connected if connected else row.disconnected for row in rows]
            assert got.duty is max((each.duty for each in asked), key=ranks[0].index)
            assert got.contactor is max((each.contactor for each in asked), key=ranks[1].index)
            by_priority = sorted(rows, key=lambda row: row.priority)
            ordered = [row.connected if connected else row.disconnected for row in by_priority]
            wanted = [each for each in ordered if each.lock is not LockDemand.UNCHANGED]
            hiding = [each for each in wanted if each.duty is Duty.NEGATIVE]
            asked_first = [each.lock for each in hiding or wanted]
            assert got.lock is (asked_first[0] if asked_first else LockDemand.UNCHANGED)


def test_errors_are_published_by_priority() -> None:
    bench = charging().send(events.EmergencyInput(True), events.ProximitySeen(Cable.NONE)).trip_rcd()
    bench.contactor_follows[1] = False
    bench.show_contactor(1, True).run(500)
    assert bench.error_codes == [
        "PowerSwitchFailure",
        "RcdGroundFailure",
        "EmergencyShutdown",
        "ProximityNoCable",
    ]


@pytest.mark.spec(39)
def test_a_welded_contactor_frees_the_plug_although_the_rcd_keeps_it() -> None:
    bench = charging()
    bench.contactor_follows[1] = False
    bench.trip_rcd().run(5_000)
    assert bench.error_codes == ["PowerSwitchFailure", "RcdGroundFailure"]
    assert bench.lock_position is LockPosition.UNLOCKED


def test_each_error_is_noted_when_it_comes_and_when_it_goes() -> None:
    bench = fail("PilotShorted", connected=True).pilot(CpState.B, 1_000)
    notes = [effect.text for _, effect in bench.log if isinstance(effect, Note)]
    assert [text.partition(":")[0] for text in notes] == ["PilotShorted", "PilotShorted is over"]


def test_a_board_failure_names_its_source() -> None:
    bench = fail("BoardFailure", connected=False)
    assert [effect for _, effect in bench.log if "(pilot_adc)" in str(effect)]


def test_a_short_board_fault_changes_nothing() -> None:
    bench = charging()
    began = bench.now
    bench.send(events.BoardFault("pilot_adc", True)).run(59).send(events.BoardFault("pilot_adc", False))
    assert bench.run(5_000).since(began) == []


def test_a_board_failure_ends_when_all_sources_have_worked_for_a_second() -> None:
    bench = charging().send(events.BoardFault("pilot_adc", True), events.BoardFault("lock_sense", True))
    bench.run(60)
    assert bench.error_codes == ["BoardFailure"]
    bench.send(events.BoardFault("pilot_adc", False)).run(60_000)
    assert bench.error_codes == ["BoardFailure"]
    bench.send(events.BoardFault("lock_sense", False)).run(999)
    assert bench.error_codes == ["BoardFailure"]
    bench.run(1)
    assert bench.error_codes == []
    assert bench.run(SETTLE_MS).charging


def test_a_board_failure_that_comes_back_within_the_second_goes_on() -> None:
    bench = charging().send(events.BoardFault("pilot_adc", True)).run(1_000)
    for _ in range(10):
        bench.send(events.BoardFault("pilot_adc", False)).run(900)
        bench.send(events.BoardFault("pilot_adc", True)).run(20)
    assert not bench.relay[1]
    assert bench.error_codes == ["BoardFailure"]
    assert DriveLock(LockMotion.UNLOCK) not in bench.since(30_000)
