"""SLAC at a charger (ISO 15118-3:2015 Annex A): from a new key to a link, and back.

::

    OFF -> KEYING -> UNMATCHED -> MATCHING -> JOINING -> MATCHED <-> PAUSED
             ^____________________________________|__________|

The modem gets a random key before anything else and after every session in which a car was given it:
whoever knew the old key is out of the network. Cars are answered only while the modem holds the key and
the pilot shows a car.

A car that is matched may send CM_SLAC_PARM.REQ again, because it lost the network; or somebody else does in
its name, for the address and the run id pass the line in the clear. The frame alone ends nothing while the
modem is asked for the link: it makes the charger ask at once and quickly. A car that has really left is
gone from the network after LINK_LOSSES such answers, and its next CM_SLAC_PARM.REQ meets a fresh key; a
link that stands is left alone. (A car matches anew after the link was lost or the pilot has left B, C and D;
both are seen here without the frame.) While a link is paused or the modem cannot tell, nothing speaks
against the frame, and it is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique

from v2g.common.effects import Checkpoint, Log
from v2g.homeplug.frame import Frame, FrameError, address_text
from v2g.homeplug.message import Message, parse_as
from v2g.homeplug.qualcomm import VsAttenCharInd
from v2g.homeplug.slac import (
    AmpMapCnf,
    AmpMapReq,
    AttenProfileInd,
    SetKeyCnf,
    SlacMatchReq,
    SlacParmReq,
    message_of,
)
from v2g.slac import timing
from v2g.slac.addressed import addressed
from v2g.slac.amp_map import AmpMapRelay
from v2g.slac.effects import (
    DLinkReady,
    Effect,
    Failed,
    Matched,
    ModemReady,
    Reason,
    RequestErrorRoutine,
    SavePower,
    SendFrame,
)
from v2g.slac.events import Command, Event, FrameReceived, LinkStatus, PilotLetter, PilotState
from v2g.slac.keying import Keying, KeySetter
from v2g.slac.link import Link, LinkWatch
from v2g.slac.matching import Chosen, EvseConfig, EvseMatching


@unique
class Phase(Enum):
    """Where a charger's matching stands."""

    OFF = "off"
    KEYING = "keying"
    """The modem is being given a key."""
    UNMATCHED = "unmatched"
    MATCHING = "matching"
    JOINING = "joining"
    """The car has the key; the link is waited for."""
    MATCHED = "matched"
    PAUSED = "paused"


_WITH_LINK = (Phase.MATCHED, Phase.PAUSED)
_OF_MODEM = (AmpMapCnf, AttenProfileInd, VsAttenCharInd)
"""What only the own modem has to say."""


def _message_of(frame: Frame) -> Message | None:
    # A car sends no vendor's attenuation profile: only this side reads it.
    return parse_as(VsAttenCharInd, frame) if frame.mmtype == VsAttenCharInd.MMTYPE else message_of(frame)


class EvseSlac:
    """A charger's matching. Feed it events, carry out the effects, come back at the deadline.

    ``random_bytes``: gives so many random bytes fit for keys (``secrets.token_bytes``).
    """

    def __init__(self, config: EvseConfig, random_bytes: Callable[[int], bytes]) -> None:
        self._config = config
        self._keys = KeySetter(config.own_mac, random_bytes, config.modem_mac, config.set_key_success)
        self._matching = EvseMatching(config)
        self._link = LinkWatch()
        self._amp_map = AmpMapRelay(config.own_mac, config.modem_mac)
        self.phase = Phase.OFF
        self._state: PilotLetter = "A"
        self._plugged = False
        self._terminated = False
        """Told to leave; matches again after the cable was unplugged."""
        self._car: Chosen | None = None
        self._answer_until = 0
        """Until when the car may have lost the key that it was given."""
        self._init_due: int | None = None
        self._rekey_due: int | None = None
        self._routines = 0
        self._out: list[Effect] = []

    @property
    def ev_mac(self) -> bytes | None:
        """The address of the car that was given the key; None without one."""
        return self._car.ev_mac if self._car else None

    @property
    def modem(self) -> bytes | None:
        """The own modem's address; None before it has confirmed a key."""
        return self._keys.modem

    def deadline(self) -> int | None:
        """When the core wants to be called again with a `Tick`; None: not before something happens."""
        dues = (
            self._keys.deadline() if self.phase is Phase.KEYING else None,
            self._rekey_due,
            self._init_due,
            self._matching.deadline() if self.phase is Phase.MATCHING else None,
            self._link.deadline(),
            self._amp_map.deadline(),
        )
        return min((due for due in dues if due is not None), default=None)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """What an event makes necessary. Whatever was due before it happens first. Never raises for what a
        peer sends."""
        self._out = []
        if self.phase is not Phase.OFF:
            self._timers(now_ms)
        if isinstance(event, FrameReceived):
            self._frame(event.data, now_ms)
        elif isinstance(event, PilotState):
            self._pilot(event, now_ms)
        elif isinstance(event, LinkStatus):
            self._link.status(event.joined, now_ms)
            self._link_changed(now_ms)
        elif isinstance(event, Command):
            self._command(event, now_ms)
        return self._out

    # What is due

    def _timers(self, now_ms: int) -> None:
        if self.phase is Phase.KEYING:
            self._key_timers(now_ms)
        if self.phase is Phase.MATCHING:
            self._out += self._matching.tick(now_ms)
            self._matching_changed(now_ms)
            if self._init_due is not None and now_ms >= self._init_due:
                self._nobody_came(now_ms)
        self._out += self._amp_map.tick(now_ms)
        self._out += self._link.tick(now_ms)
        self._link_changed(now_ms)

    def _key_timers(self, now_ms: int) -> None:
        if self._rekey_due is not None:
            if now_ms >= self._rekey_due:
                self._new_key(now_ms)
            return
        self._out += self._keys.tick(now_ms)
        if self._keys.state is Keying.FAILED:
            self._rekey_due = now_ms + timing.SET_KEY_LATER_MS
            self._out += [Log(f"SLAC: {Reason.MODEM.value}"), Failed(Reason.MODEM, final=False)]

    def _nobody_came(self, now_ms: int) -> None:
        final = self._routines >= self._config.error_routines
        self._init_due = None if final else now_ms + self._config.slac_init_ms
        self._out += [Log(f"SLAC: {Reason.NO_SLAC.value}"), Failed(Reason.NO_SLAC, final)]
        if not final:
            self._routines += 1
            self._out.append(RequestErrorRoutine())

    # Frames

    def _frame(self, data: bytes, now_ms: int) -> None:
        if self.phase is Phase.OFF:
            return
        try:
            found = addressed(data, self._config.own_mac, _message_of)
        except FrameError as error:
            self._out.append(Log(f"SLAC: a frame is ignored: {error}"))
            return
        if found is None:
            return
        message, source = found
        if isinstance(message, SetKeyCnf):
            self._key_confirmed(message, source, now_ms)
        elif isinstance(message, _OF_MODEM) and source != self.modem:
            return
        elif isinstance(message, AmpMapCnf):
            self._out += self._amp_map.confirmed(message)
        else:
            self._slac(message, source, now_ms)

    def _slac(self, message: Message, source: bytes, now_ms: int) -> None:
        if self.phase is Phase.MATCHING:
            self._out += self._matching.handle(message, source, now_ms)
            self._matching_changed(now_ms)
        elif self._car is not None and source == self._car.ev_mac:
            self._again(message, now_ms)

    def _again(self, message: Message, now_ms: int) -> None:
        """The car that has the key sends more."""
        car = self._car
        if car is None:
            return
        if isinstance(message, SlacMatchReq):
            # Not once the link is seen to stand: the key would be told to whoever asks in the car's name.
            unseen = self.phase is Phase.MATCHED and not self._config.link_detection
            if message.run_id != car.run_id or now_ms >= self._answer_until:
                return
            if self.phase is not Phase.JOINING and not unseen:
                return
            self._out += [
                Log("SLAC: CM_SLAC_MATCH.REQ again, CM_SLAC_MATCH.CNF again"),
                SendFrame(car.answer),
            ]
        elif isinstance(message, SlacParmReq):
            if self.phase is Phase.MATCHED and self._config.link_detection:
                questions = self._link.doubt(now_ms)
                if questions:
                    self._out.append(Log("SLAC: CM_SLAC_PARM.REQ of the matched car: is the link still up?"))
                    self._out += questions
                return
            # It never came in, or nobody can tell. Its next CM_SLAC_PARM.REQ meets a fresh key.
            self._fail_and_leave(Reason.REPLACED, now_ms)
        elif isinstance(message, AmpMapReq):
            self._out += self._amp_map.request(message, car.ev_mac, now_ms)

    def _matching_changed(self, now_ms: int) -> None:
        matching = self._matching
        if matching.busy:
            self._init_due = None
            self._routines = 0
        if matching.chosen is not None:
            self._car = matching.chosen
            self._answer_until = now_ms + timing.TT_MATCH_JOIN_MS
            self._init_due = None
            self.phase = Phase.JOINING
            if self._config.link_detection:
                self._out += self._link.join(now_ms, timing.TT_MATCH_JOIN_MS)
            else:
                self._link.taken_for_up()
                self._link_changed(now_ms)
        elif matching.failed is not None:
            self._out.append(Failed(matching.failed, final=False))
            self._init_due = now_ms + self._config.slac_init_ms

    # The link

    def _link_changed(self, now_ms: int) -> None:
        car = self._car
        if self._link.state is Link.UP and self.phase is Phase.JOINING and car is not None:
            self.phase = Phase.MATCHED
            self._out += [
                Checkpoint(190),
                Matched(car.ev_mac, self._config.own_mac, self._matching.nid, self._matching.nmk),
                Log(f"SLAC run_id {car.run_id.hex()} ev_mac {address_text(car.ev_mac)}: D-LINK_READY"),
                DLinkReady(True),
            ]
        elif self._link.state is Link.LOST:
            reason = Reason.NO_LINK if self.phase is Phase.JOINING else Reason.LINK_LOST
            self._fail_and_leave(reason, now_ms)

    # The pilot and commands

    def _pilot(self, event: PilotState, now_ms: int) -> None:
        state = event.state
        if state != self._state:
            self._out.append(Log(event.text(self._state)))
            self._state = state
        self._matching.pilot(state)
        plugged = state in ("B", "C", "D")
        if state == "A":
            self._terminated = False
            self._routines = 0
        if plugged == self._plugged:
            return
        self._plugged = plugged
        if self.phase is Phase.OFF:
            return
        if plugged:
            self._out.append(Checkpoint(4))
            self._match_if_plugged(now_ms)
        elif self.phase is not Phase.KEYING:
            self._fail_and_leave(Reason.UNPLUGGED, now_ms)

    def _command(self, command: Command, now_ms: int) -> None:
        if command is Command.START:
            if self.phase is Phase.OFF:
                self._terminated = False
                self._new_key(now_ms)
        elif command is Command.STOP:
            self._stop(now_ms)
        elif command in (Command.TERMINATE, Command.ERROR):
            self._terminated = command is Command.TERMINATE
            if self.phase not in (Phase.OFF, Phase.KEYING):
                self._out.append(Log(f"SLAC: {command.value}"))
                self._fail_and_leave(Reason.STOPPED, now_ms)
        elif command is Command.PAUSE and self.phase is Phase.MATCHED:
            self.phase = Phase.PAUSED
            self._link.stop()
            self._out.append(SavePower(True))
        elif command is Command.RESUME and self.phase is Phase.PAUSED:
            self.phase = Phase.MATCHED
            self._out.append(SavePower(False))
            if self._config.link_detection:
                self._out += self._link.join(now_ms, timing.T_CONN_RESUME_MS)
            else:
                self._link.taken_for_up()

    def _stop(self, now_ms: int) -> None:
        if self.phase is Phase.OFF:
            return
        given = self._car is not None
        self._end_session(Reason.STOPPED)
        if given:
            # The car keeps the old key; one frame is enough to be rid of it, and nobody waits for the answer.
            self._out += self._keys.begin_random(now_ms)
        self.phase = Phase.OFF
        self._rekey_due = None
        self._out.append(ModemReady(False))

    # Ways through the phases

    def _new_key(self, now_ms: int) -> None:
        self.phase = Phase.KEYING
        self._rekey_due = None
        self._out += [ModemReady(False), Checkpoint(1), Log("SLAC: CM_SET_KEY.REQ")]
        self._out += self._keys.begin_random(now_ms)

    def _key_confirmed(self, message: SetKeyCnf, source: bytes, now_ms: int) -> None:
        if self.phase is not Phase.KEYING:
            return
        self._keys.confirmed(message, source, now_ms)
        if self._keys.state is Keying.SET:
            self._matching.reset(self._keys.nid, self._keys.nmk)
            self.phase = Phase.UNMATCHED
            self._out += [Log(f"SLAC: CM_SET_KEY.CNF, NID {self._keys.nid.hex()}"), ModemReady(True)]
            self._match_if_plugged(now_ms)

    def _match_if_plugged(self, now_ms: int) -> None:
        if self.phase is Phase.UNMATCHED and self._plugged and not self._terminated:
            self.phase = Phase.MATCHING
            self._matching.reset(self._keys.nid, self._keys.nmk)
            self._init_due = now_ms + self._config.slac_init_ms

    def _fail_and_leave(self, reason: Reason, now_ms: int) -> None:
        """End what there is; a key that a car knows is replaced; then match again if a car is there."""
        given = self._car is not None
        self._end_session(reason)
        if given:
            self._new_key(now_ms)
        else:
            self.phase = Phase.UNMATCHED
            self._match_if_plugged(now_ms)

    def _end_session(self, reason: Reason) -> None:
        if self.phase in _WITH_LINK:
            self._out += [Log(f"SLAC: link ended: {reason.value}"), DLinkReady(False)]
        if self.phase is Phase.PAUSED:
            self._out.append(SavePower(False))
        if self.phase in (Phase.MATCHING, Phase.JOINING) or reason is Reason.LINK_LOST:
            self._out.append(Failed(reason, final=False))
        self._link.stop()
        self._amp_map.stop()
        self._car = None
        self._init_due = None
