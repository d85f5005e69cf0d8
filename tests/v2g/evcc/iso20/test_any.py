"""Whatever a charger of ISO 15118-20 says: nothing is raised, sessions end, and the power path is safe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.evcc.iso20.charger20 import Charger20, Rig20, car, name_of
from tests.v2g.evcc.order import check
from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.evcc.vehicle import EvError
from v2gexi import iso20_common as common
from v2gexi import v2gtp

CODES = (
    *("OK", "OK_OldSessionJoined", "OK_CertificateExpiresSoon", "FAILED", "FAILED_SequenceError"),
    *("WARNING_EIMAuthorizationFailure", "WARNING_StandbyNotAllowed", "WARNING_ScheduleRenegotiationFailed"),
)
NOTIFICATIONS = (
    *(None, "Pause", "ExitStandby", "Terminate", "ScheduleRenegotiation"),
    *("ServiceRenegotiation", "MeteringConfirmation"),
)
REQUESTS = (
    *("SessionSetupReq", "AuthorizationSetupReq", "AuthorizationReq", "ServiceDiscoveryReq"),
    *("ScheduleExchangeReq", "DC_CableCheckReq", "DC_WeldingDetectionReq", "MeteringConfirmationReq"),
    "SessionStopReq",
)
Whims = st.lists(
    st.one_of(
        *[st.just(("usual", None))] * 5,
        st.tuples(st.just("code"), st.sampled_from(CODES)),
        st.tuples(st.just("notification"), st.sampled_from(NOTIFICATIONS)),
        st.tuples(st.just("ongoing"), st.integers(0, 12)),
        st.tuples(st.just("volts"), st.integers(-32_768, 32_767)),
        st.tuples(st.just("numbers"), st.tuples(st.integers(-128, 127), st.integers(-32_768, 32_767))),
        st.tuples(st.just("target"), st.integers(-32_768, 32_767)),
        st.tuples(
            st.just("schedule"),
            st.lists(st.tuples(st.integers(0, 9), st.integers(-(10**6), 10**6)), min_size=1),
        ),
        st.tuples(st.just("clock"), st.integers(0, 2**40)),
        st.tuples(st.just("other"), st.sampled_from(REQUESTS)),
        st.tuples(st.just("bytes"), st.binary(max_size=40)),
        st.tuples(st.just("payload"), st.binary(max_size=40)),
        st.tuples(st.just("flip"), st.integers(0, 800)),
        st.tuples(st.just("silence"), st.none()),
        st.tuples(st.just("stop"), st.none()),
        st.tuples(st.just("pause"), st.none()),
        st.tuples(st.just("standby"), st.booleans()),
        st.tuples(st.just("renegotiate"), st.none()),
        st.tuples(st.just("error"), st.sampled_from(list(EvError))),
        st.tuples(st.just("lock"), st.none()),
        st.tuples(st.just("contactors"), st.sampled_from((True, False, None))),
        st.tuples(st.just("current"), st.sampled_from((None, 0.0, 30.0, -30.0))),
        st.tuples(st.just("cut"), st.none()),
    ),
    max_size=40,
)
FIELDS = {
    "notification": "notification",
    "ongoing": "ongoing",
    "volts": "voltage_v",
    "target": "target_w",
    "schedule": "schedule",
    "clock": "clock_s",
}


class Whimsical(Charger20):
    """Answers after a list of whims; when it is at its end, as usual."""

    rig: Rig20

    def __init__(self, kind: str, whims: list[tuple[str, Any]]) -> None:
        super().__init__(kind)
        self.whims = list(reversed(whims))
        self.meter = common.MeterInfoType(MeterID="m", ChargedEnergyReadingWh=1)

    def answer(self, body: Any) -> Any:
        name = name_of(body)
        self.counts[name] = self.counts.get(name, 0) + 1
        what: str
        value: Any
        what, value = self.whims.pop() if self.whims else ("usual", None)
        facts: dict[str, dict[str, Any]] = {
            "stop": {"stop": True},
            "pause": {"pause": True},
            "renegotiate": {"renegotiate": True},
            "standby": {"standby": value},
            "error": {"error": value},
            "lock": {"connector_locked": False},
            "contactors": {"contactors_closed": value},
            "current": {"present_current_a": value},
        }
        if what in FIELDS:
            setattr(self, FIELDS[what], value)
        elif what in facts:
            self.rig.at(1, lambda: self.rig.change(**facts[what]))
        elif what == "cut":
            self.rig.at(1, lambda: self.rig.does(self.rig.core.disconnected(self.rig.now_ms)))
        elif what == "silence":
            return None
        elif what == "bytes":
            return value or None
        elif what == "payload":
            return v2gtp.pack(value, v2gtp.PayloadType.COMMON)
        response = self.usual(name, body)
        if what == "other":
            response = self.usual(value, body)
        elif what == "code":
            response.ResponseCode = value
        elif what == "numbers":
            spoil(response, *value)
        elif what == "flip":
            frame = bytearray(self.rig.frame(response))
            at = 8 * 8 + value % (8 * (len(frame) - 8))
            frame[at // 8] ^= 0x80 >> at % 8
            return bytes(frame)
        return response


def spoil(message: Any, exponent: int, value: int) -> None:
    """Set every number in a message."""
    for name in getattr(message, "__match_args__", ()):
        child = getattr(message, name)
        if isinstance(child, common.RationalNumberType):
            setattr(message, name, common.RationalNumberType(Exponent=exponent, Value=value))
        elif isinstance(child, list):
            for each in child:
                spoil(each, exponent, value)
        elif hasattr(child, "__match_args__"):
            spoil(child, exponent, value)


@pytest.mark.spec(351)
@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["dc", "ac", "mcs"]),
    dynamic=st.booleans(),
    both_ways=st.booleans(),
    whims=Whims,
    obeys=st.booleans(),
)
def test_any_responses(
    kind: str, dynamic: bool, both_ways: bool, whims: list[tuple[str, Any]], obeys: bool
) -> None:
    charger: Any = Whimsical(kind, whims)
    rig = Rig20.__new__(Rig20)
    charger.rig = rig
    vehicle = car(kind, setup={"dynamic_mode": dynamic, "bidirectional": both_ways})
    rig.__init__(AC_PROTOCOL if kind == "ac" else DC_PROTOCOL, charger, vehicle)  # type: ignore[misc]
    rig.obeys = obeys
    rig.run(within_ms=30_000)
    if rig.ended is None:
        rig.change(stop=True)
        rig.run(within_ms=300_000)
    assert rig.ended is not None
    rig.run(lambda: False, within_ms=10_000)
    assert rig.core.deadline() is None
    check(rig)


def test_whims_reach_the_numbers() -> None:
    charger = Charger20("dc")
    response = charger.usual("DC_ChargeParameterDiscoveryReq", None)
    spoil(response, 3, -7)
    assert response.DC_CPDResEnergyTransferMode.EVSEMaximumVoltage.Value == -7


def test_every_step_is_described_as_it_behaves() -> None:
    """Steps lead to steps of their table, have times, and the fields of their limits exist."""
    for protocol in (AC_PROTOCOL, DC_PROTOCOL):
        for name, step in protocol.steps.items():
            assert step.name == name
            assert step.request in protocol.messages
            assert {*step.leads_to, step.stop, step.renegotiate} <= {*protocol.steps, ""}
            assert not step.limit or getattr(protocol.times, step.limit) > 0
            assert step.meaning.endswith(".")
            assert not step.power or step.pilot == "C"
