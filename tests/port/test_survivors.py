"""Small promises that the themed tests leave unsaid."""

from __future__ import annotations

from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import Note
from chargectl.port.settings import PhaseSettings, PortSettings, VentilationSettings
from tests.port.bench import Bench


def test_a_ventilation_that_the_customer_announces_needs_no_relay_of_ours() -> None:
    ventilation = VentilationSettings(enable=True, external=True)
    bench = Bench(PortSettings(evse_limit_a=16, ventilation=ventilation))
    bench.send(events.VentilationAvailable(True)).charge().pilot(CpState.D, 10_000)
    assert bench.charging
    assert not bench.relay[2]
    bench.contactor_follows[2] = False
    bench.send(events.VentilationTarget(True)).run(10_000)
    assert not bench.charging


def test_only_an_ignored_phase_count_is_worth_a_line() -> None:
    bench = Bench(PortSettings(evse_limit_a=16, phases=PhaseSettings(enable=True)))
    for count, noted in ((1, 0), (3, 0), (2, 1), (0, 2)):
        bench.send(events.PhaseTarget(count))
        assert len([e for _, e in bench.log if isinstance(e, Note)]) == noted, count


def test_a_contactor_that_failed_to_close_is_switched_off() -> None:
    bench = Bench(PortSettings(evse_limit_a=16))
    bench.contactor_follows[1] = False
    bench.plug().run(10_000).pilot(CpState.C, 10_000)
    assert bench.error_codes == ["PowerSwitchFailure"]
    assert not bench.port.path.primary.target
    assert not bench.relay[1]
