"""Authorization: repeated until the station knows whether the customer or the contract may charge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.secc.effects import AuthorizationWanted
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.station import Authorization, CertificateStatus
from v2g.security.trust import Issue, Problem
from v2gexi import iso20_common as common

_WAITING: Final = "authorization"
_AGAIN: Final = "WaitForAuthorization"
"""A warning ends nothing: the EV may try again, another way, or install a certificate."""
_ISSUES: Final[dict[Issue, common.responseCodeType]] = {
    Issue.NO_CERTIFICATE: "WARNING_NoCertificateAvailable",
    Issue.CHAIN: "WARNING_CertificateValidationError",
    Issue.EXPIRED: "WARNING_CertificateExpired",
    Issue.REVOKED: "WARNING_CertificateRevoked",
    Issue.NOT_ALLOWED: "WARNING_eMSPUnknown",
}
_STATUSES: Final[dict[CertificateStatus, common.responseCodeType]] = {
    CertificateStatus.EXPIRED: "WARNING_CertificateExpired",
    CertificateStatus.REVOKED: "WARNING_CertificateRevoked",
    CertificateStatus.NO_CERTIFICATE: "WARNING_NoCertificateAvailable",
    CertificateStatus.CHAIN_ERROR: "WARNING_CertificateValidationError",
    CertificateStatus.SIGNATURE_ERROR: "WARNING_GeneralPnCAuthorizationError",
    CertificateStatus.CONTRACT_CANCELLED: "WARNING_GeneralPnCAuthorizationError",
}


def answer(session: Session, request: Any) -> Reply:
    """Check a contract first; then it is the station that decides."""
    session.checkpoint(530)
    agreed = terms(session)
    contract = request.PnC_AReqAuthorizationMode
    wanted = request.SelectedAuthorizationService
    if wanted not in agreed.authorizations or (wanted == "PnC") != (contract is not None):
        return Reply(response(session, "WARNING_AuthorizationSelectionInvalid"), _AGAIN)
    if contract is None:
        _ask(session, AuthorizationWanted(Payment.EXTERNAL), b"")
        return _decide(session, "OK")
    if contract.GenChallenge != agreed.challenge:
        return Reply(response(session, "WARNING_ChallengeInvalid"), _AGAIN)
    chain = (contract.ContractCertificateChain.Certificate,)
    chain += tuple(contract.ContractCertificateChain.SubCertificates.Certificate)
    if agreed.asked == (Payment.CONTRACT, chain[0]) and not agreed.refused:
        return _decide(session, "OK")
    return _check(session, contract, chain)


def _check(session: Session, contract: Any, chain: tuple[bytes, ...]) -> Reply:
    """A contract that is new to this session: certificates, then the signature."""
    trust = session.station.trust
    if trust is None:  # taken away since it was offered
        return Reply(response(session, "WARNING_AuthorizationSelectionInvalid"), _AGAIN)
    problems = trust.check_contract(chain, session.unix_s())
    for problem in problems:
        session.log(f"contract certificate: {problem.text}")
    worst = _worst(problems)
    if worst is not None:
        return Reply(response(session, worst), _AGAIN)
    reason = trust.verify(session.header.Signature, [contract], chain[0])
    if reason:
        session.log(f"AuthorizationReq: {reason}")
        return Reply(response(session, "FAILED_SignatureError"), "")
    emaid = trust.contract_id(chain[0])
    session.told(EvFact.EMAID, emaid)
    session.told(EvFact.CONTRACT_CHAIN, chain)
    session.told(EvFact.GEN_CHALLENGE, contract.GenChallenge)
    terms(session).leaf = chain[0]
    _ask(session, AuthorizationWanted(Payment.CONTRACT, emaid, chain), chain[0])
    return _decide(session, "OK_CertificateExpiresSoon" if problems else "OK")


def _worst(problems: Sequence[Problem]) -> common.responseCodeType | None:
    """The code of the first problem that keeps a contract from being used."""
    return next((_ISSUES[each.issue] for each in problems if each.issue in _ISSUES), None)


def _ask(session: Session, wanted: AuthorizationWanted, leaf: bytes) -> None:
    """Tell the station who is to be authorised, once.

    What it has decided before counts only the first time: it may have authorised the session in advance.
    Later on it was about another way to pay or another contract."""
    agreed = terms(session)
    who = (wanted.payment, leaf)
    if agreed.asked == who and not agreed.refused:
        return
    if agreed.asked not in (None, who):
        _forget(session)
    agreed.asked, agreed.refused = who, False
    session.payment = wanted.payment
    session.finished(_WAITING)
    session.told(EvFact.SELECTED_PAYMENT_OPTION, wanted.payment.value)
    session.tell(wanted)


def _forget(session: Session) -> None:
    """The station is to decide anew."""
    session.station.authorization = Authorization.ONGOING
    session.station.contract_status = None


def _refused(session: Session, code: common.responseCodeType) -> Reply:
    """The EV may try again; then the station is asked again."""
    terms(session).refused = True
    _forget(session)
    return Reply(response(session, code), _AGAIN)


def _decide(session: Session, code: common.responseCodeType) -> Reply:
    """What the station says."""
    station, times = session.station, session.protocol.times
    authorization = station.authorization
    contract = session.payment is Payment.CONTRACT
    if authorization is Authorization.REJECTED:
        return _refused(session, _rejection(session, contract))
    status = station.contract_status
    if contract and status is not None and status is not CertificateStatus.ACCEPTED:
        return _refused(session, _STATUSES[status])
    elapsed = session.ongoing_ms(_WAITING)
    session.checkpoint(535)
    if authorization is Authorization.ACCEPTED:
        session.finished(_WAITING)
        session.checkpoint(538)
        session.phase(Phase.PARAMETER)
        return Reply(response(session, code), "WaitForServiceDiscovery")
    if authorization is Authorization.WAITING_FOR_CUSTOMER:
        return Reply(response(session, code, "Ongoing_WaitingForCustomerInteraction"), _AGAIN)
    longest = times.secc_ongoing_ms
    if not contract and times.secc_eim_ongoing_ms is not None:
        longest = times.secc_eim_ongoing_ms
    if elapsed >= longest:
        session.log("authorisation takes too long")
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, code, "Ongoing"), _AGAIN)


def _rejection(session: Session, contract: bool) -> common.responseCodeType:
    if not contract:
        return "WARNING_EIMAuthorizationFailure"
    status = session.station.contract_status
    general: common.responseCodeType = "WARNING_GeneralPnCAuthorizationError"
    return general if status is None else _STATUSES.get(status, general)


def response(
    session: Session, code: common.responseCodeType, processing: common.processingType = "Finished"
) -> Any:
    """The response with a code."""
    return common.AuthorizationResType(Header=header(session), ResponseCode=code, EVSEProcessing=processing)


EXCHANGE: Final = Exchange(
    request=common.AuthorizationReqType,
    name="AuthorizationReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorization", "WaitForServiceDiscovery", ""),
    codes=(
        "OK",
        "OK_CertificateExpiresSoon",
        "WARNING_AuthorizationSelectionInvalid",
        "WARNING_ChallengeInvalid",
        "WARNING_NoCertificateAvailable",
        "WARNING_CertificateValidationError",
        "WARNING_CertificateExpired",
        "WARNING_CertificateRevoked",
        "WARNING_eMSPUnknown",
        "WARNING_GeneralPnCAuthorizationError",
        "WARNING_EIMAuthorizationFailure",
        "FAILED_SignatureError",
        "FAILED",
    ),
    meaning="repeated until the customer or the contract is authorised",
)
