"""A vehicle and a charging station of the ``iso15118`` package charge with our codec in both, without
Java."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.v2gexi import josev_rig
from tests.v2gexi.exificient import Exificient
from tests.v2gexi.josev_rig import Session

CYCLES: Final = 3
# A limit of 0.25 s that a busy machine misses may end a session: the vehicle then begins another one.
ATTEMPTS: Final = 3

DIN: Final = "urn:din:70121:2012:MsgDef"
ISO2: Final = "urn:iso:15118:2:2013:MsgDef"
ISO20: Final = "urn:iso:std:iso:15118:-20:"
SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
TLS: Final = {"useTls": True, "enforceTls": True}
EIM: Final = {"AUTH_MODES": "EIM"}
PNC: Final = {"AUTH_MODES": "PNC", "PKI_PATH": "{pki}/"}


@dataclass(frozen=True)
class Case:
    """A kind of session: the vehicle's configuration, both sides' settings, and what must be among the
    requests."""

    vehicle: dict[str, Any]
    loop: str
    namespaces: set[str]
    settings: dict[str, str] = field(default_factory=lambda: EIM)
    signed: set[str] = field(default_factory=set)


def iso2(mode: str, **more: Any) -> dict[str, Any]:
    services = {"supportedEnergyServices": [mode[:2]], "energyTransferMode": mode}
    return {"supportedProtocols": ["ISO_15118_2"], **services, **more}


def iso20(service: str, **more: Any) -> dict[str, Any]:
    return {
        "supportedProtocols": [f"ISO_15118_20_{service[:2]}"],
        "supportedEnergyServices": [service],
        **more,
    }


AC20, DC20 = {f"{ISO20}CommonMessages", f"{ISO20}AC"}, {f"{ISO20}CommonMessages", f"{ISO20}DC"}
CASES: Final = {
    "din-dc": Case(
        {"supportedProtocols": ["DIN_SPEC_70121"], "energyTransferMode": "DC_extended"},
        "CurrentDemandReq",
        {DIN},
    ),
    "iso2-ac": Case(iso2("AC_three_phase_core"), "ChargingStatusReq", {ISO2}),
    "iso2-dc": Case(iso2("DC_extended"), "CurrentDemandReq", {ISO2}),
    "iso2-dc-pnc-tls": Case(
        iso2("DC_extended", **TLS),
        "CurrentDemandReq",
        {ISO2, SIGNATURE},
        {**PNC, "SECC_ENFORCE_TLS": "true"},
        {"AuthorizationReq", "SignedInfo"},
    ),
    "iso2-dc-certificate-tls": Case(
        iso2("DC_extended", **TLS, isCertInstallNeeded=True),
        "CurrentDemandReq",
        {ISO2, SIGNATURE},
        {**PNC, "SECC_ENFORCE_TLS": "true"},
        {"CertificateInstallationReq", "SignedInfo"},
    ),
    "iso20-ac": Case(iso20("AC"), "AC_ChargeLoopReq", AC20),
    "iso20-ac-bpt": Case(iso20("AC_BPT"), "AC_ChargeLoopReq", AC20),
    "iso20-dc": Case(iso20("DC"), "DC_ChargeLoopReq", DC20),
    "iso20-dc-bpt": Case(iso20("DC_BPT"), "DC_ChargeLoopReq", DC20),
    "iso20-dc-pnc-tls": Case(
        iso20("DC", **TLS),
        "DC_ChargeLoopReq",
        DC20 | {SIGNATURE},
        {**PNC, "SECC_ENFORCE_TLS": "true", "ENABLE_TLS_1_3": "true"},
        {"PnC_AReqAuthorizationMode", "SignedInfo"},
    ),
}

_sessions: dict[str, Session] = {}


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> Path:
    return josev_rig.certificates(tmp_path_factory.mktemp("josev") / "pki")


@pytest.fixture(params=CASES)
def case(request) -> str:
    reason = josev_rig.missing()
    if reason:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def session(case: str, tmp_path_factory, request) -> Session:
    """The session of a case; each is run once."""
    if case not in _sessions:
        of = CASES[case]
        settings = dict(of.settings)
        if "PKI_PATH" in settings:
            settings["PKI_PATH"] = settings["PKI_PATH"].format(pki=request.getfixturevalue("pki"))
        loop = {"chargeLoopCycle": CYCLES, "chargeLoopDelay": 0, "sdpRetryCycles": ATTEMPTS, "useTls": False}
        _sessions[case] = josev_rig.run(tmp_path_factory.mktemp(case), loop | of.vehicle, settings)
    return _sessions[case]


def test_the_session_is_completed(case: str, session: Session) -> None:
    of = CASES[case]
    vehicle, station = session.vehicle, session.station
    assert vehicle.exit_code == 0, vehicle.log + station.log
    sent = vehicle.names("encode")
    assert sent.count(of.loop) >= CYCLES - 1
    assert sent[-1] == "SessionStopReq"
    assert vehicle.names("decode")[-1] == "SessionStopRes"
    assert of.signed <= set(sent)
    assert {call.namespace for call in vehicle.calls} >= of.namespaces
    assert vehicle.calls[0].namespace == "urn:iso:15118:2:2010:AppProtocol"


def test_java_was_not_there(session: Session) -> None:
    # Their PATH has no java either; the gateway to it is imported when it is started.
    assert not session.vehicle.used_py4j
    assert not session.station.used_py4j


def test_each_side_reads_what_the_other_has_written(session: Session) -> None:
    for reader, writer in ((session.vehicle, session.station), (session.station, session.vehicle)):
        written = {(call.namespace, call.payload) for call in writer.calls if call.direction == "encode"}
        read = [call for call in reader.calls if call.direction == "decode"]
        assert read
        assert {(call.namespace, call.payload) for call in read} <= written


def test_exificient_writes_the_same_bytes(session: Session, exificient: Exificient) -> None:
    calls = [call for side in (session.vehicle, session.station) for call in side.calls]
    written = {call.payload: call for call in calls if call.direction == "encode"}
    for payload, call in written.items():
        theirs = exificient.ask("json-encode", call.namespace, json.dumps(call.message))
        assert (call.name, theirs.must()) == (call.name, payload)
