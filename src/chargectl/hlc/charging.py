"""High-level charging at one port: the port's status and the customer's words into facts of the station, the
V2G session's effects into wishes and topics.

Pure: events and a time in, effects and a deadline out. The V2G session itself is
:class:`v2g.secc.engine.Secc`; its shell hands its effects to :meth:`HlcCharging.told`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from chargectl.declarations import topics
from chargectl.declarations.port_link import PortStatus, PortTrouble, SessionWish
from chargectl.declarations.types import JsonValue, Topic
from chargectl.hlc.customer import FINISHED, INIT, NOT_SUPPORTED, WAITING_FOR_CUSTOMER, Customer
from chargectl.hlc.effects import Effect, Leave, Note, Pilot, Publish, PublishTime, StationChanged, Wish
from chargectl.hlc.reports import mac_text, reports, stop_progress
from chargectl.hlc.settings import HlcSettings
from chargectl.hlc.timing import INIT_PARAMETERS_MS
from chargectl.hlc.values import ValueRefusedError
from v2g.common.terms import EnergyMode, LinkWish, Payment, Phase
from v2g.secc import effects as secc
from v2g.secc.facts import EvFact
from v2g.secc.station import Authorization, Setup, Station, StationError

_STATUS: Final = {
    Phase.INIT: topics.TOPIC_CHARGE_INIT_STATUS,
    Phase.AUTH: topics.TOPIC_CHARGE_AUTH_STATUS,
    Phase.PARAMETER: topics.TOPIC_CHARGE_PARAMETER_STATUS,
    Phase.CHARGE: topics.TOPIC_CHARGE_CHARGE_STATUS,
}
_ERRORS: Final = {
    PortTrouble.NONE: None,
    PortTrouble.CONTACTOR: StationError.CONTACTOR,
    PortTrouble.EMERGENCY: StationError.EMERGENCY_SHUTDOWN,
    PortTrouble.RCD: StationError.RCD,
    PortTrouble.OTHER: StationError.MALFUNCTION,
}
_NOTIFICATIONS: Final = (topics.TOPIC_EVSE_CHARGE_NOTIFICATION, topics.TOPIC_EVSE_PARAMETER_NOTIFICATION)
_NOMINAL_VOLTAGE_V: Final = 230.0
SOC_UNKNOWN: Final = -1
SOC_NOT_TOLD: Final = -2


class HlcCharging:
    """What is known, and what follows from it. The shell reads ``station`` into the V2G session."""

    def __init__(self, settings: HlcSettings) -> None:
        self._settings = settings
        self.station = Station(pilot="F", connector_locked=False, parameters_ready=False)
        self._customer = Customer()
        self._port: PortStatus | None = None
        self._phase: Phase | None = None
        self._init_until: int | None = None
        self._authorized = False
        """The authentication phase of this session is over."""
        self._modem_ready = False
        self._joined = False
        self._tcp = False
        self._left = False
        """The session has ended for good: nothing more before the EV is unplugged."""
        self._power = False
        self._routines = 0
        self._soc: int | None = None
        self._wish = SessionWish()
        self._facts: Station | None = None
        """The station as the V2G session has seen it."""
        self._out: list[Effect] = []

    # ------------------------------------------------------------------ what the shell asks

    @property
    def session_id(self) -> bytes | None:
        """The customer's id for the next session."""
        return self._customer.session_id

    def unix_s(self, now_ms: int, own_s: int) -> int:
        """The time of day for the EV: the customer's, or ``own_s``."""
        said = self._customer.time_ms
        return own_s if said is None else (said[0] + now_ms - said[1]) // 1000

    @property
    def wish(self) -> SessionWish:
        """What the port was told last."""
        return self._wish

    def deadline(self) -> int | None:
        """When :meth:`tick` is wanted (ms); None: time changes nothing."""
        return self._init_until

    # ------------------------------------------------------------------ what happens

    def start(self) -> list[Effect]:
        """What holds before anything has happened."""
        self._soc_is(SOC_UNKNOWN)
        self._out.append(Publish(topics.TOPIC_CHARGE_TCP_STATUS, False))
        return self._done()

    def tick(self, now_ms: int) -> list[Effect]:
        """Time has passed."""
        if self._init_until is not None and now_ms >= self._init_until:
            self._init_until = None
        return self._done()

    def port(self, status: PortStatus | None, now_ms: int) -> list[Effect]:
        """The port says how it is; None: it says nothing any more."""
        was, self._port = self._port, status
        connected = status is not None and status.connected
        if (was is not None and was.connected) is not connected:
            if connected:
                self._plugged(now_ms)
            else:
                self._unplugged()
        pilot = "F" if status is None else status.pilot
        if pilot != ("F" if was is None else was.pilot):
            self._out.append(Pilot(pilot))
        return self._done()

    def message(self, topic: Topic, value: Any, now_ms: int, *, retained: bool = False) -> list[Effect]:
        """The customer's software has published this; the bus has checked what the declaration bounds.

        What the broker had ``retained`` may be of a session long over: it authorizes nobody.
        """
        reason = NOT_SUPPORTED.get(topic.path, "")
        if not reason and retained:
            reason = "it was retained; what concerns one session is not to be"
        if not reason and not self._connected:
            reason = 'no EV is connected: it counts from init/status "started" on'
        if not reason and topic in INIT and not self._init_open(now_ms):
            reason = f'it came later than {INIT_PARAMETERS_MS // 1000} s after init/status "started"'
        if reason:
            self._out.append(Note(f"{topic.path}: ignored: {reason}", problem=True))
            return self._done()
        try:
            self._customer.say(topic, value, now_ms)
        except ValueRefusedError as error:
            self._out.append(Note(f"{topic.path}: allowed is {error}; got {ascii(value)[:60]}", problem=True))
            return self._done()
        if self._init_until is not None and self._customer.init_complete:
            self._init_until = None
        if topic in _NOTIFICATIONS:
            self.station.renegotiate = self._customer.renegotiate
        if topic is topics.TOPIC_EVSE_AUTH_ERROR and value and self._joined and not self._tcp:
            # With a connection the V2G session ends, and the link with it.
            self._out.append(Leave())
        return self._done()

    def modem(self, ready: bool) -> list[Effect]:
        """Whether the modem holds a key and takes SLAC messages."""
        self._modem_ready = ready
        return self._done()

    def matched(self, mac: bytes) -> list[Effect]:
        """SLAC has found the EV."""
        self._out.append(Publish(topics.TOPIC_V2G_MAC, mac_text(mac)))
        return self._done()

    def link(self, up: bool) -> list[Effect]:
        """Whether data can pass."""
        self._joined = up
        return self._done()

    def nobody_heard(self) -> list[Effect]:
        """No EV answered the 5 %: the pilot is to wake it."""
        self._routines += 1
        return self._done()

    def tcp(self, connected: bool) -> list[Effect]:
        """Whether the EV has its connection."""
        self._tcp = connected
        self._out.append(Publish(topics.TOPIC_CHARGE_TCP_STATUS, connected))
        return self._done()

    def told(self, effects: Iterable[secc.Effect], now_ms: int) -> list[Effect]:
        """The V2G session wants and tells these; those for its connection are the shell's."""
        for effect in effects:
            match effect:
                case secc.Contactor(closed):
                    self._power = closed
                case secc.PhaseChanged(phase, started):
                    self._phase_changed(phase, started, now_ms)
                case secc.EvTold(fact, value):
                    self._ev_told(fact, value)
                case secc.Reached(secc.Milestone.RENEGOTIATION):
                    self._customer.renegotiated()
                case secc.MessageSeen(name="SessionStopReq", request=True, message=message):
                    self._publish(stop_progress(message))
                case secc.Link(wish):
                    self._ended(wish, now_ms)
                case _:
                    pass
        return self._done()

    # ------------------------------------------------------------------ parts

    def _ended(self, wish: LinkWish, now_ms: int) -> None:
        """A session is over: for good, or the next one begins."""
        # Who was asked to stop and went without a word is not served again, either.
        self._left = self._left or wish is LinkWish.TERMINATE or self._customer.stop
        self._joined = self._authorized = self._power = False
        # What was said was for this session. Only an error that was not withdrawn bars the next one.
        self._customer = Customer(auth_error=self._customer.auth_error)
        if self._connected and not self._left:
            self._begin(now_ms)

    @property
    def _connected(self) -> bool:
        return self._port is not None and self._port.connected

    @property
    def _barred(self) -> bool:
        return self._left or self._customer.auth_error

    def _plugged(self, now_ms: int) -> None:
        self._out.append(Publish(topics.TOPIC_CHARGE_INIT_PROTOCOL, "ISO15118", again=True))
        self._begin(now_ms)

    def _unplugged(self) -> None:
        if self._phase is not None:
            self._say_phase(self._phase, False)
        self._phase = self._init_until = None
        self._customer = Customer()
        self._authorized = self._left = self._power = False
        self._soc = None
        self._soc_is(SOC_UNKNOWN)

    def _begin(self, now_ms: int) -> None:
        """The initialisation phase starts, and with it the time for its parameters."""
        self._phase = Phase.INIT
        self._init_until = None if self._customer.init_complete else now_ms + INIT_PARAMETERS_MS
        self._say_phase(Phase.INIT, True)

    def _init_open(self, now_ms: int) -> bool:
        return self._init_until is not None and now_ms < self._init_until

    def _say_phase(self, phase: Phase, started: bool) -> None:
        self._out.append(Publish(_STATUS[phase], "started" if started else "finished"))

    def _phase_changed(self, phase: Phase, started: bool, now_ms: int) -> None:
        if phase is Phase.INIT and started:
            # Plug-in has started it already, unless the EV opens a connection for the second time.
            if self._phase is None:
                self._begin(now_ms)
            return
        if self._phase is None and not started:
            return
        self._phase = phase if started else None
        self._init_until = None
        self._say_phase(phase, started)
        if phase is Phase.AUTH and not started:
            self._authorized = True
        if phase is Phase.PARAMETER and not started:
            self._soc_is(SOC_NOT_TOLD if self._soc is None else self._soc)

    def _ev_told(self, fact: EvFact, value: Any) -> None:
        if fact is EvFact.SOC:
            if self._soc is None:
                self._out.append(Publish(topics.TOPIC_EV_PARAMETER_RESSSOC, value))
            self._soc = value
        self._publish(reports(fact, value))

    def _publish(self, found: list[tuple[Topic, JsonValue]]) -> None:
        self._out += [Publish(topic, value) for topic, value in found]

    def _soc_is(self, value: int) -> None:
        self._out.append(Publish(topics.TOPIC_EV_SOC_ACTUAL, value, again=True))
        self._out.append(PublishTime(topics.TOPIC_EV_SOC_TIMESTAMP))

    # ------------------------------------------------------------------ what follows

    def _done(self) -> list[Effect]:
        """Derive the station's facts and the wish; return all effects, the loss of power first."""
        self._derive()
        facts = replace(self.station, ac=replace(self.station.ac))
        if facts != self._facts:
            self._facts = facts
            self._out.append(StationChanged())
        here = self._port is not None and not self._barred
        wish = SessionWish(
            link_ready=self._modem_ready and here and (self._joined or self._init_until is None),
            power=self._power and here,
            active=(self._joined or self._tcp) and here,
            authorized=self._customer.auth_processing == FINISHED and not self._customer.auth_error,
            error_routines=self._routines,
        )
        if wish != self._wish:
            told = Wish(wish)
            if self._wish.power and not wish.power:
                self._out.insert(0, told)
            else:
                self._out.append(told)
            self._wish = wish
        out, self._out = self._out, []
        return out

    def _derive(self) -> None:
        station, customer, port = self.station, self._customer, self._port
        station.setup = self._setup()
        station.abort = port is None or customer.auth_error
        station.meter = customer.meter
        station.receipt_required = customer.receipt_required
        station.schedules = customer.schedules
        station.ac.nominal_voltage_v = customer.nominal_voltage_v or _NOMINAL_VOLTAGE_V
        port = port or PortStatus()
        station.pilot = port.pilot
        station.contactor_closed = port.contactor_closed
        station.connector_locked = port.locked
        station.rcd_tripped = port.rcd_tripped or customer.rcd
        station.error = _ERRORS[port.trouble]
        station.ac.phases = port.phases
        limit_a = customer.maximum_current_a
        station.ac.maximum_current_a = port.offered_a if limit_a is None else min(port.offered_a, limit_a)
        station.authorization = self._authorization(port)
        withdrawn = self._authorized and not port.authorized
        station.stop = port.stop or customer.stop or withdrawn
        # The EV wants power soon after these parameters: plug locked, and nothing in the contactor's way.
        station.parameters_ready = customer.parameter_processing == FINISHED and port.ready

    def _authorization(self, port: PortStatus) -> Authorization:
        if port.authorized:
            return Authorization.ACCEPTED
        waits = self._customer.auth_processing == WAITING_FOR_CUSTOMER
        if waits or not self._settings.customer_decides:
            # A card or a key: only a person can end this, and that takes as long as it takes.
            return Authorization.WAITING_FOR_CUSTOMER
        return Authorization.ONGOING

    def _setup(self) -> Setup:
        customer = self._customer
        phases = 3 if self._port is None else self._port.phases
        own: tuple[EnergyMode, ...] = (EnergyMode.AC_SINGLE_PHASE,)
        if phases == 3:
            own = (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE)
        return Setup(
            evse_id=customer.evse_id or self._settings.evse_id,
            protocols=self._settings.protocols,
            energy_modes=customer.energy_modes or own,
            payments=(Payment.EXTERNAL,),
            free_service=customer.free_service,
            pause=False,
            notification_max_delay_s=customer.notification_max_delay_s,
        )
