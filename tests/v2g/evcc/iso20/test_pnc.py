"""Plug & Charge of ISO 15118-20: contracts, signatures, issued certificates, confirmed readings."""

from __future__ import annotations

import base64
import os
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.v2g.evcc.charger import SESSION_ID
from tests.v2g.evcc.iso20.charger20 import Charger20, car, changed, name_of, session
from tests.v2g.evcc.order import check
from tests.v2g.link import joined
from v2g.common.terms import ISO_20_AC, ISO_20_DC, ISO_20_TLS, EnergyMode, Payment
from v2g.evcc import effects
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.evcc.vehicle import Provisioning, Setup, Vehicle
from v2g.evcc.wallet import Wallet
from v2g.secc import effects as evse
from v2g.secc import station as secc_station
from v2g.secc.facts import EvFact
from v2g.secc.iso20.protocol import AC_PROTOCOL as SECC_AC
from v2g.secc.iso20.protocol import DC_PROTOCOL as SECC_DC
from v2g.secc.station import MeterReading, Station
from v2g.security.certificates import from_der
from v2g.security.contract_keys import seal_iso20
from v2g.security.pki.maker import Wishes, make
from v2g.security.profiles import Generation
from v2g.security.signatures import sign, verify
from v2g.security.trust_store import TrustStore
from v2gexi import iso20_common as common

UNIX_S = 1_700_000_000
EMAID = "DEV2GC12345678X"


@cache
def files() -> dict[str, bytes]:
    start = datetime.fromtimestamp(UNIX_S - 3_600, UTC)
    wishes = Wishes(generation=Generation.ISO20, emaid=EMAID, start=start)
    return {file.name: file.content for file in make(wishes)}


def chain(name: str) -> list[Any]:
    found = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", files()[f"{name}.pem"], re.DOTALL)
    return [from_der(base64.b64decode(each), name) for each in found]


@cache
def key(name: str) -> Any:
    return load_pem_private_key(files()[f"{name}.key"], None)


def wallet(**more: Any) -> Wallet:
    facts: dict[str, Any] = {
        "contract": chain("contract-chain"),
        "contract_key": key("contract"),
        "provisioning": chain("oem-chain"),
        "provisioning_key": key("oem"),
        "trusted": chain("v2g-root"),
    }
    return Wallet(lambda: UNIX_S, **(facts | more))


def contract_session(kind: str = "dc", provisioning: Provisioning = Provisioning.NONE, **more: Any) -> Any:
    signer = more.pop("signer", None) or wallet()
    setup = {"payment": Payment.CONTRACT, "provisioning": provisioning} | more.pop("setup", {})
    rig = session(kind, car(kind, setup=setup), tls=more.pop("tls", True), signer=signer, **more)
    rig.charger.authorizations = ["EIM", "PnC"]
    rig.charger.certificates = True
    return rig


def test_the_contract_is_shown_and_the_challenge_signed() -> None:
    rig = contract_session().until("ServiceDiscovery")
    asked = [each for each in rig.sent if name_of(each) == "AuthorizationReq"]
    assert len(asked) == 2
    for message in asked:
        assert message.SelectedAuthorizationService == "PnC"
        assert message.EIM_AReqAuthorizationMode is None
        shown = message.PnC_AReqAuthorizationMode
        assert shown.GenChallenge == bytes(range(16))
        assert shown.ContractCertificateChain.Certificate == chain("contract")[0].der
        assert len(shown.ContractCertificateChain.SubCertificates.Certificate) == 2
        assert verify(message, key("contract").public_key()) == []
    assert all(each.Header.Signature is None for each in rig.sent if each not in asked)


@pytest.mark.parametrize(
    ("tls", "empty", "services", "why"),
    [
        (False, False, ["EIM", "PnC"], "not encrypted"),
        (True, True, ["EIM", "PnC"], "no contract certificate"),
        (True, False, ["EIM"], "does not offer"),
    ],
)
def test_external_identification_where_a_contract_cannot_pay(
    tls: bool, empty: bool, services: list[str], why: str
) -> None:
    rig = contract_session(tls=tls, signer=wallet(contract=()) if empty else None)
    rig.charger.authorizations = services
    rig.until("ChargeLoop")
    assert any(why in line for line in rig.logs)
    assert rig.last("AuthorizationReq").SelectedAuthorizationService == "EIM"


@pytest.mark.parametrize(
    "code", ["WARNING_ChallengeInvalid", "WARNING_eMSPUnknown", "WARNING_CertificateExpired"]
)
@pytest.mark.parametrize("eim", [True, False])
def test_a_refused_contract(code: str, eim: bool) -> None:
    rig = contract_session()
    if not eim:
        rig.charger.authorizations = ["PnC"]

    def answer(charger: Charger20, body: Any) -> Any:
        response = charger.usual("AuthorizationReq", body)
        if body.SelectedAuthorizationService == "PnC":
            response.ResponseCode = code
        return response

    rig.charger.script["AuthorizationReq"] = answer
    if eim:
        rig.until("ChargeLoop")
        assert rig.last("AuthorizationReq").SelectedAuthorizationService == "EIM"
        assert rig.core.session.payment is Payment.EXTERNAL
    else:
        rig.run()
        assert rig.ended == effects.SessionEnded("no way to pay: the charger takes PnC", ok=False)
    assert f"not authorised: {code}" in rig.logs


def test_a_provider_that_is_not_named_is_tried_all_the_same() -> None:
    rig = contract_session()

    def answer(charger: Charger20, body: Any) -> Any:
        response = charger.usual("AuthorizationSetupReq", body)
        response.PnC_ASResAuthorizationMode.SupportedProviders = common.SupportedProvidersListType(
            ProviderID=["FR-ABC", "NL*XYZ"]
        )
        return response

    rig.charger.script["AuthorizationSetupReq"] = answer
    rig.until("ChargeLoop")
    assert any("does not name the contract's provider" in line for line in rig.logs)
    assert rig.last("AuthorizationReq").SelectedAuthorizationService == "PnC"


def test_a_key_that_does_not_sign_ends_the_session_in_order() -> None:
    rig = contract_session(signer=wallet(contract_key=None)).run()
    assert rig.ended is not None
    assert rig.ended.reason == "AuthorizationReq cannot be made: the contract key is missing"
    assert rig.requests[-1] == "SessionStopReq"


# ---------------------------------------------------------------------- certificates


def issued(charger: Charger20, spoil: str = "") -> Any:
    """A contract as a provisioning service issues it."""
    new, service = chain("contract-chain"), chain("cps-chain")
    sealed = seal_iso20(
        key("contract"),
        key("oem").public_key(),
        chain("oem")[0].common_name,
        new[0].subject_key_identifier or b"",
        os.urandom,
    )
    if spoil == "key":
        sealed = sealed._replace(encrypted=sealed.encrypted[:-1] + bytes([sealed.encrypted[-1] ^ 1]))
    subs = common.SubCertificatesType(Certificate=[each.der for each in new[1:]])
    message = common.CertificateInstallationResType(
        Header=charger.header(),
        ResponseCode="OK",
        EVSEProcessing="Finished",
        CPSCertificateChain=common.CertificateChainType(
            Certificate=service[0].der,
            SubCertificates=common.SubCertificatesType(Certificate=[each.der for each in service[1:]]),
        ),
        SignedInstallationData=common.SignedInstallationDataType(
            Id="id1",
            ContractCertificateChain=common.ContractCertificateChainType(
                Certificate=new[0].der, SubCertificates=subs
            ),
            ECDHCurve="SECP521",
            DHPublicKey=sealed.public_key,
            SECP521_EncryptedPrivateKey=sealed.encrypted,
        ),
        RemainingContractCertificateChains=0,
    )
    message.Header.Signature = sign(message, key("contract" if spoil == "signature" else "cps"))
    return message


def installing(rig: Any, spoil: str = "") -> None:
    """The backend answers the second request."""

    def answer(charger: Charger20, body: Any) -> Any:
        if charger.count("CertificateInstallationReq") == 1:
            return charger.no_certificate("OK", "Ongoing")
        return issued(charger, spoil)

    rig.charger.script["CertificateInstallationReq"] = answer


@pytest.mark.parametrize("spoil", ["", "key", "signature"])
def test_installation(spoil: str) -> None:
    stored: list[Any] = []
    signer = wallet(contract=(), contract_key=None, issued=lambda chain, key: stored.append(list(chain)))
    rig = contract_session(provisioning=Provisioning.INSTALL, signer=signer)
    installing(rig, spoil)
    rig.until("ServiceDiscovery")
    request = rig.last("CertificateInstallationReq")
    assert verify(request, key("oem").public_key()) == []
    assert request.OEMProvisioningCertificateChain.Certificate == chain("oem")[0].der
    assert len(request.ListOfRootCertificateIDs.RootCertificateID) == 1
    assert rig.requests.count("CertificateInstallationReq") == 2
    assert ChargerFact.CERTIFICATE in [each.fact for each in rig.all(effects.ChargerTold)]
    asked = rig.last("AuthorizationReq")
    if spoil:
        assert any(line.startswith("the issued certificate cannot be used") for line in rig.logs)
        assert asked.SelectedAuthorizationService == "EIM"
        assert not stored
    else:
        assert stored[0] == [each.der for each in chain("contract-chain")]
        assert asked.SelectedAuthorizationService == "PnC"
        assert verify(asked, key("contract").public_key()) == []


def test_a_backend_without_a_certificate() -> None:
    signer = wallet(contract=(), contract_key=None)
    rig = contract_session(provisioning=Provisioning.INSTALL, signer=signer).until("ChargeLoop")
    assert "no certificate was issued: WARNING_NoCertificateAvailable" in rig.logs
    assert rig.last("AuthorizationReq").SelectedAuthorizationService == "EIM"
    assert rig.requests.count("CertificateInstallationReq") == 1


def test_a_backend_that_never_answers() -> None:
    rig = contract_session(provisioning=Provisioning.INSTALL)
    rig.charger.script["CertificateInstallationReq"] = lambda charger, body: charger.no_certificate(
        "OK", "Ongoing"
    )
    rig.run()
    assert rig.ended is not None
    assert "CertificateInstallation is not finished in time" in rig.ended.reason
    assert rig.requests[-1] == "SessionStopReq"


# ---------------------------------------------------------------------- readings


@pytest.mark.parametrize("kind", ["ac", "dc"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_readings_are_confirmed(kind: str, dynamic: bool) -> None:
    rig = contract_session(kind, setup={"dynamic_mode": dynamic})
    rig.charger.meter = common.MeterInfoType(MeterID="meter", ChargedEnergyReadingWh=4_711)
    rig.until("ChargeLoop")
    rig.charger.notification = "MeteringConfirmation"
    rig.run(lambda: rig.charger.count("MeteringConfirmationReq") == 1)
    message = rig.last("MeteringConfirmationReq")
    data = message.SignedMeteringData
    assert (data.SessionID, data.MeterInfo.ChargedEnergyReadingWh) == (SESSION_ID, 4_711)
    assert (data.Dynamic_SMDTControlMode is not None) is dynamic
    if not dynamic:
        assert data.Scheduled_SMDTControlMode.SelectedScheduleTupleID == 7
    assert verify(message, key("contract").public_key()) == []
    seen = [each for each in rig.all(effects.MessageSeen) if each.name == "MeteringConfirmationReq"]
    assert seen[0].payload_type == 0x8102
    rig.run(within_ms=1_000)
    assert rig.core.state == "ChargeLoop"
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_a_charger_that_asks_all_the_time_gets_a_confirmation_every_second() -> None:
    rig = contract_session()
    rig.charger.meter = common.MeterInfoType(MeterID="meter", ChargedEnergyReadingWh=4_711)
    rig.until("ChargeLoop")

    def answer(charger: Charger20, body: Any) -> Any:
        response = charger.usual("MeteringConfirmationReq", body)
        charger.notification = "MeteringConfirmation"
        return response

    rig.charger.notification = "MeteringConfirmation"
    rig.charger.script["MeteringConfirmationReq"] = answer
    rig.run(within_ms=5_000)
    assert rig.charger.count("MeteringConfirmationReq") in (4, 5)
    assert rig.charger.count("DC_ChargeLoopReq") < 70


def test_a_confirmation_that_does_not_hold() -> None:
    rig = contract_session()
    rig.charger.meter = common.MeterInfoType(MeterID="meter", ChargedEnergyReadingWh=4_711)
    rig.charger.notification = "MeteringConfirmation"
    rig.charger.script["MeteringConfirmationReq"] = changed(ResponseCode="FAILED_MeteringSignatureNotValid")
    rig.run()
    assert rig.ended is not None
    assert "FAILED_MeteringSignatureNotValid" in rig.ended.reason
    check(rig)


def test_no_secret_is_shown() -> None:
    rig = contract_session().until("ChargeLoop")
    shown = " ".join(repr(each) for _, each in rig.happened) + repr(rig.core.session.agreed)
    assert EMAID not in shown
    assert repr(bytes(range(16))) not in shown


# ---------------------------------------------------------------------- both cores


@pytest.mark.parametrize("kind", ["ac", "dc"])
def test_both_cores_charge_by_contract(kind: str) -> None:
    modes = (EnergyMode.AC_THREE_PHASE,) if kind == "ac" else (EnergyMode.DC_EXTENDED,)
    station = Station(
        setup=secc_station.Setup(
            protocols=(ISO_20_DC, ISO_20_AC),
            energy_modes=modes,
            payments=(Payment.CONTRACT, Payment.EXTERNAL),
        ),
        trust=TrustStore(chain("mo-root")),
        meter=MeterReading("METER-1", 12_345),
        receipt_required=True,
    )
    vehicle = Vehicle(
        setup=Setup(protocols=(ISO_20_DC, ISO_20_AC), energy_modes=modes, payment=Payment.CONTRACT)
    )
    made = joined(
        [AC_PROTOCOL, DC_PROTOCOL], [SECC_AC, SECC_DC], vehicle=vehicle, station=station, signer=wallet()
    )
    made.connect(tls_version=ISO_20_TLS, vehicle=b"the vehicle's certificate")
    made.run(lambda: made.messages().count("MeteringConfirmationReq") == 1 or made.ended is not None)
    made.run(within_ms=2_000)
    assert made.ended is None, made.ended
    facts = [each.fact for each in made.evse_effects if isinstance(each, evse.EvTold)]
    assert EvFact.EMAID in facts
    assert EvFact.RECEIPT in facts
    made.vehicle_changed(pause=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.paused is not None
    assert EMAID not in repr(made.ended)
    made.vehicle_changed(pause=False)
    made.ev_effects.clear()
    made.evse_effects.clear()
    made.connect(tls_version=ISO_20_TLS, vehicle=b"the vehicle's certificate")
    made.run(lambda: made.messages().count("MeteringConfirmationReq") == 1 or made.ended is not None)
    made.run(within_ms=1_000)
    assert "AuthorizationReq" not in made.messages()
    assert EvFact.RECEIPT in [each.fact for each in made.evse_effects if isinstance(each, evse.EvTold)]
    made.vehicle_changed(stop=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.ok
