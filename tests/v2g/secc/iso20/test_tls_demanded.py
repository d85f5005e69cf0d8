"""ISO 15118-20 is spoken over TLS 1.3; over anything else only where the set-up says so (desks)."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso20 import requests as ev
from v2g.common.terms import ISO_2, ISO_20_TLS, EnergyMode
from v2g.secc import effects
from v2g.secc.iso2.protocol import PROTOCOL as ISO_2_PROTOCOL
from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.secc.protocol import Protocol
from v2g.secc.station import Setup, Station

BOTH = [pytest.param(DC_PROTOCOL, id="dc"), pytest.param(AC_PROTOCOL, id="ac")]


def chosen(protocol: Protocol, tls_version: str, mode: EnergyMode | None = None, anyhow: bool = False) -> str:
    """What is agreed on with an EV that prefers a protocol of ISO 15118-20 to ISO 15118-2."""
    modes = (mode,) if mode else tuple(EnergyMode)
    setup = Setup(protocols=(protocol.namespace, ISO_2), energy_modes=modes, iso20_without_tls=anyhow)
    made = ev.Rig20(
        protocol, ISO_2_PROTOCOL, station=Station(setup=setup), tls=bool(tls_version), tls_version=tls_version
    )
    made.handshake((protocol.namespace, 1, 0), (ISO_2, 2, 0))
    return str(made.sent(effects.ProtocolSelected).namespace)


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize("tls_version", ["", "TLSv1.2", ISO_20_TLS])
def test_it_is_agreed_on_over_tls_1_3_only(protocol: Protocol, tls_version: str) -> None:
    wanted = protocol.namespace if tls_version == ISO_20_TLS else ISO_2
    assert chosen(protocol, tls_version) == wanted


@pytest.mark.parametrize("tls_version", ["", "TLSv1.2"])
def test_a_desk_speaks_it_over_anything(tls_version: str) -> None:
    assert chosen(DC_PROTOCOL, tls_version, anyhow=True) == DC_PROTOCOL.namespace


def test_megawatt_charging_is_no_exception() -> None:
    assert chosen(DC_PROTOCOL, ISO_20_TLS, EnergyMode.MCS) == DC_PROTOCOL.namespace
    assert chosen(DC_PROTOCOL, "", EnergyMode.MCS) == ISO_2


def test_an_ev_with_nothing_else_is_refused() -> None:
    made = ev.rig("DC", ev.station(iso20_without_tls=False))
    assert made.core.session is None
    seen = made.of(effects.MessageSeen)[-1]
    assert seen.message.ResponseCode == "Failed_NoNegotiation"
