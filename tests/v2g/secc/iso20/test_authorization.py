"""Authorisation: by external means, by contract, and contracts from the backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import v2gexi
from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.rig import UNIX_S
from tests.v2g.security.rig import NOON, Pki, write_pki
from v2g.common.terms import Payment
from v2g.secc import effects
from v2g.secc.station import Authorization, CertificateResponse, CertificateStatus, MeterReading
from v2g.security.profiles import Generation
from v2g.security.signatures import sign
from v2g.security.trust import Issue, Problem
from v2g.security.trust_store import TrustStore
from v2gexi import iso20_common as common

LEAF, SUB = b"leaf", b"sub"


class FakeTrust:
    """A trust that says what it is told to."""

    def __init__(self, *problems: Issue, reason: str = "") -> None:
        self.problems = [Problem(issue, "a certificate") for issue in problems]
        self.reason = reason
        self.verified: list[Any] = []

    def check_contract(self, chain: Sequence[bytes], unix_s: int) -> Sequence[Problem]:
        assert list(chain) == [LEAF, SUB]
        assert unix_s == UNIX_S
        return self.problems

    def contract_id(self, leaf: bytes) -> str:
        return "DEABCC12345678"

    def verify(self, signature: Any, elements: Sequence[Any], leaf: bytes) -> str:
        assert leaf == LEAF
        self.verified += elements
        return self.reason


def contract(challenge: bytes, leaf: bytes = LEAF, sub: Sequence[bytes] = (SUB,)) -> ev.Make:
    return lambda header: common.AuthorizationReqType(
        Header=header,
        SelectedAuthorizationService="PnC",
        PnC_AReqAuthorizationMode=common.PnC_AReqAuthorizationModeType(
            Id="id1",
            GenChallenge=challenge,
            ContractCertificateChain=common.ContractCertificateChainType(
                Certificate=leaf, SubCertificates=common.SubCertificatesType(Certificate=list(sub))
            ),
        ),
    )


def rig(
    trust: Any = None, authorization: Authorization = Authorization.ONGOING, **setup: Any
) -> tuple[ev.Rig20, bytes]:
    """A session over TLS that waits for authorisation, and its challenge."""
    station = ev.station(payments=(Payment.CONTRACT, Payment.EXTERNAL), **setup)
    station.trust = FakeTrust() if trust is None else trust
    station.authorization = authorization
    made = ev.rig("DC", station, tls=True)
    made.ask(ev.setup)
    answer = made.ask(ev.authorization_setup)
    assert answer.AuthorizationServices == ["PnC", "EIM"]
    assert answer.EIM_ASResAuthorizationMode is None
    return made, answer.PnC_ASResAuthorizationMode.GenChallenge


def test_challenges_are_random_and_16_bytes() -> None:
    made, challenge = rig()
    assert challenge == b"\x02" * 16
    assert made.core.session is not None


def test_providers_are_told() -> None:
    station = ev.station(payments=(Payment.CONTRACT,), providers=("DEABC", "FRXYZ"))
    station.trust = FakeTrust()
    made = ev.rig("DC", station, tls=True)
    made.ask(ev.setup)
    answer = made.ask(ev.authorization_setup)
    assert answer.PnC_ASResAuthorizationMode.SupportedProviders.ProviderID == ["DEABC", "FRXYZ"]
    assert answer.AuthorizationServices == ["PnC"]


@pytest.mark.parametrize("tls", [True, False])
def test_contracts_need_tls_and_trust(tls: bool) -> None:
    station = ev.station(payments=(Payment.CONTRACT, Payment.EXTERNAL))
    station.trust = None if tls else FakeTrust()
    made = ev.rig("DC", station, tls=tls)
    made.ask(ev.setup)
    answer = made.ask(ev.authorization_setup)
    assert answer.AuthorizationServices == ["EIM"]
    assert answer.PnC_ASResAuthorizationMode is None
    assert made.ask(contract(bytes(16))).ResponseCode == "WARNING_AuthorizationSelectionInvalid"
    assert made.ask(ev.authorization).ResponseCode == "OK"
    station = ev.station(payments=(Payment.CONTRACT,))
    station.trust = None if tls else FakeTrust()
    made = ev.rig("DC", station, tls=tls)
    made.ask(ev.setup)
    assert made.ask(ev.authorization_setup).ResponseCode == "FAILED"


@pytest.mark.spec(359, 365)
def test_external_means() -> None:
    made, _ = rig()
    assert made.ask(ev.authorization).EVSEProcessing == "Ongoing"
    assert made.sent(effects.AuthorizationWanted) == effects.AuthorizationWanted(Payment.EXTERNAL)
    made.changed(authorization=Authorization.WAITING_FOR_CUSTOMER)
    assert made.ask(ev.authorization).EVSEProcessing == "Ongoing_WaitingForCustomerInteraction"
    assert made.sent(effects.AuthorizationWanted) is None
    made.changed(authorization=Authorization.ACCEPTED)
    assert made.ask(ev.authorization).EVSEProcessing == "Finished"
    assert made.state == "WaitForServiceDiscovery"
    assert made.told()["selected_payment_option"] == "ExternalPayment"


def test_a_customer_who_is_rejected_may_try_again() -> None:
    made, _ = rig(authorization=Authorization.REJECTED)
    answer = made.ask(ev.authorization)
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("WARNING_EIMAuthorizationFailure", "Finished")
    made.changed(authorization=Authorization.ACCEPTED)
    assert made.ask(ev.authorization).ResponseCode == "OK"
    assert len(made.of(effects.AuthorizationWanted)) == 2


@pytest.mark.spec(359)
def test_a_contract() -> None:
    trust = FakeTrust()
    made, challenge = rig(trust)
    assert made.ask(contract(challenge)).EVSEProcessing == "Ongoing"
    wanted = made.sent(effects.AuthorizationWanted)
    assert wanted == effects.AuthorizationWanted(Payment.CONTRACT, "DEABCC12345678", (LEAF, SUB))
    assert "DEABC" not in repr(wanted)
    assert "DEABC" not in repr(made.all)
    assert len(trust.verified) == 1
    made.changed(authorization=Authorization.ACCEPTED)
    assert made.ask(contract(challenge)).EVSEProcessing == "Finished"
    assert made.of(effects.AuthorizationWanted) == [wanted]
    told = made.told()
    assert told["selected_payment_option"] == "Contract"
    assert told["emaid"] == "DEABCC12345678"
    assert told["contract_chain"] == (LEAF, SUB)
    assert told["gen_challenge"] == challenge


@pytest.mark.parametrize(
    ("issues", "code"),
    [
        ((Issue.NO_CERTIFICATE,), "WARNING_NoCertificateAvailable"),
        ((Issue.CHAIN, Issue.EXPIRED), "WARNING_CertificateValidationError"),
        ((Issue.EXPIRED,), "WARNING_CertificateExpired"),
        ((Issue.REVOKED,), "WARNING_CertificateRevoked"),
        ((Issue.NOT_ALLOWED,), "WARNING_eMSPUnknown"),
        ((Issue.EXPIRES_SOON,), "OK_CertificateExpiresSoon"),
        ((), "OK"),
    ],
)
def test_certificates_of_contracts(issues: tuple[Issue, ...], code: str) -> None:
    made, challenge = rig(FakeTrust(*issues), Authorization.ACCEPTED)
    assert made.ask(contract(challenge)).ResponseCode == code
    refused = code.startswith("WARNING")
    assert made.state == ("WaitForAuthorization" if refused else "WaitForServiceDiscovery")
    assert bool(made.of(effects.AuthorizationWanted)) is not refused
    if refused:
        assert made.ask(ev.authorization).EVSEProcessing == "Finished"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (CertificateStatus.EXPIRED, "WARNING_CertificateExpired"),
        (CertificateStatus.REVOKED, "WARNING_CertificateRevoked"),
        (CertificateStatus.NO_CERTIFICATE, "WARNING_NoCertificateAvailable"),
        (CertificateStatus.CHAIN_ERROR, "WARNING_CertificateValidationError"),
        (CertificateStatus.SIGNATURE_ERROR, "WARNING_GeneralPnCAuthorizationError"),
        (CertificateStatus.CONTRACT_CANCELLED, "WARNING_GeneralPnCAuthorizationError"),
        (CertificateStatus.ACCEPTED, "OK"),
    ],
)
@pytest.mark.parametrize("authorization", [Authorization.ACCEPTED, Authorization.REJECTED])
def test_what_the_backend_says_of_a_contract(
    status: CertificateStatus, code: str, authorization: Authorization
) -> None:
    made, challenge = rig(authorization=authorization)
    made.changed(contract_status=status)
    if code == "OK" and authorization is Authorization.REJECTED:
        code = "WARNING_GeneralPnCAuthorizationError"
    assert made.ask(contract(challenge)).ResponseCode == code


def test_a_contract_without_status_is_rejected() -> None:
    made, challenge = rig(authorization=Authorization.REJECTED)
    assert made.ask(contract(challenge)).ResponseCode == "WARNING_GeneralPnCAuthorizationError"


def test_a_wrong_challenge_and_a_wrong_signature() -> None:
    made, challenge = rig()
    assert made.ask(contract(bytes(16))).ResponseCode == "WARNING_ChallengeInvalid"
    made, challenge = rig(FakeTrust(reason="the digest differs"))
    assert made.ask(contract(challenge)).ResponseCode == "FAILED_SignatureError"


def test_a_contract_without_its_parameters() -> None:
    made, _ = rig()

    def half(header: Any) -> Any:
        return common.AuthorizationReqType(
            Header=header,
            SelectedAuthorizationService="PnC",
            EIM_AReqAuthorizationMode=common.EIM_AReqAuthorizationModeType(),
        )

    assert made.ask(half).ResponseCode == "WARNING_AuthorizationSelectionInvalid"


def test_contracts_have_less_time() -> None:
    made, challenge = rig()
    made.ask(contract(challenge))
    made.later(54_999)
    assert made.ask(contract(challenge)).EVSEProcessing == "Ongoing"
    made.later(1)
    assert made.ask(contract(challenge)).ResponseCode == "FAILED"


def test_trust_that_is_taken_away() -> None:
    made, challenge = rig()
    made.changed(trust=None)
    assert made.ask(contract(challenge)).ResponseCode == "WARNING_AuthorizationSelectionInvalid"


# ---------------------------------------------------------------------- real certificates


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return write_pki(tmp_path_factory.mktemp("pki") / "iso20", Generation.ISO20, start=NOON.replace(day=20))


def signed(make: ev.Make, key: Any) -> ev.Make:
    def made(header: Any) -> Any:
        message = make(header)
        message.Header.Signature = sign(message, key)
        return message

    return made


def real(pki: Pki, root: Path) -> tuple[ev.Rig20, ev.Make]:
    made, challenge = rig(TrustStore.from_files([root]), Authorization.ACCEPTED)
    made.core._unix_s = lambda: int(NOON.timestamp())
    assert made.core.session is not None
    made.core.session.unix_s = made.core._unix_s
    leaf, *subs = [each.der for each in pki.chain("contract")]
    return made, contract(challenge, leaf, subs)


def test_a_real_contract_signs(pki: Pki) -> None:
    made, request = real(pki, pki.root("mo-root"))
    answer = made.ask(signed(request, pki.key("contract")))
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")


def test_real_contracts_that_are_wrong(pki: Pki) -> None:
    made, request = real(pki, pki.root("mo-root"))
    assert made.ask(request).ResponseCode == "FAILED_SignatureError"
    made, request = real(pki, pki.root("mo-root"))
    wrong = signed(request, pki.key("oem"))
    assert made.ask(wrong).ResponseCode == "FAILED_SignatureError"
    made, request = real(pki, pki.root("v2g-root"))
    answer = made.ask(signed(request, pki.key("contract")))
    assert answer.ResponseCode == "WARNING_CertificateValidationError"


def test_a_real_contract_confirms_readings(pki: Pki) -> None:
    made, request = real(pki, pki.root("mo-root"))
    made.ask(signed(request, pki.key("contract")))
    ev.walk(made, "ChargeLoop")
    made.changed(meter=MeterReading("m", 1000), receipt_required=True)
    answer = made.ask(ev.dc_loop())
    assert answer.EVSEStatus.EVSENotification == "MeteringConfirmation"
    confirmation = ev.metering(answer.MeterInfo, answer.Header.SessionID)
    done = made.ask(signed(confirmation, pki.key("contract")), payload_type=0x8102)
    assert done.ResponseCode == "OK"
    assert made.told()["metering_receipt"] == {"meter_id": "m", "reading_wh": 1000}
    assert made.ask(ev.dc_loop()).ResponseCode == "OK"
    assert made.ask(confirmation).ResponseCode == "FAILED_MeteringSignatureNotValid"


@pytest.mark.parametrize("wrong", ["session", "reading", "nothing"])
def test_readings_that_are_not_the_ones(wrong: str) -> None:
    made, challenge = rig(authorization=Authorization.ACCEPTED)
    made.ask(contract(challenge))
    ev.walk(made, "ChargeLoop")
    made.changed(meter=MeterReading("m", 1000), receipt_required=True)
    own = made.core.session.session_id
    info = common.MeterInfoType(MeterID="m", ChargedEnergyReadingWh=1000)
    if wrong != "nothing":
        info = made.ask(ev.dc_loop()).MeterInfo
    if wrong == "reading":
        info = common.MeterInfoType(MeterID="m", ChargedEnergyReadingWh=1)
    request = ev.metering(info, bytes(8) if wrong == "session" else own)
    assert made.ask(request).ResponseCode == "FAILED_MeteringSignatureNotValid"
    assert not made.closed


# ---------------------------------------------------------------------- certificate installation


def installed(code: Any = "OK") -> bytes:
    """A backend's response, with a header of its own."""
    message = common.CertificateInstallationResType(
        Header=common.MessageHeaderType(SessionID=bytes(8), TimeStamp=1),
        ResponseCode=code,
        EVSEProcessing="Finished",
        CPSCertificateChain=common.CertificateChainType(Certificate=b"cps"),
        SignedInstallationData=common.SignedInstallationDataType(
            Id="id1",
            ContractCertificateChain=common.ContractCertificateChainType(
                Certificate=b"new", SubCertificates=common.SubCertificatesType(Certificate=[b"sub"])
            ),
            ECDHCurve="SECP521",
            DHPublicKey=bytes(133),
            SECP521_EncryptedPrivateKey=bytes(94),
        ),
        RemainingContractCertificateChains=0,
    )
    return v2gexi.encode(message)


@pytest.mark.spec(367)
def test_installation_is_passed_through() -> None:
    made, challenge = rig(certificate_service=True)
    assert made.ask(ev.installation) is None
    wanted = made.sent(effects.CertificateRequest)
    assert not wanted.update
    assert wanted.payload == made.of(effects.MessageSeen)[-1].payload
    made.changed(certificate_response=CertificateResponse(installed()))
    answer = made.answer()
    assert answer.SignedInstallationData.ContractCertificateChain.Certificate == b"new"
    assert answer.Header.SessionID == made.core.session.session_id
    assert answer.Header.TimeStamp == UNIX_S
    assert made.ask(contract(challenge)).EVSEProcessing == "Ongoing"


@pytest.mark.spec(367)
def test_installation_that_takes_its_time() -> None:
    made, _ = rig(certificate_service=True)
    made.changed(certificate_response=CertificateResponse(installed()))  # of another session
    for _ in range(12):
        assert made.ask(ev.installation) is None
        made.later(4_500)
        assert made.answer().EVSEProcessing == "Ongoing"
    assert len(made.of(effects.CertificateRequest)) == 1
    made.later(1_000)
    assert made.ask(ev.installation) is None
    made.later(4_500)
    assert made.answer().ResponseCode == "WARNING_NoCertificateAvailable"
    assert made.ask(ev.authorization).ResponseCode == "OK"


OTHER = v2gexi.encode(ev.stop()(common.MessageHeaderType(SessionID=bytes(8), TimeStamp=1)))
"""A message that is no certificate response."""


@pytest.mark.parametrize("payload", [b"", b"noise", OTHER])
def test_installation_that_fails(payload: bytes) -> None:
    made, _ = rig(certificate_service=True)
    assert made.ask(ev.installation) is None
    made.changed(certificate_response=CertificateResponse(payload))
    assert made.answer().ResponseCode == "WARNING_NoCertificateAvailable"
    assert made.state == "WaitForAuthorization"


def test_installation_that_the_backend_ends() -> None:
    made, _ = rig(certificate_service=True)
    made.ask(ev.installation)
    made.changed(certificate_response=CertificateResponse(installed("FAILED")))
    assert made.answer().ResponseCode == "FAILED"
    made.later(5_000)
    assert any(isinstance(each, effects.Disconnect) for each in made.last)


def test_installation_that_is_not_on_offer() -> None:
    made, _ = rig()
    assert made.ask(ev.installation).ResponseCode == "WARNING_NoCertificateAvailable"
    assert not made.of(effects.CertificateRequest)
