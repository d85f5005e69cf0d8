"""Plug & Charge: contracts, challenges, signatures, receipts, and certificates from a backend."""

from __future__ import annotations

import pytest

import v2gexi
from tests.v2g.secc.iso2 import contracts
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.contracts import EMAID, METER, authorization, contract, rig_at, signed
from tests.v2g.secc.rig import UNIX_S
from v2g.common.effects import Log
from v2g.common.terms import ISO_2, Payment, Phase
from v2g.secc import effects
from v2g.secc.station import Authorization, CertificateResponse, CertificateStatus
from v2gexi import iso2


class TestPaymentDetails:
    def test_a_good_contract_gets_a_challenge(self):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        answer = rig.ask(ev.details(EMAID, contract().chain))
        assert answer.ResponseCode == "OK"
        assert len(answer.GenChallenge) == 16
        assert answer.EVSETimeStamp == UNIX_S
        assert rig.told()["emaid"] == EMAID
        assert rig.told()["contract_chain"] == contract().chain
        assert rig.state == "WaitForAuthorization"

    def test_each_session_gets_its_own_challenge(self):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        first = rig.ask(ev.details(EMAID, contract().chain)).GenChallenge
        rig.core.disconnected(rig.now_ms)
        rig._take(rig.core.connected(rig.now_ms, tls=True))
        ev.walk(rig, "WaitForPaymentServiceSelection")
        rig.ask(ev.payment("Contract"))
        assert rig.ask(ev.details(EMAID, contract().chain)).GenChallenge != first

    def test_hyphens_and_case_of_the_contract_id_say_nothing(self):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        request = ev.details("de-v2g-c12345678-x", contract().chain)
        assert rig.ask(request).ResponseCode == "OK"

    def test_a_contract_that_ends_soon_is_taken_with_a_warning(self):
        soon = contract(days=7)
        rig = rig_at("WaitForPaymentDetailsOrCertificate", trust=soon.store)
        assert rig.ask(ev.details(EMAID, soon.chain)).ResponseCode == "OK_CertificateExpiresSoon"
        assert rig.state == "WaitForAuthorization"

    @pytest.mark.parametrize(
        ("chain", "emaid", "code"),
        [
            ((b"rubbish",), EMAID, "FAILED_NoCertificateAvailable"),
            (contract().chain[:1], EMAID, "FAILED_CertChainError"),
            (contract().chain[1:], EMAID, "FAILED_CertChainError"),
            ((*contract().chain[:1], b"rubbish"), EMAID, "FAILED_NoCertificateAvailable"),
            (contract(emaid="NLABCC99999999X").chain, "NLABCC99999999X", "FAILED_CertChainError"),
            (contract().chain, "DEV2GC12345679X", "FAILED_CertChainError"),
        ],
    )
    def test_a_contract_that_cannot_be_trusted(self, chain, emaid, code):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        answer = rig.ask(ev.details(emaid, chain))
        assert answer.ResponseCode == code
        assert answer.GenChallenge == bytes(16)
        assert "emaid" not in rig.told()
        assert all(EMAID not in each.text for each in rig.of(Log))

    @pytest.mark.parametrize("start", [contracts.EXPIRED, UNIX_S + 86_400])
    def test_a_contract_out_of_its_time(self, start):
        old = contract(start_s=start, days=7)
        rig = rig_at("WaitForPaymentDetailsOrCertificate", trust=old.store)
        assert rig.ask(ev.details(EMAID, old.chain)).ResponseCode == "FAILED_CertificateExpired"

    def test_roots_that_are_taken_away_in_between(self):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.changed(trust=None)
        assert rig.ask(ev.details(EMAID, contract().chain)).ResponseCode == "FAILED"

    @pytest.mark.parametrize(
        ("issue", "code"),
        [("REVOKED", "FAILED_CertificateRevoked"), ("NOT_ALLOWED", "FAILED_CertificateNotAllowedAtThisEVSE")],
    )
    def test_what_a_trust_may_say_besides(self, issue, code):
        from v2g.security.trust import Issue, Problem

        class Strict:
            def check_contract(self, chain, unix_s):
                return [Problem(Issue.EXPIRES_SOON, "soon"), Problem(Issue[issue], "why")]

            def contract_id(self, leaf):
                return EMAID

            def verify(self, signature, elements, leaf):
                return ""

        rig = rig_at("WaitForPaymentDetailsOrCertificate", trust=Strict())
        assert rig.ask(ev.details(EMAID, (b"certificate",))).ResponseCode == code


class TestAuthorization:
    @pytest.mark.spec(359)
    def test_a_signed_challenge_lets_the_backend_be_asked(self):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
        challenge = rig.core.session.agreed["challenge"]
        answer = signed(rig, authorization(challenge))
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
        assert rig.sent(effects.AuthorizationWanted) == effects.AuthorizationWanted(
            Payment.CONTRACT, EMAID, contract().chain
        )
        assert rig.told()["gen_challenge"] == challenge
        # Later requests of a car only ask how it stands.
        assert rig.ask(authorization(challenge)).EVSEProcessing == "Ongoing"
        rig.changed(authorization=Authorization.ACCEPTED, contract_status=CertificateStatus.ACCEPTED)
        assert rig.ask(ev.authorization()).EVSEProcessing == "Finished"

    @pytest.mark.parametrize("challenge", [None, bytes(16), b"\x01" * 16])
    def test_another_challenge(self, challenge):
        rig = rig_at("WaitForAuthorization")
        assert challenge != rig.core.session.agreed["challenge"]
        answer = signed(rig, authorization(challenge))
        assert answer.ResponseCode == "FAILED_ChallengeInvalid"
        assert rig.of(effects.AuthorizationWanted) == []

    def test_another_key(self):
        rig = rig_at("WaitForAuthorization")
        request = authorization(rig.core.session.agreed["challenge"])
        other = contract(emaid="NLABCC99999999X").key
        assert signed(rig, request, other).ResponseCode == "FAILED_SignatureError"
        assert rig.of(effects.AuthorizationWanted) == []

    @pytest.mark.parametrize("identifier", ["id1", None])
    def test_no_signature(self, identifier):
        rig = rig_at("WaitForAuthorization")
        request = authorization(rig.core.session.agreed["challenge"], identifier)
        assert rig.ask(request).ResponseCode == "FAILED_SignatureError"
        assert rig.of(effects.AuthorizationWanted) == []

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (None, "FAILED"),
            (CertificateStatus.ACCEPTED, "FAILED"),
            (CertificateStatus.EXPIRED, "FAILED_CertificateExpired"),
            (CertificateStatus.REVOKED, "FAILED_CertificateRevoked"),
            (CertificateStatus.NO_CERTIFICATE, "FAILED_NoCertificateAvailable"),
            (CertificateStatus.CHAIN_ERROR, "FAILED_CertChainError"),
            (CertificateStatus.SIGNATURE_ERROR, "FAILED_SignatureError"),
            (CertificateStatus.CONTRACT_CANCELLED, "FAILED_ContractCanceled"),
        ],
    )
    def test_what_the_backend_says_of_the_contract(self, status, code):
        rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
        request = authorization(rig.core.session.agreed["challenge"])
        signed(rig, request)
        rig.changed(authorization=Authorization.REJECTED, contract_status=status)
        assert signed(rig, request).ResponseCode == code


class TestReceipt:
    @pytest.mark.spec(371)
    @pytest.mark.parametrize("dc", [False, True])
    def test_a_signed_receipt(self, dc):
        rig = asked_for_receipt(dc)
        answer = signed(rig, receipt(rig))
        assert answer.ResponseCode == "OK"
        assert rig.told()["metering_receipt"] == {
            "meter_id": "METER-1",
            "reading_wh": 1234,
            "unix_s": UNIX_S,
        }
        assert rig.state == ("WaitForCurrentDemand" if dc else "WaitForChargingStatus")
        assert rig.closed

    @pytest.mark.parametrize("dc", [False, True])
    def test_the_loop_does_not_go_on_without_it(self, dc):
        rig = asked_for_receipt(dc)
        answer = rig.ask(ev.demand() if dc else ev.charging_status())
        assert answer.ResponseCode == "FAILED_SequenceError"
        assert not rig.closed

    @pytest.mark.parametrize(
        "changes",
        [
            {"SessionID": bytes(8)},
            {
                "MeterInfo": iso2.MeterInfoType(
                    MeterID="METER-1", MeterReading=1, MeterStatus=1, TMeter=UNIX_S
                )
            },
        ],
    )
    def test_a_receipt_for_something_else(self, changes):
        rig = asked_for_receipt(False)
        request = receipt(rig)
        for name, value in changes.items():
            setattr(request, name, value)
        assert signed(rig, request).ResponseCode == "FAILED_MeteringSignatureNotValid"
        assert not rig.closed

    def test_a_receipt_without_a_signature_or_with_another_key(self):
        rig = asked_for_receipt(False)
        assert rig.ask(receipt(rig)).ResponseCode == "FAILED_MeteringSignatureNotValid"
        rig = asked_for_receipt(False)
        other = contract(emaid="NLABCC99999999X").key
        assert signed(rig, receipt(rig), other).ResponseCode == "FAILED_MeteringSignatureNotValid"
        assert not rig.closed

    def test_without_a_meter_there_is_nothing_to_sign(self):
        rig = rig_at("WaitForChargingStatus", receipt_required=True)
        assert rig.ask(ev.charging_status()).ReceiptRequired is False


def asked_for_receipt(dc):
    rig = rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc)
    rig.changed(meter=METER, receipt_required=True)
    answer = rig.ask(ev.demand() if dc else ev.charging_status())
    assert answer.ReceiptRequired is True
    assert answer.MeterInfo.MeterReading == 1234
    assert rig.state == "WaitForMeteringReceipt"
    return rig


def receipt(rig, identifier="id1"):
    return iso2.MeteringReceiptReqType(
        Id=identifier,
        SessionID=rig.core.session.session_id,
        SAScheduleTupleID=1,
        MeterInfo=iso2.MeterInfoType(MeterID="METER-1", MeterReading=1234, MeterStatus=1, TMeter=UNIX_S),
    )


def backend(update=False, code="OK"):
    """What a provider answers: signed, with a session id of its own."""
    kind = iso2.CertificateUpdateResType if update else iso2.CertificateInstallationResType
    body = kind(
        ResponseCode=code,
        SAProvisioningCertificateChain=iso2.CertificateChainType(Certificate=contract().chain[1]),
        ContractSignatureCertChain=iso2.CertificateChainType(Id="id1", Certificate=contract().chain[0]),
        ContractSignatureEncryptedPrivateKey=iso2.ContractSignatureEncryptedPrivateKeyType(
            Id="id2", value=b"k" * 48
        ),
        DHpublickey=iso2.DiffieHellmanPublickeyType(Id="id3", value=b"\x04" * 65),
        eMAID=iso2.EMAIDType(Id="id4", value=EMAID),
    )
    from v2g.security.signatures import sign

    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=b"\xee" * 8), Body=iso2.BodyType(BodyElement=body)
    )
    message.Header.Signature = sign(message, contract().key)
    return v2gexi.encode(message)


CERTIFICATES = pytest.mark.parametrize(
    ("request_", "update"), [(ev.installation(), False), (ev.update(), True)]
)


class TestCertificates:
    @pytest.mark.spec(367)
    @CERTIFICATES
    def test_request_and_answer_are_passed_through(self, request_, update):
        from v2g.security.signatures import verify

        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        assert rig.ask(request_) is None
        wanted = rig.sent(effects.CertificateRequest)
        assert (wanted.update, wanted.namespace) == (update, ISO_2)
        assert v2gexi.decode(wanted.payload, "iso2").Body.BodyElement == request_
        rig.later(2_000)
        rig.changed(certificate_response=CertificateResponse(backend(update)))
        answer = rig.answer()
        assert answer.ResponseCode == "OK"
        assert answer.ContractSignatureCertChain.Certificate == contract().chain[0]
        message = v2gexi.decode(rig.sent(effects.MessageSeen).payload, "iso2")
        assert message.Header.SessionID == rig.core.session.session_id
        assert verify(message, contract().key.public_key()) == []
        assert rig.state == "WaitForPaymentDetails"
        # The answer after it carries no signature.
        rig.ask(ev.details(EMAID, contract().chain))
        assert rig.sent(effects.MessageSeen).message.Header.Signature is None

    @pytest.mark.spec(367)
    @CERTIFICATES
    def test_a_backend_that_is_silent_for_4_5_s(self, request_, update):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.ask(request_)
        assert rig.later(4_499) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED"

    @CERTIFICATES
    @pytest.mark.parametrize("payload", [b"", b"\xff\xff", "another message", "the other kind"])
    def test_a_backend_that_fails(self, request_, update, payload):
        if payload == "another message":
            body = iso2.BodyType(BodyElement=ev.stop())
            header = iso2.MessageHeaderType(SessionID=bytes(8))
            payload = v2gexi.encode(iso2.V2G_Message(Header=header, Body=body))
        elif payload == "the other kind":
            payload = backend(not update)
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.ask(request_)
        rig.changed(certificate_response=CertificateResponse(payload))
        assert rig.answer().ResponseCode == "FAILED"
        assert rig.core.deadline() == rig.now_ms + 5_000

    @CERTIFICATES
    def test_a_refusal_of_the_backend_is_passed_on(self, request_, update):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.ask(request_)
        answer = CertificateResponse(backend(update, "FAILED_ContractCanceled"))
        rig.changed(certificate_response=answer)
        assert rig.answer().ResponseCode == "FAILED_ContractCanceled"

    @CERTIFICATES
    def test_an_answer_from_before_does_not_count(self, request_, update):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.changed(certificate_response=CertificateResponse(backend(update)))
        assert rig.ask(request_) is None

    @CERTIFICATES
    def test_where_it_is_not_on_offer(self, request_, update):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        rig.changed(trust=None)
        assert rig.ask(request_).ResponseCode == "FAILED_SequenceError"
        assert rig.of(effects.CertificateRequest) == []

    @CERTIFICATES
    def test_the_authorisation_phase_begins_with_it(self, request_, update):
        rig = rig_at("WaitForPaymentDetailsOrCertificate")
        assert rig.core.session._phase is Phase.INIT
        rig.ask(request_)
        assert rig.sent(effects.PhaseChanged) == effects.PhaseChanged(Phase.AUTH, True)


def test_a_whole_session_with_a_contract():
    rig = rig_at("WaitForChargingStatus")
    assert rig.ask(ev.charging_status()).ResponseCode == "OK"
    ev.stopped(rig)
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    assert rig.told()["selected_payment_option"] == "Contract"


def test_secrets_are_in_no_repr():
    rig = rig_at("WaitForChargeParameterDiscovery")
    text = "".join(map(repr, rig.all)) + repr(rig.station)
    assert EMAID not in text
    assert contract().chain[0].hex() not in text
    assert repr(contract().chain[0]) not in text
