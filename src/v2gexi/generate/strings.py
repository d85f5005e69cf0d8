"""What the string tables of a message set start with (EXI 7.3.1 and appendix D)."""

from __future__ import annotations

from typing import Final

from .model import MessageSet
from .source import XML, XSD, QName

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

_XML_NAMES: Final = ("base", "id", "lang", "space")
_XSI_NAMES: Final = ("nil", "type")
_XSD_NAMES: Final = (
    "ENTITIES", "ENTITY", "ID", "IDREF", "IDREFS", "NCName", "NMTOKEN", "NMTOKENS", "NOTATION", "Name",
    "QName", "anySimpleType", "anyType", "anyURI", "base64Binary", "boolean", "byte", "date", "dateTime",
    "decimal", "double", "duration", "float", "gDay", "gMonth", "gMonthDay", "gYear", "gYearMonth",
    "hexBinary", "int", "integer", "language", "long", "negativeInteger", "nonNegativeInteger",
    "nonPositiveInteger", "normalizedString", "positiveInteger", "short", "string", "time", "token",
    "unsignedByte", "unsignedInt", "unsignedLong", "unsignedShort",
)  # fmt: skip


def partitions(messages: MessageSet) -> list[tuple[str, list[QName]]]:
    """Each URI in the order of the string table, and the names its partition starts with."""
    fixed = {"": (), XML: _XML_NAMES, XSI: _XSI_NAMES, XSD: _XSD_NAMES}
    names: dict[str, set[str]] = {uri: set(known) for uri, known in fixed.items()}
    found = sorted({uri for uri, _ in messages.names} | set(messages.namespaces))
    for uri in found:
        names.setdefault(uri, set())
    for uri, local in messages.names:
        names[uri].add(local)
    return [(uri, [(uri, local) for local in sorted(locals_)]) for uri, locals_ in names.items()]
