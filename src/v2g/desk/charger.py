"""The desk's charger: power electronics, a customer and a control pilot that follow the session.

Without a control pilot's wire the pilot is inferred: the cable counts as plugged in but for a moment after
each session, and the pilot is in state C from the request on that needs power until the one that ends it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from v2g.common.effects import Log
from v2g.common.terms import EnergyMode, LinkWish, Phase
from v2g.desk.charger_settings import PROTOCOLS
from v2g.desk.faults import Fault
from v2g.desk.journal import stops
from v2g.desk.meddler import Closing, Delayed
from v2g.desk.output import STEP_S, Output
from v2g.desk.values import Settings
from v2g.net.charger import ChargerShell
from v2g.sdp import SdpEffect
from v2g.secc import effects
from v2g.secc.station import (
    AcLimits,
    Authorization,
    DcLimits,
    Isolation,
    Setup,
    Station,
    StationError,
)
from v2g.slac.effects import Effect as SlacEffect

REPLUG_S: Final = 0.5
"""After a session the cable counts as unplugged for so long: SLAC begins anew, with another key."""
LEAST_ISOLATION_OHM: Final = 100_000.0
"""With less between DC and earth the cable check fails (IEC 61851-23: a person who touches it stays safe)."""
SAFE_VOLTAGE_V: Final = 60.0
"""Of direct current, between conductors (IEC 61851-23)."""
_ACTS: Final[dict[str, dict[str, Any]]] = {
    "emergency": {"error": StationError.EMERGENCY_SHUTDOWN},
    "malfunction": {"error": StationError.MALFUNCTION},
    "utility_interrupt": {"error": StationError.UTILITY_INTERRUPT},
    "rcd": {"error": StationError.RCD, "rcd_tripped": True},
    "shutdown": {"stop": True},
    "pilot_lost": {"pilot": "A"},
    "back_to_b": {"pilot": "B"},
    "abort": {"abort": True},
}
"""Facts of the station that change when a fault strikes."""
_LOOP: Final = ""
"""The message of a fault that strikes when the charge loop begins."""
_LOOPS: Final = ("CurrentDemandReq", "ChargingStatusReq", "DC_ChargeLoopReq", "AC_ChargeLoopReq")
_POWER_REQUESTS: Final = ("CableCheckReq", "DC_CableCheckReq", "PowerDeliveryReq")
MODES: Final = {
    "dc": (EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE, EnergyMode.DC),
    "ac": (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE),
    "mcs": (EnergyMode.MCS,),
}
"""Energy modes by the setting ``mode``."""
_BIDIRECTIONAL: Final = {"dc": EnergyMode.DC_BPT, "ac": EnergyMode.AC_BPT, "mcs": EnergyMode.MCS_BPT}


def setup_of(settings: Settings, protocols: str) -> Setup:
    """The station's set-up by the settings, with protocols such as "din,iso2"."""
    modes = MODES[settings["mode"]]
    if settings["discharge_power_w"]:
        modes = (*modes, _BIDIRECTIONAL[settings["mode"]])
    if settings["mode"] == "ac" and settings["phases"] == 1:
        modes = tuple(mode for mode in modes if mode is not EnergyMode.AC_THREE_PHASE)
    return Setup(
        evse_id=settings["evse_id"],
        protocols=tuple(namespace for name in protocols.split(",") for namespace in PROTOCOLS[name]),
        energy_modes=modes,
        free_service=settings["free_service"],
        pause=settings["pause"],
        iso20_without_tls=True,
        charge_loop_silence_ms=round(settings["loop_silence_s"] * 1000),
        flat_price=settings["prices"],
    )


def station_of(settings: Settings, protocols: str) -> Station:
    """The station's first facts by the settings."""
    back = settings["discharge_power_w"]
    return Station(
        setup=setup_of(settings, protocols),
        dc=DcLimits(
            maximum_voltage_v=settings["maximum_voltage_v"],
            minimum_voltage_v=settings["minimum_voltage_v"],
            maximum_current_a=settings["maximum_current_a"],
            maximum_power_w=settings["maximum_power_w"],
            discharge_power_w=back,
            discharge_current_a=min(settings["maximum_current_a"], back / settings["minimum_voltage_v"])
            if back and settings["minimum_voltage_v"]
            else 0.0,
        ),
        ac=AcLimits(
            nominal_voltage_v=settings["nominal_voltage_v"],
            maximum_current_a=min(settings["maximum_current_a"], 80.0),
            phases=settings["phases"],
            discharge_power_w=back,
        ),
        parameters_ready=not settings["parameters_after_s"],
        receipt_required=settings["receipts"],
        pilot="A",
    )


class DeskCharger:
    """Hardware and customer of a charger.

    Args:
        station: its facts.
        settings: :data:`~v2g.desk.charger_settings.SETTINGS`.
        faults: those that hardware and customer act out.
        watch: gets every effect, for logs and statistics.
    """

    def __init__(
        self,
        station: Station,
        settings: Settings,
        faults: list[Fault],
        watch: Callable[[effects.Effect | SlacEffect | SdpEffect], None],
    ) -> None:
        self._station = station
        self._settings = settings
        self._faults = {fault.kind.name: fault for fault in faults}
        self._watch = watch
        self.shell: ChargerShell | None = None
        self._output = Output(station, settings, slack="pre_charge_never" in self._faults)
        self._wished = False
        """Wishes and faults of the charge loop are under way: they come once in a session."""
        self._counts: Counter[str] = Counter()
        self._timers: set[asyncio.TimerHandle] = set()
        self.ended: Callable[[bool], None] = lambda _: None
        """Called when a session is over, with whether it ended with SessionStop."""
        self.paused = False
        """Whether the last session was paused: the car is still plugged in and may come back to it."""
        self._fine = False

    def take(self, effect: effects.Effect | SlacEffect | SdpEffect | Delayed | Closing) -> None:
        """React to an effect of SLAC or of the session."""
        if isinstance(effect, Delayed | Closing):
            self._meddled(effect)
            return
        if isinstance(effect, effects.Contactor):
            self._contactor(effect.closed)
        self._watch(effect)
        if isinstance(effect, effects.PhaseChanged):
            self._phase(effect)
        elif isinstance(effect, effects.MessageSeen):
            self._message(effect)
        elif isinstance(effect, effects.Reached):
            self._reached(effect.milestone)
        elif isinstance(effect, effects.EvTold):
            self._output.told[effect.fact] = effect.value
        elif isinstance(effect, effects.Link):
            self._over(effect.wish)
        else:
            self._wanted(effect)

    def _wanted(self, effect: effects.Effect | SlacEffect | SdpEffect) -> None:
        """What the session wants of hardware and customer."""
        if isinstance(effect, effects.AuthorizationWanted):
            self._authorize()
        elif isinstance(effect, effects.CableCheck):
            self._check_cable()
        elif isinstance(effect, effects.DcTarget):
            self._output.target = effect

    def _message(self, seen: effects.MessageSeen) -> None:
        if seen.request:
            self._strike(seen.name)
            if seen.name in _POWER_REQUESTS:
                self._power_request(seen)
            if seen.name in _LOOPS and not self._output.loop:
                self._loop_begins()

    def _over(self, wish: LinkWish) -> None:
        """A session has ended; but for a pause, the cable then counts as unplugged for a while."""
        self._reset()
        self.paused = wish is LinkWish.PAUSE
        if self.paused:
            self._pilot("B")
        else:
            self._pilot("A")
            self._later(REPLUG_S, self.plugged)
        self.ended(self._fine)

    def _loop_begins(self) -> None:
        self._output.loop = True
        if self._wished:
            return  # it goes on after a renegotiation
        self._wished = True
        self._strike(_LOOP)
        # A car that comes back from a pause is not sent into the next one.
        for name in ("stop", "renegotiate") if self.paused else ("stop", "renegotiate", "pause"):
            if (wait_s := self._settings[f"{name}_after_s"]) is not None:
                self._later(wait_s, lambda name=name: self._set(**{name: True}))  # type: ignore[misc]

    def plugged(self) -> None:
        """A car may come: without a pilot's wire the cable counts as plugged in."""
        self._pilot("B")

    async def close(self) -> None:
        """Stop everything."""
        self._reset()
        self._pilot("A")
        await self._output.close()

    # ------------------------------------------------------------------ what happens around a session

    def _phase(self, change: effects.PhaseChanged) -> None:
        if change.phase is Phase.INIT and change.started:
            self._fine = False
            self.plugged()
        elif change.phase is Phase.PARAMETER and change.started:
            self._give_parameters()

    def _give_parameters(self) -> None:
        """The car asks for limits and schedules, at first or anew: the session waits for them."""
        if "parameters_never" in self._faults:
            self._station.parameters_ready = False
        elif not self._station.parameters_ready:
            self._later(self._settings["parameters_after_s"], lambda: self._set(parameters_ready=True))

    def _strike(self, message: str) -> None:
        """A request has come: faults that were ordered for it happen."""
        self._counts[message] += 1
        for name, facts in _ACTS.items():
            fault = self._faults.get(name)
            if fault is None or fault.message != message or fault.count not in (0, self._counts[message]):
                continue
            if "pilot" in facts:
                self._later(float(fault.value), lambda facts=facts: self._pilot(facts["pilot"]))  # type: ignore[misc]
            else:
                self._later(float(fault.value), lambda facts=facts: self._set(**facts))  # type: ignore[misc]

    def _power_request(self, seen: effects.MessageSeen) -> None:
        if self._station.pilot == "B" and not stops(seen.message) and "stays_in_b" not in self._faults:
            self._pilot("C")
        elif self._station.pilot == "C" and stops(seen.message):
            self._pilot("B")

    def _authorize(self) -> None:
        if "reject" in self._faults:
            self._later(
                self._settings["authorize_after_s"], lambda: self._set(authorization=Authorization.REJECTED)
            )
        elif "authorization_never" not in self._faults:
            self._later(
                self._settings["authorize_after_s"], lambda: self._set(authorization=Authorization.ACCEPTED)
            )

    def _contactor(self, closed: bool) -> None:
        if closed and "contactor_stays_open" in self._faults:
            return
        self._output.contactor(closed)
        if not closed and "contactor_welded" in self._faults:
            return
        self._later(self._settings["contactor_s"], lambda: self._set(contactor_closed=closed))

    def _check_cable(self) -> None:
        self._output.run()
        self._output.checking = True
        if "cable_check_never" in self._faults:
            return
        self._watch(Log("cable check: self-test of the isolation monitor passed"))
        self._later(self._settings["cable_check_s"], self._checked)

    def _checked(self) -> None:
        closed = self._station.contactor_closed is True
        if closed and self._station.present_voltage_v < self._output.check_voltage_v:
            self._later(STEP_S, self._checked)
            return
        good = closed and self._isolated()
        self._output.checking = False
        if good:
            self._discharged()
        else:
            self._set(isolation=Isolation.FAULT, cable_check=False)

    def _discharged(self) -> None:
        """The check is over when the output is safe again (IEC 61851-23)."""
        if self._station.contactor_closed is not True:
            self._set(isolation=Isolation.FAULT, cable_check=False)
        elif self._station.present_voltage_v > SAFE_VOLTAGE_V:
            self._later(STEP_S, self._discharged)
        else:
            self._set(isolation=Isolation.VALID, cable_check=True)

    def _isolated(self) -> bool:
        """Take a sample of the isolation; whether it is good."""
        sample = 0.0 if "isolation" in self._faults else self._settings["isolation_ohm"]
        good: bool = sample >= LEAST_ISOLATION_OHM
        voltage, outcome = self._station.present_voltage_v, "OK" if good else "fault"
        self._watch(Log(f"cable check: {voltage:g} V, R_F {sample:.0f} ohm: {outcome}"))
        return good

    def _reached(self, milestone: effects.Milestone) -> None:
        if milestone is effects.Milestone.CURRENT_DEMAND_FINISHED:
            self._output.loop = False
        elif milestone is effects.Milestone.SESSION_STOP:
            self._fine = True
            self._output.loop = False
        elif milestone is effects.Milestone.RENEGOTIATION:
            self._give_parameters()

    def _reset(self) -> None:
        """After a session: nothing of it is left for the next one."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._counts.clear()
        self._wished = False
        self._output.reset()
        station = self._station
        station.authorization = Authorization.ONGOING
        station.parameters_ready = not self._settings["parameters_after_s"]
        station.cable_check = station.error = None
        station.isolation = Isolation.INVALID
        station.rcd_tripped = False
        station.stop = station.pause = station.renegotiate = station.abort = False
        if "contactor_welded" not in self._faults:
            station.contactor_closed = False

    # ------------------------------------------------------------------ helpers

    def _meddled(self, effect: Delayed | Closing) -> None:
        if self.shell is None:
            return
        if isinstance(effect, Closing):
            self.shell.break_off(reset=effect.reset)
        else:
            shell, data = self.shell, effect.data
            self._later(effect.seconds, lambda: shell.send(data))

    def _pilot(self, state: str) -> None:
        if self.shell is not None and self._station.pilot != state:
            self._watch(Log(f"control pilot taken for {state}"))
            self.shell.pilot(state)  # type: ignore[arg-type]

    def _set(self, **facts: object) -> None:
        for name, value in facts.items():
            setattr(self._station, name, value)
        if self.shell is not None:
            self.shell.changed()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        """Act then; what happens after no time still happens after what is under way."""

        def run() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)
