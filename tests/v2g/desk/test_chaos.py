"""Station and car against each other, with whatever may go wrong: every session ends, power off."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.desk.pair import LIMIT_S, charge

BASES: Final = {
    ("din", "dc"): (
        "SessionSetup",
        "ServiceDiscovery",
        "ServicePaymentSelection",
        "ContractAuthentication",
        "ChargeParameterDiscovery",
        "CableCheck",
        "PreCharge",
        "PowerDelivery",
        "CurrentDemand",
        "WeldingDetection",
        "SessionStop",
    ),
    ("iso2", "dc"): (
        "SessionSetup",
        "ServiceDiscovery",
        "PaymentServiceSelection",
        "Authorization",
        "ChargeParameterDiscovery",
        "CableCheck",
        "PreCharge",
        "PowerDelivery",
        "CurrentDemand",
        "WeldingDetection",
        "SessionStop",
    ),
    ("iso2", "ac"): (
        "SessionSetup",
        "ServiceDiscovery",
        "Authorization",
        "ChargeParameterDiscovery",
        "PowerDelivery",
        "ChargingStatus",
        "SessionStop",
    ),
    ("iso20", "dc"): (
        "SessionSetup",
        "AuthorizationSetup",
        "Authorization",
        "ServiceDiscovery",
        "ServiceDetail",
        "ServiceSelection",
        "DC_ChargeParameterDiscovery",
        "ScheduleExchange",
        "DC_CableCheck",
        "DC_PreCharge",
        "PowerDelivery",
        "DC_ChargeLoop",
        "DC_WeldingDetection",
        "SessionStop",
    ),
    ("iso20", "ac"): (
        "SessionSetup",
        "AuthorizationSetup",
        "Authorization",
        "ServiceSelection",
        "AC_ChargeParameterDiscovery",
        "ScheduleExchange",
        "PowerDelivery",
        "AC_ChargeLoop",
        "SessionStop",
    ),
}
DAMAGE: Final = ("drop", "twice", "cut", "garbage", "header", "session_id", "other", "close", "reset")
STATION: Final = (
    "shutdown",
    "malfunction",
    "emergency",
    "utility_interrupt",
    "back_to_b",
    "pilot_lost",
    "abort",
)
WISHES: Final = ("pause_after_s", "renegotiate_after_s")


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, Any]:
    """A session: its kind, what is damaged at either side, and what either side wants meanwhile."""
    kind = draw(st.sampled_from(sorted(BASES)))
    bases = st.sampled_from(BASES[kind])

    def damage(ending: str) -> st.SearchStrategy[str]:
        late = st.floats(0.01, 4).map(lambda s: f"={s:.2f}")
        return st.one_of(
            st.builds(
                lambda name, base, n: f"{name}@{base}{ending}#{n}", st.sampled_from(DAMAGE), bases, _COUNTS
            ),
            st.builds(lambda base, n, s: f"delay@{base}{ending}#{n}{s}", bases, _COUNTS, late),
        )

    station = st.builds(
        lambda name, base, n: f"{name}@{base}Req#{n}", st.sampled_from(STATION), bases, _COUNTS
    )
    wishes = st.dictionaries(st.sampled_from(WISHES), st.floats(0, 3), max_size=2)
    return {
        "protocol": kind[0],
        "mode": kind[1],
        "charger_faults": tuple(draw(st.lists(st.one_of(damage("Res"), station), max_size=3))),
        "car_faults": tuple(draw(st.lists(damage("Req"), max_size=3))),
        "charger": draw(wishes),
        "car": draw(wishes),
        "seed": draw(st.integers(0, 99)),
    }


_COUNTS: Final = st.integers(1, 4)


@settings(max_examples=150, deadline=None)
@given(sessions())
def test_every_session_ends_with_the_power_off(session: dict[str, Any]):
    outcome = charge(**session)
    assert outcome.car_result is not None, outcome.car_log
    assert outcome.charger_fine is not None, outcome.charger_log
    assert outcome.seconds < LIMIT_S
    assert outcome.power_outside == []
    assert outcome.contactor_closed is not True
    assert outcome.contactors_closed is not True
