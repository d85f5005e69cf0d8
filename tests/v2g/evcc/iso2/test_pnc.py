"""Plug & Charge of ISO 15118-2: contracts, signatures, issued certificates, receipts."""

from __future__ import annotations

import base64
import dataclasses
import os
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import v2gexi
from tests.v2g.evcc.charger import SESSION_ID, Charger
from tests.v2g.evcc.iso2.cars import car, session
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from tests.v2g.link import Link, joined
from v2g.common.terms import ISO_2, EnergyMode, Payment
from v2g.evcc import effects
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.protocol import PROTOCOL
from v2g.evcc.vehicle import Provisioning, Setup, Vehicle
from v2g.evcc.wallet import Wallet
from v2g.secc import effects as evse
from v2g.secc import station as secc_station
from v2g.secc.facts import EvFact
from v2g.secc.iso2.protocol import PROTOCOL as SECC
from v2g.secc.station import MeterReading, Station
from v2g.security.certificates import from_der
from v2g.security.contract_keys import seal_iso2
from v2g.security.pki.maker import Wishes, make
from v2g.security.signatures import sign, verify
from v2g.security.trust_store import TrustStore
from v2gexi import iso2

UNIX_S = 1_700_000_000
EMAID = "DEV2GC12345678X"


@cache
def files() -> dict[str, bytes]:
    start = datetime.fromtimestamp(UNIX_S - 3_600, UTC)
    return {file.name: file.content for file in make(Wishes(emaid=EMAID, start=start))}


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


def services() -> Any:
    return iso2.ServiceListType(
        Service=[iso2.ServiceType(ServiceID=2, ServiceCategory="ContractCertificate", FreeService=True)]
    )


def contract_session(provisioning: Provisioning = Provisioning.NONE, **more: Any) -> Rig:
    signer = more.pop("signer", None) or wallet()
    setup = {"payment": Payment.CONTRACT, "provisioning": provisioning}
    rig = session(
        more.pop("dc", True), car(more.pop("is_dc", True), setup=setup), tls=True, signer=signer, **more
    )
    rig.charger.payments = ["ExternalPayment", "Contract"]
    return rig


def test_the_contract_is_shown_and_the_challenge_signed() -> None:
    rig = contract_session().until("ChargeParameterDiscovery")
    assert rig.order[3:-1] == ["PaymentServiceSelectionReq", "PaymentDetailsReq", "AuthorizationReq"]
    details = next(each for each in rig.sent if isinstance(each.Body.BodyElement, iso2.PaymentDetailsReqType))
    body = details.Body.BodyElement
    assert body.eMAID == EMAID
    assert body.ContractSignatureCertChain.Certificate == chain("contract")[0].der
    assert len(body.ContractSignatureCertChain.SubCertificates.Certificate) == 2
    asked = [each for each in rig.sent if isinstance(each.Body.BodyElement, iso2.AuthorizationReqType)]
    assert len(asked) == 2
    for message in asked:
        assert message.Body.BodyElement.GenChallenge == bytes(range(16))
        assert verify(message, key("contract").public_key()) == []
    assert all(each.Header.Signature is None for each in rig.sent if each not in asked)


@pytest.mark.parametrize(
    ("tls", "signer", "payments", "why"),
    [
        (False, True, ["Contract", "ExternalPayment"], "not encrypted"),
        (True, False, ["Contract", "ExternalPayment"], "no contract certificate"),
        (True, True, ["ExternalPayment"], "does not offer"),
    ],
)
def test_external_payment_where_a_contract_cannot_pay(
    tls: bool, signer: bool, payments: list[str], why: str
) -> None:
    vehicle = car(setup={"payment": Payment.CONTRACT})
    rig = session(vehicle=vehicle, tls=tls, signer=wallet() if signer else None)
    rig.charger.payments = payments
    rig.until("CurrentDemand")
    assert any(why in line for line in rig.logs)
    selection = rig.sent[2].Body.BodyElement
    assert selection.SelectedPaymentOption == "ExternalPayment"


def test_no_way_to_pay() -> None:
    rig = session()
    rig.charger.payments = ["Contract"]
    rig.run()
    assert rig.ended == effects.SessionEnded("no way to pay: the charger takes Contract", ok=False)
    assert rig.requests[-1] == "SessionStopReq"


@pytest.mark.parametrize("dc", [True, False])
def test_receipts_are_signed(dc: bool) -> None:
    rig = contract_session(dc=dc, is_dc=dc)
    rig.charger.meter = iso2.MeterInfoType(MeterID="meter", MeterReading=4_711)
    rig.charger.receipt = True
    rig.run(lambda: rig.charger.count("MeteringReceiptReq") >= 2)
    message = next(
        each for each in rig.sent if isinstance(each.Body.BodyElement, iso2.MeteringReceiptReqType)
    )
    body = message.Body.BodyElement
    assert (body.SessionID, body.SAScheduleTupleID, body.MeterInfo.MeterReading) == (SESSION_ID, 7, 4_711)
    assert verify(message, key("contract").public_key()) == []
    rig.change(stop=True)
    rig.run()
    assert rig.ended is not None
    assert rig.ended.ok
    check(rig)


def test_a_key_that_does_not_sign_ends_the_session_in_order() -> None:
    rig = contract_session(signer=wallet(contract_key=None)).run()
    assert rig.ended is not None
    assert rig.ended.reason == "AuthorizationReq cannot be made: the contract key is missing"
    assert rig.requests[-1] == "SessionStopReq"


def issued_message(body: type, *, for_key: str = "oem", spoil: str = "") -> Any:
    """A contract as a provisioning service issues it."""
    new = chain("contract-chain")
    sealed = seal_iso2(key("contract"), key(for_key).public_key(), os.urandom)
    if spoil == "key":
        sealed = sealed._replace(encrypted=sealed.encrypted[:-1] + bytes([sealed.encrypted[-1] ^ 1]))
    service = chain("cps-chain")
    more: dict[str, Any] = {"RetryCounter": 0} if body is iso2.CertificateUpdateResType else {}

    def certificates(found: list[Any], identifier: str | None) -> Any:
        return iso2.CertificateChainType(
            Id=identifier,
            Certificate=found[0].der,
            SubCertificates=iso2.SubCertificatesType(Certificate=[each.der for each in found[1:]]),
        )

    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=SESSION_ID),
        Body=iso2.BodyType(
            BodyElement=body(
                ResponseCode="OK",
                SAProvisioningCertificateChain=certificates(service, None),
                ContractSignatureCertChain=certificates(new, "id1"),
                ContractSignatureEncryptedPrivateKey=iso2.ContractSignatureEncryptedPrivateKeyType(
                    Id="id2", value=sealed.encrypted
                ),
                DHpublickey=iso2.DiffieHellmanPublickeyType(Id="id3", value=sealed.public_key),
                eMAID=iso2.EMAIDType(Id="id4", value=EMAID),
                **more,
            )
        ),
    )
    message.Header.Signature = sign(message, key("contract" if spoil == "signature" else "cps"))
    return message


def issuing(message: Any) -> Any:
    from v2gexi import v2gtp

    return lambda charger, body: v2gtp.pack(v2gexi.encode(message))


@pytest.mark.parametrize("spoil", ["", "key", "signature", "root"])
def test_installation(spoil: str) -> None:
    stored: list[Any] = []
    signer = wallet(
        contract=(),
        contract_key=None,
        issued=lambda chain, key: stored.append((list(chain), key)),
        **({"trusted": chain("mo-root")} if spoil == "root" else {}),
    )
    rig = contract_session(Provisioning.INSTALL, signer=signer)
    rig.charger.services = services()
    rig.charger.script["CertificateInstallationReq"] = issuing(
        issued_message(iso2.CertificateInstallationResType, spoil=spoil)
    )
    rig.run(lambda: rig.core.state == "ChargeParameterDiscovery" or rig.ended is not None)
    request = next(
        each for each in rig.sent if isinstance(each.Body.BodyElement, iso2.CertificateInstallationReqType)
    )
    assert verify(request, key("oem").public_key()) == []
    assert request.Body.BodyElement.OEMProvisioningCert == chain("oem")[0].der
    roots = request.Body.BodyElement.ListOfRootCertificateIDs.RootCertificateID
    assert len(roots) == 1
    selected = rig.sent[3].Body.BodyElement.SelectedServiceList.SelectedService
    assert [(each.ServiceID, each.ParameterSetID) for each in selected] == [(3, None), (2, 1)]
    assert ChargerFact.CERTIFICATE in [each.fact for each in rig.all(effects.ChargerTold)]
    if not spoil:
        assert rig.ended is None
        assert signer.emaid == EMAID
        assert stored[0][0] == [each.der for each in chain("contract-chain")]
        assert stored[0][1].private_numbers() == key("contract").private_numbers()
        signed = [each for each in rig.sent if isinstance(each.Body.BodyElement, iso2.AuthorizationReqType)]
        assert verify(signed[0], key("contract").public_key()) == []
    else:
        assert rig.ended is not None
        assert not rig.ended.ok
        assert rig.ended.reason.startswith("the certificate cannot be used: ")
        assert rig.requests[-1] == "SessionStopReq"
        assert not signer.contract
        assert not stored


def test_update() -> None:
    signer = wallet()
    rig = contract_session(Provisioning.UPDATE, signer=signer)
    rig.charger.services = services()
    rig.charger.script["CertificateUpdateReq"] = issuing(
        issued_message(iso2.CertificateUpdateResType, for_key="contract")
    )
    rig.until("ChargeParameterDiscovery")
    assert "CertificateUpdateReq" in rig.requests
    selected = rig.sent[3].Body.BodyElement.SelectedServiceList.SelectedService
    assert selected[1].ParameterSetID == 2


def test_without_a_certificate_service_the_old_contract_pays() -> None:
    rig = contract_session(Provisioning.UPDATE).until("ChargeParameterDiscovery")
    assert "the charger has no certificate service" in rig.logs
    assert "PaymentDetailsReq" in rig.requests


def test_a_certificate_service_that_cannot_install() -> None:
    rig = contract_session(Provisioning.INSTALL, signer=wallet(contract=(), contract_key=None))
    rig.charger.services = services()

    def nothing(charger: Charger, body: Any) -> Any:
        response = charger.usual("ServiceDetailReq", body)
        response.ServiceParameterList = None
        return response

    rig.charger.script["ServiceDetailReq"] = nothing
    rig.run()
    assert rig.ended is not None
    assert "none can be installed" in rig.ended.reason


def test_no_secret_is_shown() -> None:
    shown = repr(wallet())
    assert "PrivateKey" not in shown
    rig = contract_session().until("PaymentDetails")
    assert EMAID not in " ".join(repr(each) for _, each in rig.happened)


def both(dc: bool, **facts: Any) -> Link:
    modes = (EnergyMode.DC_EXTENDED,) if dc else (EnergyMode.AC_THREE_PHASE,)
    station = Station(
        setup=secc_station.Setup(
            protocols=(ISO_2,), energy_modes=modes, payments=(Payment.CONTRACT, Payment.EXTERNAL)
        ),
        trust=TrustStore(chain("mo-root")),
        **facts,
    )
    vehicle = Vehicle(setup=Setup(protocols=(ISO_2,), energy_modes=modes, payment=Payment.CONTRACT))
    made = joined([PROTOCOL], [SECC], vehicle=vehicle, station=station, signer=wallet())
    made.connect(tls=True)
    return made


@pytest.mark.parametrize("dc", [True, False])
def test_both_cores_charge_by_contract(dc: bool) -> None:
    made = both(dc, meter=MeterReading("METER-1", 12_345), receipt_required=True)
    made.run(lambda: made.evcc.state == ("CurrentDemand" if dc else "ChargingStatus"))
    made.run(within_ms=5_000)
    assert "MeteringReceiptReq" in made.messages()
    wanted = [each for each in made.evse_effects if isinstance(each, evse.AuthorizationWanted)]
    assert [(each.payment, each.emaid.replace("-", "")) for each in wanted] == [(Payment.CONTRACT, EMAID)]
    assert any(isinstance(each, evse.EvTold) and each.fact is EvFact.RECEIPT for each in made.evse_effects)
    made.vehicle_changed(stop=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.ok


def test_a_station_that_does_not_trust_the_contract() -> None:
    made = both(True)
    made.evcc._signer = dataclasses.replace(wallet(), contract_key=key("oem"))
    made.vehicle_changed(stop=True)
    made.run(within_ms=60_000)
    made.vehicle_changed(stop=False)
    made.connect(tls=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert "AuthorizationRes: FAILED_SignatureError" in made.ended.reason
