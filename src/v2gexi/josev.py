"""The codec of the ``iso15118`` package (Josev) without Java.

``Codec`` has the interface ``iso15118.shared.iexi_codec.IEXICodec``: JSON text in, EXI out, and back. It
takes the place of ``ExificientEXICodec`` where that is given to ``SECCHandler`` or ``EVCCHandler``; code
that calls the package's ``EXI`` itself needs one line::

    EXI().set_exi_codec(Codec())

``iso15118`` is not needed to import this module.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import v2gexi
from v2gexi.dicts import from_dict
from v2gexi.message import AnyElement, Message
from v2gexi.sessions import NAMESPACES

MESSAGE_SETS: Final = {
    "urn:iso:15118:2:2010:AppProtocol": "app",
    **NAMESPACES,
    "http://www.w3.org/2000/09/xmldsig#": "xmldsig",
}
"""The message set of each namespace that the package names."""

_DOCUMENT: Final = "V2G_Message"
"""In DIN SPEC 70121 and ISO 15118-2 whatever is not in it is part of a message, for a signature."""
_SIGNED_PARTS: Final = frozenset(
    {
        "AbsolutePriceSchedule",
        "CPSCertificateChain",
        "OEMProvisioningCertificateChain",
        "PnC_AReqAuthorizationMode",
        "SignedInstallationData",
    }
)
"""Elements of ISO 15118-20 that are signed; the others are messages."""


class Codec:
    """EXI for ``iso15118``: JSON objects with one member, a message or a part of one that is to be signed.

    Their form is that of :mod:`v2gexi.dicts`. As EXIficient does when the package runs it, texts are always
    written out (it could not read references to earlier ones), and lengths and ranges of the schema that EXI
    does not code are not checked (the package does that).
    """

    def __init__(self) -> None:
        # Only a program that has the package can ask whether this is one of its codecs.
        interface = sys.modules.get("iso15118.shared.iexi_codec")
        if interface is not None:
            interface.IEXICodec.register(type(self))

    def encode(self, message: str, namespace: str) -> bytes:
        """The EXI payload of a message in JSON.

        Args:
            message: the JSON text.
            namespace: that of the schema, one of ``MESSAGE_SETS``. Of ISO 15118-2 everything but
                ``V2G_Message``, of ISO 15118-20 the parts that are signed, and all of XML signature becomes
                an EXI fragment.

        Raises:
            EncodeError: the schema does not allow the message.
            ValueError: it is not JSON, or there is no such namespace.
        """
        name = _message_set(namespace)
        content = json.loads(message)
        return v2gexi.encode(
            from_dict(name, content),
            name,
            element=next(iter(content)),
            fragment=_is_fragment(name, content),
            literal=True,
            lenient=True,
        )

    def decode(self, stream: bytes, namespace: str) -> str:
        """The message in an EXI payload, as JSON.

        Args:
            stream: the payload, without the V2GTP header.
            namespace: as in ``encode``.

        Raises:
            DecodeError: it is no message of that schema.
            ValueError: there is no such namespace.
        """
        name = _message_set(namespace)
        message = v2gexi.decode(stream, name, fragment=name == "xmldsig")
        if not isinstance(message, Message):
            # Also simple elements are roots (DigestValue), and EXI can say elements of which no schema knows.
            name = message.name if isinstance(message, AnyElement) else ""
            raise v2gexi.DecodeError(f"this element of {namespace} is no message", name)
        return json.dumps(message.to_dict(), separators=(",", ":"), ensure_ascii=False)

    def get_version(self) -> str:
        """Name and version of this codec, which the package logs."""
        return f"v2gexi {v2gexi.__version__}"


def _message_set(namespace: str) -> str:
    name = MESSAGE_SETS.get(namespace)
    if name is None:
        raise ValueError(f"there is no schema {str(namespace)!r}, only {', '.join(MESSAGE_SETS)}")
    return name


def _is_fragment(message_set: str, content: dict[str, Any]) -> bool:
    if message_set == "xmldsig":
        return True
    if message_set in ("din", "iso2"):
        return _DOCUMENT not in content
    return not _SIGNED_PARTS.isdisjoint(content)
