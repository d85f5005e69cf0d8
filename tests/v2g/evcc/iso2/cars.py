"""Sessions of ISO 15118-2 for tests."""

from __future__ import annotations

from typing import Any

from tests.v2g.evcc.charger import Charger
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import ISO_2, EnergyMode
from v2g.evcc.iso2.protocol import PROTOCOL
from v2g.evcc.vehicle import Setup, Vehicle
from v2gexi import iso2

AC = (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE)
DC = (EnergyMode.DC_EXTENDED,)


def car(dc: bool = True, *, setup: dict[str, Any] | None = None, **facts: Any) -> Vehicle:
    """An EV."""
    return Vehicle(setup=Setup(protocols=(ISO_2,), energy_modes=DC if dc else AC, **(setup or {})), **facts)


def session(dc: bool = True, vehicle: Vehicle | None = None, **more: Any) -> Rig:
    """A session with a scripted charger."""
    return Rig(PROTOCOL, Charger(iso2, dc=dc), vehicle or car(dc), **more)
