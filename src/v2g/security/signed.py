"""What is signed in messages: elements by message, as ISO 15118-2:2014 and ISO 15118-20:2022 say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final


class SignatureError(ValueError):
    """A message that cannot be signed; the text says why."""


Elements = Iterator[tuple[str, Any]]
"""Names of elements and what they hold."""


def _itself(name: str) -> Callable[[Any], Elements]:
    def elements(message: Any) -> Elements:
        yield name, message

    return elements


def _children(*names: str) -> Callable[[Any], Elements]:
    def elements(message: Any) -> Elements:
        for name in names:
            child = getattr(message, name)
            if child is not None:
                yield name, child

    return elements


def _sales_tariffs(message: Any) -> Elements:
    for each in getattr(message.SASchedules, "SAScheduleTuple", ()):
        if each.SalesTariff is not None:
            yield "SalesTariff", each.SalesTariff


def _prices(message: Any) -> Elements:
    prices = _children("AbsolutePriceSchedule", "PriceLevelSchedule")
    if message.Dynamic_SEResControlMode is not None:
        yield from prices(message.Dynamic_SEResControlMode)
    if message.Scheduled_SEResControlMode is not None:
        for each in message.Scheduled_SEResControlMode.ScheduleTuple:
            for schedule in (each.ChargingSchedule, each.DischargingSchedule):
                if schedule is not None:
                    yield from prices(schedule)


_ISSUED: Final = (
    "ContractSignatureCertChain",
    "ContractSignatureEncryptedPrivateKey",
    "DHpublickey",
    "eMAID",
)
SIGNED: Final[dict[tuple[str, str], Callable[[Any], Elements]]] = {
    ("iso2", "AuthorizationReqType"): _itself("AuthorizationReq"),
    ("iso2", "MeteringReceiptReqType"): _itself("MeteringReceiptReq"),
    ("iso2", "CertificateInstallationReqType"): _itself("CertificateInstallationReq"),
    ("iso2", "CertificateUpdateReqType"): _itself("CertificateUpdateReq"),
    ("iso2", "CertificateInstallationResType"): _children(*_ISSUED),
    ("iso2", "CertificateUpdateResType"): _children(*_ISSUED),
    ("iso2", "ChargeParameterDiscoveryResType"): _sales_tariffs,
    ("iso20-common", "AuthorizationReqType"): _children("PnC_AReqAuthorizationMode"),
    ("iso20-common", "CertificateInstallationReqType"): _children("OEMProvisioningCertificateChain"),
    ("iso20-common", "CertificateInstallationResType"): _children("SignedInstallationData"),
    ("iso20-common", "MeteringConfirmationReqType"): _children("SignedMeteringData"),
    ("iso20-common", "ScheduleExchangeResType"): _prices,
}
"""Elements that are signed, by message set and class of the message (in ISO 15118-2, of its body)."""
_SETS: Final = {"v2gexi.iso2": "iso2", "v2gexi.iso20_common": "iso20-common"}
_NAMES: Final = {
    ("iso2", "CertificateChainType"): "ContractSignatureCertChain",
    ("iso2", "DiffieHellmanPublickeyType"): "DHpublickey",
    ("iso2", "EMAIDType"): "eMAID",
    ("iso20-common", "SignedCertificateChainType"): "OEMProvisioningCertificateChain",
}
"""Names of signed elements that are not those of their classes."""


def signed_elements(message: Any) -> list[tuple[str, Any]]:
    """Names and objects of those elements of a message that are signed if the message is.

    Raises:
        SignatureError: messages of this kind are never signed.
    """
    message_set, body = body_of(message)
    elements = SIGNED.get((message_set, type(body).__name__))
    if elements is None:
        raise SignatureError(f"{type(body).__name__} is not signed in {message_set}")
    return list(elements(body))


def named(element: Any) -> tuple[str, str]:
    """The message set and the name of an element that can be signed.

    Raises:
        SignatureError: it is none.
    """
    module, kind = type(element).__module__, type(element).__name__
    message_set = _SETS.get(module)
    if message_set is None:
        raise SignatureError(f"{kind} of {module} is no element that can be signed")
    return message_set, _NAMES.get((message_set, kind), kind.removesuffix("Type"))


def body_of(message: Any) -> tuple[str, Any]:
    """The message set of a message, and what its kind is told by."""
    module = type(message).__module__
    if module == "v2gexi.iso2" and hasattr(message, "Body"):
        return "iso2", message.Body.BodyElement
    if module == "v2gexi.iso20_common" and hasattr(message, "Header"):
        return "iso20-common", message
    raise SignatureError(f"{type(message).__name__} of {module} is no message that can be signed")
