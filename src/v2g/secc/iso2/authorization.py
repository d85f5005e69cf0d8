"""Authorization: repeated until the station knows whether it may charge."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.secc.effects import AuthorizationWanted
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.station import Authorization, CertificateStatus
from v2gexi import iso2

_ASKED: Final = "authorization"
_WORKING: Final = "authorization without the customer"
_REJECTIONS: Final[dict[CertificateStatus | None, iso2.responseCodeType]] = {
    CertificateStatus.EXPIRED: "FAILED_CertificateExpired",
    CertificateStatus.REVOKED: "FAILED_CertificateRevoked",
    CertificateStatus.NO_CERTIFICATE: "FAILED_NoCertificateAvailable",
    CertificateStatus.CHAIN_ERROR: "FAILED_CertChainError",
    CertificateStatus.SIGNATURE_ERROR: "FAILED_SignatureError",
    CertificateStatus.CONTRACT_CANCELLED: "FAILED_ContractCanceled",
}


def answer(session: Session, request: Any) -> Reply:
    """Ongoing, until the station is authorised or the customer rejected."""
    if _ASKED not in session.ongoing_since_ms:
        session.checkpoint(530)
        code = _signed(session, request) if session.payment is Payment.CONTRACT else "OK"
        if code != "OK":
            return Reply(response(session, code), "")
        session.ongoing_ms(_ASKED)
        session.tell(
            AuthorizationWanted(
                session.payment or Payment.EXTERNAL,
                session.agreed.get("emaid", ""),
                session.agreed.get("chain", ()),
            )
        )
    return _decided(session)


def _signed(session: Session, request: Any) -> iso2.responseCodeType:
    """Check a contract's first request: it carries our challenge, and the contract's key has signed it."""
    if request.GenChallenge is None or request.GenChallenge != session.agreed.get("challenge"):
        session.log("AuthorizationReq without the challenge of this session")
        return "FAILED_ChallengeInvalid"
    trust, signature = session.station.trust, session.header.Signature
    if trust is None or signature is None or request.Id is None:
        session.log("AuthorizationReq without a signature")
        return "FAILED_SignatureError"
    wrong = trust.verify(signature, (request,), session.agreed["chain"][0])
    if wrong:
        session.log(f"AuthorizationReq: {wrong}")
        return "FAILED_SignatureError"
    session.told(EvFact.GEN_CHALLENGE, request.GenChallenge)
    return "OK"


def _decided(session: Session) -> Reply:
    station = session.station
    if station.authorization is Authorization.REJECTED:
        status = station.contract_status if session.payment is Payment.CONTRACT else None
        return Reply(response(session, _REJECTIONS.get(status, "FAILED")), "")
    session.checkpoint(535)
    if station.authorization is Authorization.ACCEPTED:
        session.finished(_ASKED, _WORKING)
        session.checkpoint(538)
        session.phase(Phase.PARAMETER)
        return Reply(response(session, "OK"), "WaitForChargeParameterDiscovery")
    if station.authorization is Authorization.WAITING_FOR_CUSTOMER:
        session.finished(_WORKING)
        return Reply(response(session, "OK", "Ongoing_WaitingForCustomerInteraction"), "WaitForAuthorization")
    if session.ongoing_ms(_WORKING) >= session.protocol.times.secc_ongoing_ms:
        session.log("nobody has authorised the session in time")
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", "Ongoing"), "WaitForAuthorization")


def response(
    session: Session, code: iso2.responseCodeType, processing: iso2.EVSEProcessingType = "Finished"
) -> Any:
    """The response with a code."""
    return iso2.AuthorizationResType(ResponseCode=code, EVSEProcessing=processing)


EXCHANGE: Final = Exchange(
    request=iso2.AuthorizationReqType,
    name="AuthorizationReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorization", "WaitForChargeParameterDiscovery", ""),
    codes=("OK", "FAILED", "FAILED_ChallengeInvalid", *_REJECTIONS.values()),
    meaning="repeated until the station may charge; with a contract the EV signs the challenge",
)
