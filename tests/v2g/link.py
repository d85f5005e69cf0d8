"""An EV's and a station's core on one link, in virtual time: delays, cuts, and a plant that obeys.

Nothing here knows a message: bytes go to and fro. The plant does what the effects want (contactors, locks,
output, cable check) after its own delays, so that a session runs as on a desk."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from v2g.evcc import effects as ev
from v2g.evcc.engine import Evcc
from v2g.evcc.vehicle import Vehicle
from v2g.secc import effects as evse
from v2g.secc.engine import Secc
from v2g.secc.station import Authorization, Isolation, Station

UNIX_S = 1_700_000_000


def pseudo_random(seed: int) -> Callable[[int], bytes]:
    """Bytes that are the same in every run."""
    counter = itertools.count(seed)
    return lambda count: bytes((next(counter) * 37 + 11) & 0xFF for _ in range(count))


@dataclass
class Delays:
    """How long things take, in milliseconds."""

    to_station: int = 1
    to_vehicle: int = 1
    contactors: int = 30
    lock: int = 200
    pilot: int = 5
    cable_check: int = 3_000
    authorization: int = 500
    output: int = 50


@dataclass
class Link:
    """Both cores and what is between them.

    Attributes:
        filter: may change, drop (None) or multiply what is sent: (from the vehicle, bytes) -> pieces.
    """

    vehicle: Vehicle
    station: Station
    evcc: Evcc
    secc: Secc
    delays: Delays = field(default_factory=Delays)
    filter: Callable[[bool, bytes], Sequence[bytes]] = lambda from_vehicle, data: (data,)
    now_ms: int = 10_000
    open: bool = False
    connections: int = 0
    ev_effects: list[Any] = field(default_factory=list)
    evse_effects: list[Any] = field(default_factory=list)
    times: list[tuple[int, Any]] = field(default_factory=list)
    obeys: bool = True
    """The plant confirms contactors and locks."""

    def __post_init__(self) -> None:
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()

    # ------------------------------------------------------------------ time

    def at(self, after_ms: int, what: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._queue, (self.now_ms + after_ms, next(self._order), what))

    def run(
        self, until: Callable[[], bool] | None = None, within_ms: int = 400_000, events: int = 50_000
    ) -> bool:
        """Let time pass; whether ``until`` came true. Without it: until nothing is left to do."""
        end = self.now_ms + within_ms
        for _ in range(events):
            if until is not None and until():
                return True
            times = [self._queue[0][0]] if self._queue else []
            for core in (self.evcc, self.secc):
                deadline = core.deadline()
                if deadline is not None:
                    times.append(deadline)
            if not times:
                return until is None
            self.now_ms = max(self.now_ms, min(times))
            if self.now_ms > end:
                self.now_ms = end
                return False
            if self._queue and self._queue[0][0] <= self.now_ms:
                heapq.heappop(self._queue)[2]()
                continue
            deadline = self.evcc.deadline()
            if deadline is not None and deadline <= self.now_ms:
                self._vehicle_does(self.evcc.tick(self.now_ms))
            deadline = self.secc.deadline()
            if deadline is not None and deadline <= self.now_ms:
                self._station_does(self.secc.tick(self.now_ms))
        raise AssertionError(f"{events} events and no end: a core asks for time without using it")

    # ------------------------------------------------------------------ connection

    def connect(self, *, tls: bool = False, tls_version: str = "", vehicle: bytes | None = None) -> None:
        """Open the connection."""
        self.open = True
        self.connections += 1
        tls = tls or bool(tls_version)
        self._station_does(
            self.secc.connected(self.now_ms, tls=tls, tls_version=tls_version, peer_certificate=vehicle)
        )
        self._vehicle_does(self.evcc.connected(self.now_ms, tls=tls, tls_version=tls_version))

    def cut(self) -> None:
        """The connection is lost on both sides."""
        if self.open:
            self.open = False
            self._vehicle_does(self.evcc.disconnected(self.now_ms))
            self._station_does(self.secc.disconnected(self.now_ms))

    def vehicle_changed(self, **facts: Any) -> None:
        """Change facts of the vehicle."""
        for name, value in facts.items():
            setattr(self.vehicle, name, value)
        self._vehicle_does(self.evcc.changed(self.now_ms))

    def station_changed(self, **facts: Any) -> None:
        """Change facts of the station."""
        for name, value in facts.items():
            setattr(self.station, name, value)
        self._station_does(self.secc.changed(self.now_ms))

    # ------------------------------------------------------------------ effects

    def _vehicle_does(self, effects: Sequence[Any]) -> None:
        self.ev_effects += effects
        delays = self.delays
        for effect in effects:
            self.times.append((self.now_ms, effect))
            match effect:
                case ev.Send(data):
                    self._carry(True, data, delays.to_station)
                case ev.Disconnect():
                    self.at(delays.to_station, self._station_hangs_up(self.connections, vehicle=True))
                case ev.PilotState(state):
                    self.at(delays.pilot, lambda state=state: self.station_changed(pilot=state))  # type: ignore[misc]
                case ev.LockConnector(locked) if self.obeys:
                    self.at(
                        delays.lock,
                        lambda locked=locked: self.vehicle_changed(connector_locked=locked),  # type: ignore[misc]
                    )
                case ev.Contactors(closed) if self.obeys:
                    self.at(
                        delays.contactors,
                        lambda closed=closed: self.vehicle_changed(contactors_closed=closed),  # type: ignore[misc]
                    )
                case _:
                    pass

    def _station_does(self, effects: Sequence[Any]) -> None:
        self.evse_effects += effects
        delays = self.delays
        for effect in effects:
            self.times.append((self.now_ms, effect))
            match effect:
                case evse.Send(data):
                    self._carry(False, data, delays.to_vehicle)
                case evse.Disconnect():
                    self.at(delays.to_vehicle, self._station_hangs_up(self.connections, vehicle=False))
                case evse.Contactor(closed):
                    self.at(delays.contactors, lambda closed=closed: self._contactor(closed))  # type: ignore[misc]
                case evse.DcTarget(voltage, current):
                    self.at(
                        delays.output,
                        lambda voltage=voltage, current=current: self._output(voltage, current),  # type: ignore[misc]
                    )
                case evse.CableCheck():
                    self.at(delays.cable_check, self._cable_checked)
                case evse.AuthorizationWanted():
                    self.at(delays.authorization, self._authorize)
                case evse.Reached(evse.Milestone.RENEGOTIATION):
                    self.at(delays.authorization, lambda: self.station_changed(parameters_ready=True))
                case _:
                    pass

    def _carry(self, from_vehicle: bool, data: bytes, after_ms: int) -> None:
        connection = self.connections

        def arrive(piece: bytes) -> None:
            if not self.open or connection != self.connections:
                return
            if from_vehicle:
                self._station_does(self.secc.received(piece, self.now_ms))
            else:
                self._vehicle_does(self.evcc.received(piece, self.now_ms))

        for piece in self.filter(from_vehicle, data):
            self.at(after_ms, lambda piece=piece: arrive(piece))  # type: ignore[misc]

    def _station_hangs_up(self, connection: int, *, vehicle: bool) -> Callable[[], None]:
        def arrive() -> None:
            if not self.open or connection != self.connections:
                return
            self.open = False
            if vehicle:
                self._station_does(self.secc.disconnected(self.now_ms))
            else:
                self._vehicle_does(self.evcc.disconnected(self.now_ms))

        return arrive

    # ------------------------------------------------------------------ plant

    def _contactor(self, closed: bool) -> None:
        if not closed:
            self._output(0.0, 0.0)
        self.station_changed(contactor_closed=closed)

    def _output(self, voltage: float, current: float) -> None:
        flows = current if self.vehicle.contactors_closed else 0.0
        self.station_changed(present_voltage_v=voltage, present_current_a=flows)

    def _cable_checked(self) -> None:
        self.station_changed(cable_check=True, isolation=Isolation.VALID)

    def _authorize(self) -> None:
        if self.station.authorization is Authorization.ONGOING:
            self.station_changed(authorization=Authorization.ACCEPTED)

    # ------------------------------------------------------------------ looking back

    @property
    def ended(self) -> ev.SessionEnded | None:
        """How the EV's last session ended."""
        for effect in reversed(self.ev_effects):
            if isinstance(effect, ev.SessionEnded):
                return effect
        return None

    def messages(self) -> list[str]:
        """Names of the requests that the EV sent, without repetitions."""
        names = [each.name for each in self.ev_effects if isinstance(each, ev.MessageSeen) and each.request]
        return [name for name, _ in itertools.groupby(names)]

    def wishes(self) -> list[Any]:
        """Pilot, lock, contactors: what the EV's session wanted, in order."""
        kinds = (ev.PilotState, ev.LockConnector, ev.Contactors)
        return [each for each in self.ev_effects if isinstance(each, kinds)]


def joined(
    evcc_protocols: Sequence[Any],
    secc_protocols: Sequence[Any],
    *,
    vehicle: Vehicle | None = None,
    station: Station | None = None,
    **more: Any,
) -> Link:
    """Both cores, not yet connected."""
    vehicle = vehicle or Vehicle()
    station = station or Station()
    evcc = Evcc(vehicle, evcc_protocols, pseudo_random(1), lambda: UNIX_S, signer=more.pop("signer", None))
    secc = Secc(station, secc_protocols, pseudo_random(90), lambda: UNIX_S)
    return Link(vehicle, station, evcc, secc, **more)
