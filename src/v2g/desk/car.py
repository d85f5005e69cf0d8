"""The desk's car: a battery that fills, contactors, a connector lock, and a driver's wishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.common.values import number
from v2g.desk.charger_settings import PROTOCOLS
from v2g.desk.faults import Fault
from v2g.desk.meddler import Closing, Delayed
from v2g.desk.values import Settings
from v2g.evcc import effects
from v2g.evcc.vehicle import Battery, EvError, OnBoardCharger, Setup, Vehicle
from v2g.homeplug.frame import address_of
from v2g.net.car import CarShell
from v2g.slac.effects import Failed

REPLUG_S: Final = 1.0
"""Before the plug is drawn and inserted again when matching has failed for good."""
STEP_S: Final = 0.1
"""The battery fills in steps of this length."""
MODES: Final = {
    "dc": (EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE),
    "ac": (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE),
    "mcs": (EnergyMode.MCS,),
}
"""Energy modes by the setting ``mode``."""
_LOOPS: Final = ("CurrentDemandRes", "ChargingStatusRes", "DC_ChargeLoopRes", "AC_ChargeLoopRes")


def vehicle_of(settings: Settings, protocols: str) -> Vehicle:
    """The vehicle's first facts by the settings."""
    modes = MODES[settings["mode"]]
    if settings["mode"] == "ac" and settings["phases"] == 1:
        modes = (EnergyMode.AC_SINGLE_PHASE,)
    return Vehicle(
        setup=Setup(
            mac=address_of(settings["mac"]),
            evcc_id=settings["evcc_id"],
            protocols=tuple(namespace for name in protocols.split(",") for namespace in PROTOCOLS[name]),
            energy_modes=modes,
            dynamic_mode=settings["control"] == "dynamic",
            bidirectional=settings["bidirectional"],
            iso20_without_tls=True,
        ),
        battery=Battery(
            soc_percent=settings["soc_percent"],
            full_soc_percent=settings["full_soc_percent"],
            capacity_wh=settings["capacity_wh"],
            voltage_v=settings["voltage_v"],
            target_voltage_v=settings["target_voltage_v"],
            target_current_a=settings["target_current_a"],
            maximum_voltage_v=settings["maximum_voltage_v"],
            maximum_current_a=settings["maximum_current_a"],
            maximum_power_w=settings["maximum_power_w"],
        ),
        charger=OnBoardCharger(
            maximum_current_a=min(settings["maximum_current_a"], 32.0),
            phases=settings["phases"],
            energy_wh=settings["energy_wh"],
        ),
        departure_s=None if settings["departure_s"] is None else round(settings["departure_s"]),
    )


class DeskCar:
    """Hardware and driver of a car.

    Args:
        vehicle: its facts.
        settings: :data:`~v2g.desk.car_settings.SETTINGS`.
        faults: those that hardware and driver act out.
        watch: gets every effect, for logs and statistics.
    """

    def __init__(
        self, vehicle: Vehicle, settings: Settings, faults: list[Fault], watch: Callable[[Any], None]
    ) -> None:
        self.vehicle = vehicle
        """Its facts."""
        self._settings = settings
        self._faults = {fault.kind.name: fault for fault in faults}
        self._watch = watch
        self.shell: CarShell | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._filling: asyncio.Task[None] | None = None
        self._loop = False
        self._resumes = False
        self._power_w = 0.0
        self._energy_wh = settings["capacity_wh"] * settings["soc_percent"] / 100
        self.ended = asyncio.Event()
        """Set when the session is over."""
        self.began: Callable[[], None] = lambda: None
        """Called when a protocol is agreed with a charger."""
        self.result: effects.SessionEnded | None = None
        """How it ended."""

    def take(self, effect: Any) -> None:
        """React to an effect of SLAC or of the session."""
        if isinstance(effect, Delayed | Closing):
            self._meddled(effect)
            return
        self._watch(effect)
        if isinstance(effect, effects.ProtocolSelected):
            self.began()
        elif isinstance(effect, effects.LockConnector):
            if not (effect.locked and "lock_never" in self._faults):
                self._later(self._settings["lock_s"], lambda: self._set(connector_locked=effect.locked))
        elif isinstance(effect, effects.Contactors):
            self._contactors(effect.closed)
        elif isinstance(effect, effects.DrawCurrent):
            self._power_w = (
                effect.current_a * self.vehicle.charger.maximum_voltage_v * self._settings["phases"]
            )
            self.vehicle.charger.present_power_w = self._power_w
        elif isinstance(effect, effects.MessageSeen):
            if not effect.request and effect.name in _LOOPS:
                self._looped(effect.message)
        elif isinstance(effect, Failed):
            if effect.final:
                self._later(REPLUG_S, self._replug)
        elif isinstance(effect, effects.SessionEnded):
            self.result = effect
            self._cancel()
            self.ended.set()

    def begin(self) -> None:
        """A new session: wishes and faults begin anew, the battery stays as it is.

        After a pause the car does not wish for another one: it would never get on."""
        self.ended.clear()
        self._loop = False
        self._resumes = self.result is not None and self.result.paused is not None
        vehicle = self.vehicle
        vehicle.stop = vehicle.pause = vehicle.renegotiate = vehicle.abort = False
        vehicle.error = None

    async def close(self) -> None:
        """Stop everything."""
        self._cancel()
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    # ------------------------------------------------------------------ the hardware

    def _contactors(self, closed: bool) -> None:
        stuck = "contactors_stay_open" if closed else "contactors_welded"
        if not closed:
            self._power_w = 0.0
        if stuck not in self._faults:
            self._later(self._settings["contactor_s"], lambda: self._set(contactors_closed=closed))

    def _looped(self, message: Any) -> None:
        """A response of the charge loop: what flows, and what the driver wants meanwhile."""
        body = getattr(getattr(message, "Body", None), "BodyElement", message)
        voltage, current = (
            getattr(body, "EVSEPresentVoltage", None),
            getattr(body, "EVSEPresentCurrent", None),
        )
        if voltage is not None and current is not None:
            self._power_w = number(voltage) * number(current)
            if self._settings["measures_inlet"]:
                self.vehicle.inlet_voltage_v = number(voltage)
        if self._loop:
            return
        self._loop = True
        if self._filling is None:
            self._filling = asyncio.create_task(self._fill())
        self._later_if("error", lambda: self._set(error=EvError.RESS_MALFUNCTION))
        self._later_if("unplug", lambda: self._set(pilot_ok=False))
        for name, fact in (
            ("loop_s", "stop"),
            ("pause_after_s", "pause"),
            ("renegotiate_after_s", "renegotiate"),
        ):
            wait_s = None if fact == "pause" and self._resumes else self._settings[name]
            if wait_s is not None:
                self._later(wait_s, lambda fact=fact: self._set(**{fact: True}))  # type: ignore[misc]

    async def _fill(self) -> None:
        battery = self.vehicle.battery
        capacity = self._settings["capacity_wh"]
        while True:
            await asyncio.sleep(STEP_S)
            self._energy_wh += self._power_w * STEP_S / 3600 * self._settings["faster"]
            self._energy_wh = max(0.0, min(capacity, self._energy_wh))
            soc = int(self._energy_wh / capacity * 100)
            if self._power_w > 0:
                left_wh = capacity * (battery.full_soc_percent or 100) / 100 - self._energy_wh
                battery.full_in_s = max(0, round(left_wh / self._power_w * 3600))
            if soc != battery.soc_percent:
                battery.soc_percent = soc
                self._set()

    def _replug(self) -> None:
        """Nobody answered: plug in again, as a person would."""
        if self.shell is not None:
            self.shell.pilot("A")
            self.shell.pilot("B")

    # ------------------------------------------------------------------ helpers

    def _meddled(self, effect: Delayed | Closing) -> None:
        shell = self.shell
        if shell is None:
            return
        if isinstance(effect, Closing):
            shell.break_off(reset=effect.reset)
        else:
            self._later(effect.seconds, lambda: shell.send(effect.data))

    def _set(self, **facts: object) -> None:
        for name, value in facts.items():
            setattr(self.vehicle, name, value)
        if self.shell is not None:
            self.shell.changed()

    def _later_if(self, fault: str, act: Callable[[], None]) -> None:
        if fault in self._faults:
            self._later(float(self._faults[fault].value), act)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
