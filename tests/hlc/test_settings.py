"""The configuration keys of high-level charging."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chargectl.config.document import Document
from chargectl.config.load import shape_of
from chargectl.config.validate import validate
from chargectl.declarations.types import ConfigFile
from chargectl.hlc.settings import HlcSettings
from v2g.common.terms import ISO_2


def read(**port: Any) -> HlcSettings:
    text = json.dumps({"ports": [port]})
    checked = validate(Document(text, "customer.json"), shape_of(ConfigFile.CUSTOMER))
    assert checked.problems == []
    return HlcSettings.read(checked.configuration)


@pytest.mark.spec(148)
@pytest.mark.parametrize(
    ("kind", "enabled"), [("basic", False), ("highlevel", True), ("basic+fake_highlevel_dc", False)]
)
def test_only_highlevel_starts_sessions(kind: str, enabled: bool) -> None:
    assert read(charging_type=kind).enabled is enabled


@pytest.mark.spec(147)
def test_the_protocol_is_the_one_of_the_messages() -> None:
    assert read(hlc_protocols="urn:iso:15118:2:2013").protocols == (ISO_2,)


@pytest.mark.spec(149)
def test_tls_is_prohibited_by_default() -> None:
    assert read().tls == "prohibit"
    assert read(tls_security="force").tls == "force"
    assert read(tls_security="allow").with_tls("prohibit").tls == "prohibit"


def test_the_other_keys() -> None:
    settings = read(user_authentication="mqtt", evse_id="DE*ABC*E0815", highlevel_authentication_mode="eim")
    assert settings.customer_decides
    assert settings.evse_id == "DE*ABC*E0815"
    assert not read().customer_decides
    assert read().evse_id == "DE*INT* ECH 1234567890"
