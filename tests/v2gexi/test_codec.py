"""decode() and encode() as they are called: the documented example, and arguments of wrong types."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

import v2gexi
from v2gexi import app

HANDSHAKE = bytes.fromhex("8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040")


def test_the_example_of_the_package() -> None:
    found = doctest.testmod(v2gexi)
    assert found.attempted == 5
    assert found.failed == 0


@pytest.mark.parametrize("wrong", [["app"], None, 5, b"app", {}])
def test_a_message_set_is_a_text(wrong: Any) -> None:
    kind = type(wrong).__name__
    reason = rf"^the name of a message set is a text such as 'iso2', not a {kind}$"
    with pytest.raises(TypeError, match=reason):
        v2gexi.decode(HANDSHAKE, wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=reason):
            v2gexi.encode(v2gexi.decode(HANDSHAKE, "app"), wrong)


@pytest.mark.parametrize("wrong", [["supportedAppProtocolReq"], 5, b"x"])
def test_an_element_is_a_text(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^the name of an element is a text, not a {type(wrong).__name__}$"):
        v2gexi.encode(v2gexi.decode(HANDSHAKE, "app"), element=wrong)


def test_an_unknown_message_set_is_named() -> None:
    with pytest.raises(ValueError, match=r"^there is no message set 'iso3', only .*\bapp, din, iso2\b"):
        v2gexi.decode(HANDSHAKE, "iso3")


def test_what_is_missing_or_unknown_is_a_type_error() -> None:
    message_class: Any = app.supportedAppProtocolRes
    with pytest.raises(TypeError, match="supportedAppProtocolRes needs ResponseCode"):
        message_class()
    with pytest.raises(TypeError, match="supportedAppProtocolRes has no ResponseCod"):
        message_class(ResponseCod="x")
