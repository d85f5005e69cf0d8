"""EXI for vehicle-to-grid messages: DIN SPEC 70121, ISO 15118-2 and ISO 15118-20.

>>> import v2gexi
>>> payload = "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040"
>>> message = v2gexi.decode(bytes.fromhex(payload), "app")
>>> message.AppProtocol[0].ProtocolNamespace
'urn:din:70121:2012:MsgDef'
>>> v2gexi.encode(message).hex()
'8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040'
"""

from typing import TYPE_CHECKING, Any

from v2gexi.codec import decode, encode
from v2gexi.errors import DecodeError, EncodeError
from v2gexi.message import AnyElement, Element, Message

if TYPE_CHECKING:
    from v2gexi.checks import problems
    from v2gexi.dicts import DictError, from_dict, to_dict
    from v2gexi.xml import XmlError, from_xml, to_xml

__all__ = [
    "AnyElement",
    "DecodeError",
    "DictError",
    "Element",
    "EncodeError",
    "Message",
    "XmlError",
    "decode",
    "encode",
    "from_dict",
    "from_xml",
    "problems",
    "to_dict",
    "to_xml",
]
__version__ = "0.1.0"

# What people need and a charging session does not: imported when it is first asked for.
_LATER = {
    "problems": "checks",
    "DictError": "dicts",
    "from_dict": "dicts",
    "to_dict": "dicts",
    "XmlError": "xml",
    "from_xml": "xml",
    "to_xml": "xml",
}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'v2gexi' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"v2gexi.{module}"), name)
    globals()[name] = value
    return value
