"""Whatever a charger says, in whatever order: nothing is raised, sessions end, and the power path is safe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.evcc.charger import Charger, name_of
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN, ISO_2, EnergyMode
from v2g.evcc.din.protocol import PROTOCOL as DIN_PROTOCOL
from v2g.evcc.iso2.protocol import PROTOCOL as ISO_2_PROTOCOL
from v2g.evcc.vehicle import EvError, Setup, Vehicle
from v2gexi import din, iso2, v2gtp

STATUSES = (
    *("EVSE_NotReady", "EVSE_Ready", "EVSE_Shutdown", "EVSE_UtilityInterruptEvent", "Reserved_8"),
    *("EVSE_IsolationMonitoringActive", "EVSE_EmergencyShutdown", "EVSE_Malfunction"),
)
CODES = ("OK", "OK_OldSessionJoined", "OK_CertificateExpiresSoon", "FAILED", "FAILED_SequenceError")
REQUESTS = {
    din: (
        *(
            "SessionSetupReq",
            "ServiceDiscoveryReq",
            "ServicePaymentSelectionReq",
            "ContractAuthenticationReq",
        ),
        *("ChargeParameterDiscoveryReq", "CableCheckReq", "WeldingDetectionReq", "SessionStopReq"),
    ),
    iso2: (
        *("SessionSetupReq", "ServiceDiscoveryReq", "PaymentServiceSelectionReq", "AuthorizationReq"),
        *("ChargeParameterDiscoveryReq", "CableCheckReq", "WeldingDetectionReq", "SessionStopReq"),
        *("PaymentDetailsReq", "ChargingStatusReq", "MeteringReceiptReq"),
    ),
}
Whims = st.lists(
    st.one_of(
        st.just(("usual", None)),
        st.just(("usual", None)),
        st.just(("usual", None)),
        st.tuples(st.just("code"), st.sampled_from(CODES)),
        st.tuples(st.just("status"), st.sampled_from(STATUSES)),
        st.tuples(st.just("notification"), st.sampled_from(("None", "StopCharging", "ReNegotiation"))),
        st.tuples(st.just("isolation"), st.sampled_from((None, "Invalid", "Valid", "Warning", "Fault"))),
        st.tuples(st.just("ongoing"), st.integers(0, 3)),
        st.tuples(st.just("volts"), st.integers(-32_768, 32_767)),
        st.tuples(st.just("amperes"), st.integers(-32_768, 32_767)),
        st.tuples(st.just("multiplier"), st.integers(-3, 3)),
        st.tuples(st.just("other"), st.integers(0, 10)),
        st.tuples(st.just("bytes"), st.binary(max_size=40)),
        st.tuples(st.just("payload"), st.binary(max_size=40)),
        st.tuples(st.just("flip"), st.integers(0, 400)),
        st.tuples(st.just("silence"), st.none()),
        st.tuples(st.just("stop"), st.none()),
        st.tuples(st.just("pause"), st.none()),
        st.tuples(st.just("renegotiate"), st.none()),
        st.tuples(st.just("error"), st.sampled_from(list(EvError))),
        st.tuples(st.just("lock"), st.none()),
        st.tuples(st.just("contactors"), st.sampled_from((True, False, None))),
        st.tuples(st.just("current"), st.sampled_from((None, 0.0, 30.0, -30.0))),
        st.tuples(st.just("cut"), st.none()),
    ),
    max_size=30,
)


class Whimsical(Charger):
    """Answers after a list of whims; when it is at its end, as usual."""

    rig: Rig
    multiplier = 0

    def __init__(self, module: Any, dc: bool, whims: list[tuple[str, Any]]) -> None:
        super().__init__(module, dc=dc)
        self.whims = list(reversed(whims))

    def physical(self, unit: str, value: int) -> Any:
        return self.module.PhysicalValueType(
            Multiplier=self.multiplier, Unit=unit, Value=max(min(value, 32_767), -32_768)
        )

    def answer(self, body: Any) -> Any:
        name = name_of(body)
        self.counts[name] = self.counts.get(name, 0) + 1
        what: str
        value: Any
        what, value = self.whims.pop() if self.whims else ("usual", None)
        fields = {
            "status": "status",
            "notification": "notification",
            "isolation": "isolation",
            "ongoing": "ongoing",
            "multiplier": "multiplier",
            "volts": "voltage_v",
        }
        facts = {
            "stop": {"stop": True},
            "pause": {"pause": True},
            "renegotiate": {"renegotiate": True},
            "error": {"error": value},
            "lock": {"connector_locked": False},
            "contactors": {"contactors_closed": value},
            "current": {"present_current_a": value},
        }
        if what in fields:
            setattr(self, fields[what], value)
        elif what in facts:
            self.rig.at(1, lambda: self.rig.change(**facts[what]))
        elif what == "cut":
            self.rig.at(1, lambda: self.rig.does(self.rig.core.disconnected(self.rig.now_ms)))
        elif what == "silence":
            return None
        elif what == "bytes":
            return value or None
        elif what == "payload":
            return v2gtp.pack(value)
        response = self.usual(name, body)
        if what == "other":
            names = REQUESTS[self.module]
            other = names[value % len(names)]
            made = {"ChargingStatusReq": self.module is iso2 and not self.dc}.get(other, True)
            if made and other != "ChargeParameterDiscoveryReq":
                response = self.usual(other, body)
        elif what == "code":
            response.ResponseCode = value
        elif what == "amperes" and hasattr(response, "EVSEPresentCurrent"):
            response.EVSEPresentCurrent = self.physical("A", value)
        elif what == "flip":
            frame = bytearray(self.rig.frame(response))
            at = 8 * 8 + value % (8 * (len(frame) - 8))
            frame[at // 8] ^= 0x80 >> at % 8
            return bytes(frame)
        return response


@pytest.mark.spec(351)
@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(["din", "iso2 dc", "iso2 ac"]), whims=Whims, obeys=st.booleans())
def test_any_responses(kind: str, whims: list[tuple[str, Any]], obeys: bool) -> None:
    dc = kind != "iso2 ac"
    namespace, protocol, module = (DIN, DIN_PROTOCOL, din) if kind == "din" else (ISO_2, ISO_2_PROTOCOL, iso2)
    modes = (EnergyMode.DC_EXTENDED,) if dc else (EnergyMode.AC_THREE_PHASE,)
    charger = Whimsical(module, dc, whims)
    rig = Rig.__new__(Rig)
    charger.rig = rig
    rig.__init__(protocol, charger, Vehicle(setup=Setup(protocols=(namespace,), energy_modes=modes)))  # type: ignore[misc]
    rig.obeys = obeys
    rig.run(within_ms=30_000)
    if rig.ended is None:
        rig.change(stop=True)
        rig.run(within_ms=200_000)
    assert rig.ended is not None
    rig.run(lambda: False, within_ms=10_000)
    assert rig.core.deadline() is None
    check(rig)


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes(data: list[bytes]) -> None:
    rig = Rig(DIN_PROTOCOL, Charger(), Vehicle(setup=Setup(protocols=(DIN,)))).until("ContractAuthentication")
    for each in data:
        rig.data(each)
    rig.charger.script["ContractAuthenticationReq"] = lambda charger, body: None
    rig.run()
    assert rig.ended is not None
    check(rig)


def test_every_step_is_described_as_it_behaves() -> None:
    """Steps lead to steps of their table, have times, and the fields of their limits exist."""
    for protocol in (DIN_PROTOCOL, ISO_2_PROTOCOL):
        for name, step in protocol.steps.items():
            assert step.name == name
            assert step.request in protocol.messages
            assert {*step.leads_to, step.stop, step.renegotiate} <= {*protocol.steps, ""}
            assert not step.limit or getattr(protocol.times, step.limit) > 0
            assert step.meaning.endswith(".")
            assert not step.power or step.pilot == "C"
