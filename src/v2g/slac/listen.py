"""Listening to others' SLAC: who matches with whom, at what attenuation, and with which key.

CM_SLAC_MATCH.CNF carries the network's key in plain text, to whoever hears it. With it an own modem can
join and the traffic between a car and a charger be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from v2g.common.effects import Checkpoint, Log
from v2g.homeplug.frame import LOCAL_MODEM, Frame, FrameError, address_text
from v2g.homeplug.message import Message
from v2g.homeplug.slac import (
    AttenCharInd,
    AttenCharRsp,
    MnbcSoundInd,
    SetKeyCnf,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    message_of,
)
from v2g.slac.attenuation import mean_db
from v2g.slac.effects import Effect, ModemReady
from v2g.slac.events import Event, FrameReceived
from v2g.slac.keying import QUALCOMM_SUCCESS, Keying, KeySetter

MOST_RUNS = 64
"""Runs that are remembered; the oldest goes first. A listener runs for days, and anybody can invent run
ids."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was heard of one matching process.

    ``sounds`` counts those heard; ``attenuation_db`` is the average that a charger told; ``nid`` and
    ``nmk`` are empty until the match."""

    run_id: bytes
    ev_mac: bytes
    evse_mac: bytes = b""
    sounds: int = 0
    attenuation_db: float | None = None
    nid: bytes = b""
    nmk: bytes = field(default=b"", repr=False)
    checkpoint: int = 0
    """The last step that was heard."""


@dataclass(frozen=True, slots=True)
class Overheard:
    """A match was heard to its end."""

    run: Run


class Listener:
    """Others' matching. ``join``: give every key that is heard to the own modem."""

    def __init__(
        self,
        own_mac: bytes,
        random_bytes: Callable[[int], bytes],
        *,
        join: bool = True,
        modem_mac: bytes = LOCAL_MODEM,
        set_key_success: int = QUALCOMM_SUCCESS,
    ) -> None:
        self._own_mac = own_mac
        self._join = join
        self._keys = KeySetter(own_mac, random_bytes, modem_mac, set_key_success)
        self._keying = False
        self._runs: dict[tuple[bytes, bytes], Run] = {}

    @property
    def runs(self) -> tuple[Run, ...]:
        """Everything that was heard, in the order of its beginning."""
        return tuple(self._runs.values())

    def deadline(self) -> int | None:
        """When the core wants to be called again with a `Tick`; None: not before something happens."""
        return self._keys.deadline() if self._keying else None

    def handle(self, event: Event, now_ms: int) -> list[Effect | Overheard]:
        """What an event brings. Only frames and time matter. Never raises for what a peer sends."""
        effects: list[Effect | Overheard] = []
        if self._keying:
            effects += self._keys.tick(now_ms)
            effects += self._key_changed()
        if isinstance(event, FrameReceived):
            effects += self._frame(event.data, now_ms)
        return effects

    def _frame(self, data: bytes, now_ms: int) -> list[Effect | Overheard]:
        try:
            frame = Frame.parse(data)
            message = message_of(frame)
        except FrameError:
            return []
        if message is None or frame.source == self._own_mac:
            return []
        if isinstance(message, SetKeyCnf):
            if not self._keying:
                return []
            self._keys.confirmed(message, frame.source, now_ms)
            return list(self._key_changed())
        return self._heard(message, frame, now_ms)

    def _key_changed(self) -> list[Effect]:
        if not self._keying or self._keys.state is Keying.WAITING:
            return []
        self._keying = False
        taken = self._keys.state is Keying.SET
        text = "has taken" if taken else "did not take"
        return [Log(f"SLAC: the modem {text} the key of {self._keys.nid.hex()}"), ModemReady(taken)]

    def _heard(self, message: Message, frame: Frame, now_ms: int) -> list[Effect | Overheard]:
        source, destination = frame.source, frame.destination
        if isinstance(message, SlacParmReq):
            self._runs.pop((source, message.run_id), None)
            return self._note(Run(message.run_id, source), 100, "CM_SLAC_PARM.REQ")
        if isinstance(message, SlacParmCnf):
            run = self._run(message.forwarding_sta, message.run_id)
            return self._note(run, 101, f"CM_SLAC_PARM.CNF from {address_text(source)}")
        if isinstance(message, StartAttenCharInd):
            return self._note(self._run(source, message.run_id), 103, "CM_START_ATTEN_CHAR.IND")
        if isinstance(message, MnbcSoundInd):
            run = self._run(source, message.run_id)
            text = f"CM_MNBC_SOUND.IND, {message.remaining} to come"
            return self._note(replace(run, sounds=run.sounds + 1), 104, text)
        if isinstance(message, AttenCharInd):
            if not message.attenuation:
                return []
            run = self._run(message.source_address, message.run_id)
            average = mean_db(message.attenuation)
            text = f"CM_ATTEN_CHAR.IND from {address_text(source)}: {average:.1f} dB"
            return self._note(replace(run, attenuation_db=average), 120, text)
        if isinstance(message, AttenCharRsp):
            run = self._run(source, message.run_id)
            return self._note(run, 140, f"CM_ATTEN_CHAR.RSP to {address_text(destination)}")
        if isinstance(message, SlacMatchReq):
            run = replace(self._run(message.ev_mac, message.run_id), evse_mac=message.evse_mac)
            return self._note(run, 150, f"CM_SLAC_MATCH.REQ to {address_text(destination)}")
        if isinstance(message, SlacMatchCnf):
            return self._matched(message, now_ms)
        return []

    def _run(self, ev_mac: bytes, run_id: bytes) -> Run:
        return self._runs.get((ev_mac, run_id)) or Run(run_id, ev_mac)

    def _note(self, run: Run, checkpoint: int, text: str) -> list[Effect | Overheard]:
        key = (run.ev_mac, run.run_id)
        if key not in self._runs and len(self._runs) >= MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        effects: list[Effect | Overheard] = [
            Log(f"SLAC run_id {run.run_id.hex()} ev_mac {address_text(run.ev_mac)}: {text}")
        ]
        if checkpoint > run.checkpoint:
            run = replace(run, checkpoint=checkpoint)
            effects.append(Checkpoint(checkpoint))
        self._runs[key] = run
        return effects

    def _matched(self, message: SlacMatchCnf, now_ms: int) -> list[Effect | Overheard]:
        before = self._run(message.ev_mac, message.run_id)
        run = replace(before, evse_mac=message.evse_mac, nid=message.nid, nmk=message.nmk)
        again = before.nmk == run.nmk
        effects = self._note(run, 155, f"CM_SLAC_MATCH.CNF, NID {run.nid.hex()}")
        if again:
            return effects
        effects.append(Overheard(self._runs[(run.ev_mac, run.run_id)]))
        if self._join:
            self._keying = True
            effects += self._keys.begin(run.nid, run.nmk, now_ms)
        return effects
