"""SLAC at a car (ISO 15118-3:2015 Annex A): find the charger, take its key, join its network, leave it.

::

    OFF -> UNMATCHED -> MATCHING -> KEYING -> JOINING -> MATCHED <-> PAUSED
              ^  ^________ RESTING <____|________|          |
              |______________________ LEAVING <_____________|

A matching process that fails is followed by another one, until C_conn_max_match of them have failed or
TT_matching_repetition is over.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique

from v2g.common.effects import Checkpoint, Log
from v2g.homeplug.frame import FrameError
from v2g.homeplug.slac import AmpMapCnf, AmpMapReq, SetKeyCnf, SlacMatchCnf
from v2g.slac import timing
from v2g.slac.addressed import addressed
from v2g.slac.amp_map import AmpMapRelay
from v2g.slac.effects import DLinkReady, Effect, Failed, Matched, Reason, SavePower
from v2g.slac.ev_attempt import EvAttempt, EvConfig
from v2g.slac.events import Command, Event, FrameReceived, LinkStatus, PilotLetter, PilotState
from v2g.slac.keying import Keying, KeySetter
from v2g.slac.link import Link, LinkWatch


@unique
class EvPhase(Enum):
    """Where a car's matching stands."""

    OFF = "off"
    UNMATCHED = "unmatched"
    MATCHING = "matching"
    KEYING = "keying"
    """The modem is being given the charger's key."""
    JOINING = "joining"
    MATCHED = "matched"
    PAUSED = "paused"
    LEAVING = "leaving"
    """The modem is being given a random key."""
    RESTING = "resting"
    """TT_matching_rate, between two matching processes."""


_WITH_KEY = (EvPhase.KEYING, EvPhase.JOINING, EvPhase.MATCHED, EvPhase.PAUSED)
_WITH_LINK = (EvPhase.MATCHED, EvPhase.PAUSED)
_TRYING = (EvPhase.MATCHING, EvPhase.KEYING, EvPhase.JOINING, EvPhase.RESTING)


class EvSlac:
    """A car's matching. Feed it events, carry out the effects, come back at the deadline.

    ``random_bytes``: gives so many random bytes fit for keys (``secrets.token_bytes``).
    """

    def __init__(self, config: EvConfig, random_bytes: Callable[[int], bytes]) -> None:
        self._config = config
        self._random_bytes = random_bytes
        self._keys = KeySetter(config.own_mac, random_bytes, config.modem_mac, config.set_key_success)
        self._link = LinkWatch()
        self._amp_map = AmpMapRelay(config.own_mac, config.modem_mac)
        self.phase = EvPhase.OFF
        self._plugged = False
        self._terminated = False
        self._attempt: EvAttempt | None = None
        self._match: SlacMatchCnf | None = None
        self._matched_at = 0
        self._attempts = 0
        self._first_failure: int | None = None
        self._rest_due: int | None = None
        self._again = False
        """Match again once the network is left."""
        self._out: list[Effect] = []

    @property
    def modem(self) -> bytes | None:
        """The own modem's address; None before it has confirmed a key."""
        return self._keys.modem

    def deadline(self) -> int | None:
        """When the core wants to be called again with a `Tick`; None: not before something happens."""
        dues = (
            self._attempt.deadline() if self._attempt is not None else None,
            self._keys.deadline() if self.phase in (EvPhase.KEYING, EvPhase.LEAVING) else None,
            self._rest_due,
            self._link.deadline(),
            self._amp_map.deadline(),
        )
        return min((due for due in dues if due is not None), default=None)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """What an event makes necessary. Whatever was due before it happens first. Never raises for what a
        peer sends."""
        self._out = []
        if self.phase is not EvPhase.OFF:
            self._timers(now_ms)
        if isinstance(event, FrameReceived):
            self._frame(event.data, now_ms)
        elif isinstance(event, PilotState):
            self._pilot(event.state, now_ms)
        elif isinstance(event, LinkStatus):
            self._link.status(event.joined, now_ms)
            self._link_changed(now_ms)
        elif isinstance(event, Command):
            self._command(event, now_ms)
        return self._out

    def _timers(self, now_ms: int) -> None:
        if self._attempt is not None:
            self._out += self._attempt.tick(now_ms)
            self._attempt_changed(now_ms)
        if self.phase in (EvPhase.KEYING, EvPhase.LEAVING):
            self._out += self._keys.tick(now_ms)
            self._key_changed(now_ms)
        if self._rest_due is not None and now_ms >= self._rest_due:
            self._rest_due = None
            self._begin(now_ms)
        self._out += self._amp_map.tick(now_ms)
        self._out += self._link.tick(now_ms)
        self._link_changed(now_ms)

    def _frame(self, data: bytes, now_ms: int) -> None:
        if self.phase is EvPhase.OFF:
            return
        try:
            found = addressed(data, self._config.own_mac)
        except FrameError as error:
            self._out.append(Log(f"SLAC: a frame is ignored: {error}"))
            return
        if found is None:
            return
        message, source = found
        if isinstance(message, SetKeyCnf):
            if self.phase in (EvPhase.KEYING, EvPhase.LEAVING):
                self._keys.confirmed(message, source, now_ms)
                self._key_changed(now_ms)
        elif isinstance(message, AmpMapCnf):
            if source == self.modem:
                self._out += self._amp_map.confirmed(message)
        elif isinstance(message, AmpMapReq):
            if self._match is not None and source == self._match.evse_mac:
                self._out += self._amp_map.request(message, source, now_ms)
        elif self._attempt is not None:
            self._out += self._attempt.handle(message, source, now_ms)
            self._attempt_changed(now_ms)

    # From one phase to the next

    def _begin(self, now_ms: int) -> None:
        self.phase = EvPhase.MATCHING
        self._again = False
        self._attempt = EvAttempt(self._config, self._random_bytes)
        self._out += self._attempt.begin(now_ms)

    def _match_if_plugged(self, now_ms: int) -> None:
        if self.phase is EvPhase.UNMATCHED and self._plugged and not self._terminated:
            self._attempts, self._first_failure = 0, None
            self._begin(now_ms)

    def _attempt_changed(self, now_ms: int) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        if attempt.failed is not None:
            self._attempt = None
            self._failed(attempt.failed, now_ms)
        elif attempt.key is not None:
            self._attempt, self._match, self._matched_at = None, attempt.key, now_ms
            self.phase = EvPhase.KEYING
            self._out += [Checkpoint(170), Log("SLAC: CM_SET_KEY.REQ")]
            self._out += self._keys.begin(attempt.key.nid, attempt.key.nmk, now_ms)

    def _key_changed(self, now_ms: int) -> None:
        state = self._keys.state
        if state is Keying.WAITING:
            return
        if self.phase is EvPhase.LEAVING:
            if state is Keying.FAILED:
                self._out.append(Log("SLAC: the modem took no random key and still has the charger's"))
            self._left(now_ms)
        elif state is Keying.FAILED:
            self._failed(Reason.MODEM, now_ms)
        else:
            self.phase = EvPhase.JOINING
            self._out += [Log("SLAC: CM_SET_KEY.CNF"), Checkpoint(180)]
            if self._config.link_detection:
                left = self._matched_at + timing.TT_MATCH_JOIN_MS - now_ms
                self._out += self._link.join(now_ms, max(left, 0))
            else:
                self._link.taken_for_up()
                self._link_changed(now_ms)

    def _link_changed(self, now_ms: int) -> None:
        match = self._match
        if self._link.state is Link.UP and self.phase is EvPhase.JOINING and match is not None:
            self.phase = EvPhase.MATCHED
            self._out += [
                Checkpoint(190),
                Matched(self._config.own_mac, match.evse_mac, match.nid, match.nmk),
                Log(f"SLAC run_id {match.run_id.hex()}: D-LINK_READY"),
                DLinkReady(True),
            ]
        elif self._link.state is Link.LOST:
            if self.phase is EvPhase.JOINING:
                self._failed(Reason.NO_LINK, now_ms)
            else:
                self._out.append(Failed(Reason.LINK_LOST, final=False))
                self._leave(Reason.LINK_LOST, now_ms, again=True)

    def _failed(self, reason: Reason, now_ms: int) -> None:
        """A matching process failed: rest and run another one, or give up."""
        self._attempts += 1
        if self._first_failure is None:
            self._first_failure = now_ms
        late = now_ms + timing.TT_MATCHING_RATE_MS > self._first_failure + timing.TT_MATCHING_REPETITION_MS
        final = late or self._attempts >= self._config.most_attempts
        self._out.append(Failed(reason, final))
        if self.phase in _WITH_KEY:
            # Also when the modem said no: its confirmations may have been lost, and not the key.
            self._leave(reason, now_ms, again=not final, anew=False)
        elif final:
            self.phase = EvPhase.UNMATCHED
        else:
            self._rest(now_ms)

    def _rest(self, now_ms: int) -> None:
        self.phase = EvPhase.RESTING
        self._rest_due = now_ms + timing.TT_MATCHING_RATE_MS

    def _leave(self, reason: Reason, now_ms: int, *, again: bool, anew: bool = True) -> None:
        """Be out of the network, whatever there was. ``again``: match again; ``anew``: with new
        counters."""
        if self._attempt is not None:
            self._out += self._attempt.abort()
        if self.phase in _WITH_LINK:
            self._out += [Log(f"SLAC: link ended: {reason.value}"), DLinkReady(False)]
        if self.phase is EvPhase.PAUSED:
            self._out.append(SavePower(False))
        with_key = self.phase in _WITH_KEY or self.phase is EvPhase.LEAVING
        self._link.stop()
        self._amp_map.stop()
        self._attempt = self._match = self._rest_due = None
        self._again = again
        if anew:
            self._attempts, self._first_failure = 0, None
        if with_key:
            self.phase = EvPhase.LEAVING
            self._out += self._keys.begin_random(now_ms)
        else:
            self._left(now_ms)

    def _left(self, now_ms: int) -> None:
        self.phase = EvPhase.UNMATCHED
        if self._again and self._plugged and not self._terminated:
            self._rest(now_ms)

    # The pilot and commands

    def _pilot(self, state: PilotLetter, now_ms: int) -> None:
        plugged = state in ("B", "C", "D")
        if state == "A":
            self._terminated = False
        if plugged == self._plugged:
            return
        self._plugged = plugged
        if self.phase is EvPhase.OFF:
            return
        if plugged:
            self._again = True
            self._match_if_plugged(now_ms)
        else:
            self._give_up(Reason.UNPLUGGED, now_ms, again=False)

    def _give_up(self, reason: Reason, now_ms: int, *, again: bool) -> None:
        if self.phase in _TRYING:
            self._out.append(Failed(reason, final=not again))
        if self.phase is EvPhase.LEAVING:
            self._again = again
        else:
            self._leave(reason, now_ms, again=again)

    def _command(self, command: Command, now_ms: int) -> None:
        if command is Command.START:
            if self.phase is EvPhase.OFF:
                self.phase, self._terminated = EvPhase.UNMATCHED, False
                self._match_if_plugged(now_ms)
        elif self.phase is EvPhase.OFF:
            return
        elif command is Command.STOP:
            # Nobody waits for the modem's answer.
            self._give_up(Reason.STOPPED, now_ms, again=False)
            self.phase, self._rest_due = EvPhase.OFF, None
        elif command in (Command.TERMINATE, Command.ERROR):
            self._terminated = command is Command.TERMINATE
            self._out.append(Log(f"SLAC: {command.value}"))
            self._give_up(Reason.STOPPED, now_ms, again=not self._terminated)
        elif command is Command.PAUSE and self.phase is EvPhase.MATCHED:
            self.phase = EvPhase.PAUSED
            self._link.stop()
            self._out.append(SavePower(True))
        elif command is Command.RESUME and self.phase is EvPhase.PAUSED:
            self.phase = EvPhase.MATCHED
            self._out.append(SavePower(False))
            if self._config.link_detection:
                self._out += self._link.join(now_ms, timing.T_CONN_RESUME_MS)
            else:
                self._link.taken_for_up()
