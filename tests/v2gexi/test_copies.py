"""Messages in pickles, and copies of them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from importlib import import_module
from random import Random
from typing import Any

import pytest

import v2gexi
from tests.v2gexi.messages import Builder, can_be_made
from v2gexi import AnyElement, Element, app, iso2, iso20_acdp, schema, xmldsig


def handshake() -> Any:
    return app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID=1)


@pytest.mark.parametrize("message_set", schema.set_names())
def test_messages_of_every_class(message_set: str) -> None:
    builder = Builder(Random(20261121))
    number = schema.set_named(message_set).number
    made = 0
    for kind in schema.types_of(number).values():
        if schema.type_of(kind).flags & schema.ABSTRACT or not can_be_made(kind):
            continue
        message = builder.message(kind)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(message, protocol))
            assert type(again) is type(message)
            assert again == message
        assert copy.copy(message) == message
        assert copy.deepcopy(message) == message
        made += 1
    assert made


def test_every_class_is_found_by_its_name() -> None:
    found = 0
    for number in schema.set_names().values():
        of_set = schema.set_of(number)
        module = import_module(f"v2gexi.{of_set.name.replace('-', '_')}")
        for name in dir(module):
            known = getattr(module, name)
            if isinstance(known, type) and issubclass(known, v2gexi.Message):
                assert getattr(import_module(known.__module__), known.__name__) is known
                found += 1
    assert found > 900


def test_a_message_whose_type_others_have_stays_itself() -> None:
    for name in ("ACDP_ConnectReq", "ACDP_DisconnectReq"):
        message = Builder(Random(1)).message(getattr(iso20_acdp, name)._type)
        given = {slot: getattr(message, slot) for slot in message._slots}
        mine = getattr(iso20_acdp, name)(**given)
        again = pickle.loads(pickle.dumps(mine))
        assert type(again) is getattr(iso20_acdp, name)
        assert v2gexi.encode(again) == v2gexi.encode(mine)


def test_a_copy_shares_what_is_inside_and_a_deep_one_does_not() -> None:
    inner = iso2.RelativeTimeIntervalType(start=1)
    entry = iso2.SalesTariffEntryType(TimeInterval=inner, EPriceLevel=1)
    assert copy.copy(entry).TimeInterval is inner
    deep = copy.deepcopy(entry)
    assert deep.TimeInterval == inner
    assert isinstance(deep.TimeInterval, iso2.RelativeTimeIntervalType)
    deep.TimeInterval.start = 2
    assert inner.start == 1


def test_ordered_content_and_undeclared_elements() -> None:
    message = xmldsig.ObjectType(
        content=["a", Element("KeyName", "k"), AnyElement("q", "urn:x", {"b": "c"}, ["d", AnyElement("e")])]
    )
    for again in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert again == message
        assert again.content[2] is not message.content[2]


def test_messages_that_are_not_whole() -> None:
    message = handshake()
    message.ResponseCode = None
    assert copy.deepcopy(message) == pickle.loads(pickle.dumps(message)) == message


class Noted(app.supportedAppProtocolRes):
    """A subclass with more than slots."""


def test_subclasses_keep_what_is_their_own() -> None:
    message = Noted(ResponseCode="OK_SuccessfulNegotiation", SchemaID=1)
    vars(message)["note"] = "x"
    again = pickle.loads(pickle.dumps(message))
    assert type(again) is Noted
    assert again == message
    assert vars(again) == vars(copy.copy(message)) == {"note": "x"}


def test_another_process_reads_them() -> None:
    """One in which nothing of the package is imported yet."""
    program = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])))"
    command = [sys.executable, "-c", program, pickle.dumps(handshake()).hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{handshake()!r}\n"


def test_errors_too() -> None:
    for error in (v2gexi.DecodeError("a", "b", 3), v2gexi.EncodeError("a", "b")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert vars(again) == vars(error)


def test_a_copy_is_written_as_its_payload_was() -> None:
    """Also where that says a text twice in full."""
    from tests.v2gexi import vectors

    found = next(vector for vector in vectors.load() if vector.with_hits is not None)
    message = v2gexi.decode(found.document, found.message_set)
    for other in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert v2gexi.encode(other) == found.document
