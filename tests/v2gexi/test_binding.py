"""What Python's binding withstands: odd objects, objects that change while they are written, and no leaks."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

import v2gexi
from v2gexi import AnyElement, DecodeError, Element, EncodeError, xmldsig

HANDSHAKE = bytes.fromhex("8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040")
ROUNDS = 3000


def test_payloads_of_any_buffer() -> None:
    expected = v2gexi.decode(HANDSHAKE, "app")
    spread = memoryview(bytes(byte for each in HANDSHAKE for byte in (each, 0)))[::2]
    for payload in (bytearray(HANDSHAKE), memoryview(HANDSHAKE), memoryview(bytearray(HANDSHAKE)), spread):
        assert v2gexi.decode(payload, "app") == expected
    for wrong in ("text", None, 5, [128, 0]):
        with pytest.raises(TypeError, match="a payload is bytes, not"):
            v2gexi.decode(wrong, "app")


def test_subclasses_are_what_they_derive_from() -> None:
    class Mine(type(v2gexi.decode(HANDSHAKE, "app").AppProtocol[0])):  # type: ignore[misc]
        """With a dictionary."""

    message = v2gexi.decode(HANDSHAKE, "app")
    old = message.AppProtocol[0]
    mine = Mine(**{name: getattr(old, name) for name in old._slots})
    mine.note = "x"
    message.AppProtocol = [mine]
    assert v2gexi.encode(message, "app") == HANDSHAKE
    Mine._type = 0
    with pytest.raises(EncodeError):
        v2gexi.encode(message, "app")


def test_a_cycle_is_nested_too_deep() -> None:
    inner = xmldsig.ObjectType()
    inner.content.append(Element("Object", inner))
    with pytest.raises(EncodeError, match="nested too deep"):
        v2gexi.encode(inner, "xmldsig", element="Object")


def test_a_list_that_changes_while_it_is_written() -> None:
    message = v2gexi.decode(HANDSHAKE, "app")

    class Cuckoo:
        """Empties the list when it is looked at."""

        def __repr__(self) -> str:
            message.AppProtocol.clear()
            message.AppProtocol = None
            return "cuckoo"

    message.AppProtocol = [message.AppProtocol[0], Cuckoo(), message.AppProtocol[0]]
    with pytest.raises(EncodeError, match="cuckoo is no AppProtocolType"):
        v2gexi.encode(message, "app")


@pytest.mark.parametrize("size", range(900, 1100, 7))
def test_a_message_about_as_large_as_the_first_buffer(size: int) -> None:
    message = xmldsig.ObjectType(content=["x" * size, AnyElement("a", "", {"b": "y"}, ["z"])])
    payload = v2gexi.encode(message, "xmldsig", element="Object")
    assert v2gexi.decode(payload, "xmldsig") == message


def test_more_texts_than_a_message_can_have() -> None:
    many: list[Any] = [AnyElement("a", "", {}, [str(number)]) for number in range(4000)]
    message = xmldsig.ObjectType(content=many)
    assert v2gexi.decode(v2gexi.encode(message, "xmldsig", element="Object"), "xmldsig") == message
    message.content = many + [AnyElement("a", "", {}, [f"x{number}"]) for number in range(200)]
    with pytest.raises(EncodeError, match="more texts"):
        v2gexi.encode(message, "xmldsig", element="Object", literal=False)
    payload = v2gexi.encode(message, "xmldsig", element="Object", literal=True)
    with pytest.raises(DecodeError, match="more texts"):
        v2gexi.decode(payload, "xmldsig")


def work() -> None:
    foreign = AnyElement(
        "a", "urn:x", {"b": "c", "{urn:y}d": "ü"}, ["x", AnyElement("e"), Element("DigestValue", b"1")]
    )
    payload = v2gexi.encode(xmldsig.ObjectType(content=["t", foreign]), "xmldsig", element="Object")
    v2gexi.decode(payload, "xmldsig")
    message = v2gexi.decode(HANDSHAKE, "app")
    v2gexi.encode(message, "app")
    for wrong in (HANDSHAKE[:9], b"", b"\x00", HANDSHAKE[:-2], payload[:-3]):
        with pytest.raises(DecodeError):
            v2gexi.decode(wrong, "app" if wrong is not payload[:-3] else "xmldsig")
    protocol = message.AppProtocol[0]
    for name, value in (("Priority", 1000), ("Priority", "x"), ("ProtocolNamespace", 5), ("SchemaID", None)):
        kept = getattr(protocol, name)
        setattr(protocol, name, value)
        with pytest.raises(EncodeError):
            v2gexi.encode(message, "app")
        setattr(protocol, name, kept)
    items: tuple[Any, ...] = (5, AnyElement("a\0"), AnyElement("a", "", {"x": 1}), Element("no", 1))
    for item in items:
        with pytest.raises(EncodeError):
            v2gexi.encode(xmldsig.ObjectType(content=[item]), "xmldsig", element="Object")


def grown() -> int:
    """Memory blocks of the interpreter that many rounds leave behind."""
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(ROUNDS // 10):
        work()
    gc.collect()
    return sys.getallocatedblocks() - before


def test_nothing_leaks() -> None:
    """What works and what does not: a leak shows every time, what other threads take meanwhile does not."""
    for _ in range(20):
        work()
    assert min(grown() for _ in range(3)) < ROUNDS // 20
