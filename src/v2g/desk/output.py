"""The desk charger's output, and the meter behind it: what moves and flows, in steps."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.desk.values import Settings
from v2g.secc.effects import DcTarget
from v2g.secc.facts import EvFact
from v2g.secc.station import MeterReading, Station

STEP_S: Final = 0.05
"""The output moves in steps of this length."""
_CHECK_VOLTAGE_V: Final = 500.0
"""Voltage of the cable check, unless the car may get more; at most that of the output (IEC 61851-23)."""
_OFF: Final = DcTarget(0.0, 0.0)


class Output:
    """Power electronics (DC) or an outlet (AC), with a meter.

    Args:
        station: gets what is measured.
        settings: :data:`~v2g.desk.charger_settings.SETTINGS`.
        slack: the voltage of pre-charge stays half of what is wanted (a fault).
    """

    def __init__(self, station: Station, settings: Settings, *, slack: bool = False) -> None:
        self._station = station
        self._settings = settings
        self._slack = slack
        self._alternating = settings["mode"] == "ac"
        self.target = _OFF
        """What the car wants (DC)."""
        self.checking = False
        """The cable check is under way."""
        self.loop = False
        """The charge loop is under way: current may flow."""
        self.told: dict[EvFact, Any] = {}
        """What the car has said."""
        self._energy_wh = 1_000.0
        self._task: asyncio.Task[None] | None = None

    @property
    def check_voltage_v(self) -> float:
        """Voltage of the cable check: the highest that the car may get."""
        told = self.told.get(EvFact.DC_MAXIMUM_LIMITS) or {}
        return min(max(_CHECK_VOLTAGE_V, told.get("voltage_v") or 0.0), self._station.dc.maximum_voltage_v)

    def contactor(self, closed: bool) -> None:
        """The contactor is told to move."""
        if not closed:
            self.target = _OFF
            self.checking = False
        elif self._alternating:
            # DC begins with the cable check.
            self.run()

    def run(self) -> None:
        """From now on the output moves, and the meter counts."""
        if self._task is None:
            self._read_meter()
            self._task = asyncio.create_task(self._step_always())

    def reset(self) -> None:
        """A session is over; the meter goes on from where it is."""
        self.target = _OFF
        self.checking = self.loop = False
        self.told.clear()
        self._station.present_voltage_v = self._station.present_current_a = 0.0

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _step_always(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            power_w = self._step_ac() if self._alternating else self._step_dc()
            self._energy_wh += power_w * STEP_S / 3600
            self._read_meter()

    def _read_meter(self) -> None:
        if self._settings["meter"]:
            self._station.meter = MeterReading("DESK-1", round(self._energy_wh))

    def _step_ac(self) -> float:
        """The power that the car takes: as it says itself (ISO 15118-20), or what both sides can at most."""
        station, limits = self._station, self._station.ac
        power_w = 0.0
        if self.loop and station.contactor_closed:
            most_a = min(self.told.get(EvFact.AC_MAX_CURRENT_A, math.inf), limits.maximum_current_a)
            single = self.told.get(EvFact.REQUESTED_ENERGY_MODE) == EnergyMode.AC_SINGLE_PHASE.value
            most_w = limits.nominal_voltage_v * most_a * (1 if single else limits.phases)
            power_w = self.told.get(EvFact.AC_PRESENT_POWER_W, most_w)
        if self._settings["meter"]:
            station.present_power_w = power_w
        return power_w

    def _step_dc(self) -> float:
        """Move towards what is wanted; the power that flows."""
        station, limits = self._station, self._station.dc
        wanted_v = self.check_voltage_v if self.checking else self.target.voltage_v
        if self._slack and not self.checking and not self.loop:
            wanted_v /= 2
        station.present_voltage_v = _towards(
            station.present_voltage_v, wanted_v, self._settings["ramp_v_per_s"] * STEP_S
        )
        wanted_a = self.target.current_a if self.loop else 0.0
        if station.present_voltage_v > 0:
            most = limits.maximum_power_w / station.present_voltage_v
            wanted_a = max(-limits.discharge_current_a, min(wanted_a, most))
        station.present_current_a = _towards(
            station.present_current_a, wanted_a, self._settings["ramp_a_per_s"] * STEP_S
        )
        return station.present_voltage_v * station.present_current_a


def _towards(value: float, wanted: float, step: float) -> float:
    return min(wanted, value + step) if value < wanted else max(wanted, value - step)
