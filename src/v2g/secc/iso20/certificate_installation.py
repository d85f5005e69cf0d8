"""CertificateInstallation: passed to the backend; the EV asks again until it has answered."""

from __future__ import annotations

from typing import Any, Final

import v2gexi
from v2g.secc.effects import CertificateRequest
from v2g.secc.iso20.terms import header
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso20_common as common

_WAITING: Final = "certificate installation"
_AGAIN: Final = "WaitForAuthorization"
_NAMESPACE: Final = "urn:iso:std:iso:15118:-20:CommonMessages"
_PUBLIC_KEY_BYTES: Final = 133
_PRIVATE_KEY_BYTES: Final = 94
"""Lengths that the schema wants even of values that say nothing."""


def answer(session: Session, request: Any) -> Reply | Wait:
    """The backend's response with this session's header, once it is there."""
    station, times = session.station, session.protocol.times
    if not (session.tls and session.setup.certificate_service):
        session.log("CertificateInstallationReq, and that service is not on offer")
        return Reply(response(session, "WARNING_NoCertificateAvailable"), _AGAIN)
    if _WAITING not in session.ongoing_since_ms:
        station.certificate_response = None
        session.tell(CertificateRequest(session.payload, False, _NAMESPACE))
    elapsed = session.ongoing_ms(_WAITING)
    found = station.certificate_response
    if found is None:
        longest = session.protocol.messages["CertificateInstallationReq"].performance_ms
        if session.waited_ms < longest:
            return Wait(longest)
        if elapsed < times.secc_ongoing_ms:
            return Reply(response(session, "OK", "Ongoing"), _AGAIN)
        session.log("the backend does not answer the certificate request")
    session.finished(_WAITING)
    passed = _passed(session, found.payload) if found is not None else None
    if passed is None:
        return Reply(response(session, "WARNING_NoCertificateAvailable"), _AGAIN)
    return Reply(passed, _AGAIN if not passed.ResponseCode.startswith("FAILED") else "")


def _passed(session: Session, payload: bytes) -> Any:
    """The backend's message: its signature stays, session id and time are ours. None: it is of no use."""
    if not payload:
        session.log("the backend has refused the certificate request")
        return None
    try:
        message = v2gexi.decode(payload, "iso20-common", check=True)
    except v2gexi.DecodeError as error:
        session.log(f"the backend's certificate response cannot be read: {error}")
        return None
    if not isinstance(message, common.CertificateInstallationResType):
        session.log(f"the backend's certificate response is a {type(message).__name__}")
        return None
    signature = message.Header.Signature
    message.Header = header(session)
    message.Header.Signature = signature
    return message


def response(
    session: Session, code: common.responseCodeType, processing: common.processingType = "Finished"
) -> Any:
    """A response without certificates."""
    return common.CertificateInstallationResType(
        Header=header(session),
        ResponseCode=code,
        EVSEProcessing=processing,
        CPSCertificateChain=common.CertificateChainType(Certificate=b""),
        SignedInstallationData=common.SignedInstallationDataType(
            Id="none",
            ContractCertificateChain=common.ContractCertificateChainType(
                Certificate=b"", SubCertificates=common.SubCertificatesType(Certificate=[b""])
            ),
            ECDHCurve="SECP521",
            DHPublicKey=bytes(_PUBLIC_KEY_BYTES),
            SECP521_EncryptedPrivateKey=bytes(_PRIVATE_KEY_BYTES),
        ),
        RemainingContractCertificateChains=0,
    )


EXCHANGE: Final = Exchange(
    request=common.CertificateInstallationReqType,
    name="CertificateInstallationReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorization", ""),
    # The backend's other codes are passed on.
    codes=("OK", "WARNING_NoCertificateAvailable"),
    meaning="the EV fetches contract certificates from the backend",
)
