"""PaymentDetails: the EV shows its contract and gets a challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from v2g.common.terms import Phase
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.security.trust import Issue
from v2gexi import iso2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from v2g.security.trust import Problem

CHALLENGE_BYTES: Final = 16
"""Length of GenChallenge (ISO 15118-2:2014 [V2G2-697])."""

_CODES: Final[dict[Issue, iso2.responseCodeType]] = {
    Issue.NO_CERTIFICATE: "FAILED_NoCertificateAvailable",
    Issue.CHAIN: "FAILED_CertChainError",
    Issue.EXPIRED: "FAILED_CertificateExpired",
    Issue.REVOKED: "FAILED_CertificateRevoked",
    Issue.NOT_ALLOWED: "FAILED_CertificateNotAllowedAtThisEVSE",
    Issue.EXPIRES_SOON: "OK_CertificateExpiresSoon",
}


def answer(session: Session, request: Any) -> Reply:
    """OK for a chain that leads to a trusted root and names the contract."""
    chain = [request.ContractSignatureCertChain.Certificate]
    subordinates = request.ContractSignatureCertChain.SubCertificates
    if subordinates is not None:
        chain += subordinates.Certificate
    code = _check(session, request.eMAID, chain)
    if code.startswith("FAILED"):
        return Reply(response(session, code), "")
    session.phase(Phase.AUTH)
    session.told(EvFact.EMAID, request.eMAID)
    session.told(EvFact.CONTRACT_CHAIN, tuple(chain))
    session.agreed["chain"] = tuple(chain)
    session.agreed["emaid"] = request.eMAID
    session.agreed["challenge"] = session.random_bytes(CHALLENGE_BYTES)
    return Reply(response(session, code), "WaitForAuthorization")


def _check(session: Session, emaid: str, chain: Sequence[bytes]) -> iso2.responseCodeType:
    trust = session.station.trust
    if trust is None:
        session.log("contract certificates cannot be checked: no trusted roots")
        return "FAILED"
    problems: list[Problem] = list(trust.check_contract(chain, session.unix_s()))
    for problem in problems:
        session.log(f"contract certificate: {problem.text}")
    errors = [problem for problem in problems if problem.issue is not Issue.EXPIRES_SOON]
    if errors:
        return _CODES[errors[0].issue]
    if _bare(trust.contract_id(chain[0])) != _bare(emaid):
        session.log("the contract certificate is for another contract id")
        return "FAILED_CertChainError"
    return _CODES[Issue.EXPIRES_SOON] if problems else "OK"


def _bare(emaid: str) -> str:
    """A contract id in the form in which ids are compared: hyphens and case say nothing."""
    return emaid.replace("-", "").upper()


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code, and the challenge if there is one."""
    return iso2.PaymentDetailsResType(
        ResponseCode=code,
        GenChallenge=session.agreed.get("challenge", bytes(CHALLENGE_BYTES)),
        EVSETimeStamp=session.unix_s(),
    )


EXCHANGE: Final = Exchange(
    request=iso2.PaymentDetailsReqType,
    name="PaymentDetailsReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorization", ""),
    codes=("OK", "FAILED", *_CODES.values()),
    meaning="the EV shows its contract certificate and gets a challenge to sign",
)
