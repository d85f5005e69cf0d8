"""CertificateInstallation and CertificateUpdate: passed through to a backend.

The station reads neither: the contract's key in the answer is encrypted for the EV, and the provider signs
it. The answer goes out with this session's id in its header, the provider's signature with it.
"""

from __future__ import annotations

from typing import Any, Final

import v2gexi
from v2g.common.terms import Phase
from v2g.common.timers import ISO2_MESSAGES
from v2g.secc.effects import CertificateRequest
from v2g.secc.iso2.status import certificates_offered
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso2

PERFORMANCE_MS: Final = ISO2_MESSAGES["CertificateInstallationReq"].performance_ms
"""V2G_SECC_Msg_Performance_Time of both messages (ISO 15118-2:2014 table 109)."""
_WANTED: Final = "certificate"


def install(session: Session, request: Any) -> Reply | Wait:
    """A new contract certificate, with the provisioning certificate of the EV's maker."""
    return _answer(session, iso2.CertificateInstallationResType, installation, update=False)


def renew(session: Session, request: Any) -> Reply | Wait:
    """A new contract certificate, with the one before."""
    return _answer(session, iso2.CertificateUpdateResType, update_response, update=True)


def _answer(session: Session, wanted: type, refuse: Any, *, update: bool) -> Reply | Wait:
    station = session.station
    if not certificates_offered(session):
        session.log("certificate request, and the service is not on offer")
        return Reply(refuse(session, "FAILED_SequenceError"), "")
    if _WANTED not in session.ongoing_since_ms:
        session.phase(Phase.AUTH)
        station.certificate_response = None
        session.ongoing_ms(_WANTED)
        session.tell(CertificateRequest(session.payload, update, session.protocol.namespace))
    said = station.certificate_response
    if said is None and session.ongoing_ms(_WANTED) < PERFORMANCE_MS:
        return Wait(PERFORMANCE_MS)
    station.certificate_response = None
    message = _read(said.payload, wanted) if said is not None else None
    if message is None:
        session.log("no certificate in time" if said is None else "the backend has no certificate")
        return Reply(refuse(session, "FAILED"), "")
    body = message.Body.BodyElement
    session.agreed["signature"] = message.Header.Signature
    if body.ResponseCode.startswith("FAILED"):
        session.log(f"the backend answers {body.ResponseCode}")
        return Reply(body, "")
    return Reply(body, "WaitForPaymentDetails")


def _read(payload: bytes, wanted: type) -> Any:
    """The backend's message; None if it is none of the wanted kind."""
    try:
        message = v2gexi.decode(payload, "iso2")
    except v2gexi.DecodeError:
        return None
    fits = isinstance(message, iso2.V2G_Message) and isinstance(message.Body.BodyElement, wanted)
    return message if fits else None


def _nothing() -> dict[str, Any]:
    """What the schema wants in a refusal, with nothing in it."""
    return {
        "SAProvisioningCertificateChain": iso2.CertificateChainType(Certificate=b""),
        "ContractSignatureCertChain": iso2.CertificateChainType(Id="id1", Certificate=b""),
        "ContractSignatureEncryptedPrivateKey": iso2.ContractSignatureEncryptedPrivateKeyType(
            Id="id2", value=b""
        ),
        "DHpublickey": iso2.DiffieHellmanPublickeyType(Id="id3", value=b""),
        "eMAID": iso2.EMAIDType(Id="id4", value="00000000000000"),
    }


def installation(session: Session, code: iso2.responseCodeType) -> Any:
    """A refusal with a code."""
    return iso2.CertificateInstallationResType(ResponseCode=code, **_nothing())


def update_response(session: Session, code: iso2.responseCodeType) -> Any:
    """A refusal with a code; the EV may try again at any time (RetryCounter 0)."""
    return iso2.CertificateUpdateResType(ResponseCode=code, RetryCounter=0, **_nothing())


INSTALLATION: Final = Exchange(
    request=iso2.CertificateInstallationReqType,
    name="CertificateInstallationReq",
    answer=install,
    refuse=installation,
    leads_to=("WaitForPaymentDetails", ""),
    codes=("OK", "FAILED", "FAILED_SequenceError", "the backend's"),
    meaning="the EV asks its provider for a contract certificate",
)
UPDATE: Final = Exchange(
    request=iso2.CertificateUpdateReqType,
    name="CertificateUpdateReq",
    answer=renew,
    refuse=update_response,
    leads_to=("WaitForPaymentDetails", ""),
    codes=("OK", "FAILED", "FAILED_SequenceError", "the backend's"),
    meaning="the EV asks its provider for a new contract certificate in place of the one that it has",
)
