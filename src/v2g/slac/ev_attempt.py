"""One matching process of a car: from CM_SLAC_PARM.REQ to the key in CM_SLAC_MATCH.CNF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any

from v2g.common.effects import Checkpoint, Log
from v2g.homeplug.frame import BROADCAST, LOCAL_MODEM, address_text
from v2g.homeplug.message import Message
from v2g.homeplug.slac import (
    MATCH_REQ_LENGTH,
    NO_ID,
    RESP_TYPE_OTHER_STATION,
    RUN_ID_BYTES,
    AttenCharInd,
    AttenCharRsp,
    MnbcSoundInd,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    ValidateCnf,
)
from v2g.slac import timing
from v2g.slac.attenuation import Found, judge, mean_db
from v2g.slac.effects import Effect, Reason, SendFrame
from v2g.slac.ev_validation import EvValidation, Verdict
from v2g.slac.keying import QUALCOMM_SUCCESS

MOST_EVSES = 32
"""Chargers that are listened to in one process: a flood of answers shall not grow memory. A car park's
neighbours that couple into a cable are a handful."""

UNCALIBRATED_DB = 10.0
"""What a car's coupling adds to the attenuation that chargers report, when nobody has measured it. The
standard's thresholds are for the cable alone, while real chargers on the right cable reported 9 to 22 dB
to adapters on a desk."""


@dataclass(frozen=True, slots=True)
class EvConfig:
    """What differs between cars.

    Attributes:
        own_mac: of the interface to the modem.
        modem_mac: of the modem, or the address that every Qualcomm modem takes for its own.
        set_key_success: the result of CM_SET_KEY.CNF that stands for success (see `KeySetter`).
        direct_db, indirect_db: thresholds of the average attenuation: found; potentially found.
        attenuation_correction_db: what the car's own coupling and power add to it, and is taken off first.
        validate: have chargers that are only potentially found prove themselves; otherwise the best of
        them is taken. link_detection: ask the modem for the link; otherwise it is taken for up after
        CM_SET_KEY.CNF. most_attempts: matching processes before giving up.
        retries: how often a message is sent again that was not answered.
    """

    own_mac: bytes
    modem_mac: bytes = LOCAL_MODEM
    set_key_success: int = QUALCOMM_SUCCESS
    direct_db: float = timing.C_EV_MATCH_SIGNALATTN_DIRECT_DB
    indirect_db: float = timing.C_EV_MATCH_SIGNALATTN_INDIRECT_DB
    attenuation_correction_db: float = UNCALIBRATED_DB
    validate: bool = False
    link_detection: bool = True
    most_attempts: int = timing.C_CONN_MAX_MATCH
    retries: int = timing.C_EV_MATCH_RETRY


@unique
class _Stage(Enum):
    PARM = "waits for CM_SLAC_PARM.CNF"
    MORE = "waits for other chargers' CM_SLAC_PARM.CNF"
    SOUNDS = "sounds"
    RESULTS = "waits for CM_ATTEN_CHAR.IND"
    VALIDATION = "validates"
    MATCH = "waits for CM_SLAC_MATCH.CNF"
    DONE = "done"


class EvAttempt:
    """One matching process. It ends with ``key`` or ``failed`` set."""

    def __init__(self, config: EvConfig, random_bytes: Callable[[int], bytes]) -> None:
        self._config = config
        self._own = config.own_mac
        self._random_bytes = random_bytes
        self.run_id = random_bytes(RUN_ID_BYTES)
        self.key: SlacMatchCnf | None = None
        self.failed: Reason | None = None
        self._stage = _Stage.PARM
        self._due: int | None = None
        self._sent = 0
        self._results_due = 0
        self._evses: dict[bytes, float | None] = {}
        """Chargers that answered, and the average attenuation they told."""
        self._queue: list[tuple[bytes, Found]] = []
        self._evse = b""
        self._validation = EvValidation(self._own, config.retries)
        self._handlers: dict[type[Message], Callable[[Any, bytes, int], list[Effect]]] = {
            SlacParmCnf: self._parm_cnf,
            AttenCharInd: self._atten_char,
            ValidateCnf: self._validate_cnf,
            SlacMatchCnf: self._match_cnf,
        }

    def begin(self, now_ms: int) -> list[Effect]:
        """Send the first CM_SLAC_PARM.REQ."""
        return [*self._send_parm(now_ms), Checkpoint(100)]

    def abort(self) -> list[Effect]:
        """Leave the pilot as it should be."""
        self._stage, self._due = _Stage.DONE, None
        return self._validation.abort()

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        if self._stage is _Stage.VALIDATION:
            return self._validation.deadline()
        return self._due

    def handle(self, message: Message, source: bytes, now_ms: int) -> list[Effect]:
        """A message came in; what is not for a car is ignored."""
        handler = self._handlers.get(type(message))
        return handler(message, source, now_ms) if handler else []

    def tick(self, now_ms: int) -> list[Effect]:
        """What is due."""
        due = self.deadline()
        if due is None or now_ms < due:
            return []
        if self._stage is _Stage.VALIDATION:
            return self._validation.tick(now_ms) + self._validated(now_ms)
        if self._stage is _Stage.PARM:
            return self._again(self._send_parm, Reason.NO_PARM_CNF, now_ms)
        if self._stage is _Stage.MORE:
            return self._start_sounds(now_ms)
        if self._stage is _Stage.SOUNDS:
            return self._send_sound(now_ms)
        if self._stage is _Stage.RESULTS:
            return self._decide(now_ms)
        return self._again(self._send_match, Reason.NO_MATCH_CNF, now_ms)

    def _again(self, send: Callable[[int], list[Effect]], reason: Reason, now_ms: int) -> list[Effect]:
        if self._sent > self._config.retries:
            return self._fail(reason)
        return send(now_ms)

    def _fail(self, reason: Reason) -> list[Effect]:
        self.failed = reason
        self._stage, self._due = _Stage.DONE, None
        return [self._log(f"failed: {reason.value}")]

    def _log(self, text: str) -> Log:
        return Log(f"SLAC run_id {self.run_id.hex()} ev_mac {address_text(self._own)}: {text}")

    def _broadcast(self, message: Message) -> SendFrame:
        return SendFrame(message.frame(BROADCAST, self._own))

    # Who is there

    def _send_parm(self, now_ms: int) -> list[Effect]:
        self._sent += 1
        self._due = now_ms + timing.TT_MATCH_RESPONSE_MS
        return [self._log("CM_SLAC_PARM.REQ"), self._broadcast(SlacParmReq(0, 0, self.run_id))]

    def _parm_cnf(self, message: SlacParmCnf, source: bytes, now_ms: int) -> list[Effect]:
        if (
            message.run_id != self.run_id
            or message.application_type
            or message.security_type
            or source in self._evses
            or len(self._evses) >= MOST_EVSES
            or self._stage not in (_Stage.PARM, _Stage.MORE)
        ):
            return []
        self._evses[source] = None
        effects: list[Effect] = [self._log(f"CM_SLAC_PARM.CNF from {address_text(source)}")]
        if self._stage is _Stage.PARM:
            self._stage = _Stage.MORE
            self._due = now_ms + timing.TP_MATCH_SEQUENCE_MS
            effects.append(Checkpoint(102))
        return effects

    # Sounds

    def _start_sounds(self, now_ms: int) -> list[Effect]:
        self._stage, self._sent = _Stage.SOUNDS, 0
        self._results_due = now_ms + timing.TT_EV_ATTEN_RESULTS_MS
        return self._send_sound(now_ms)

    def _send_sound(self, now_ms: int) -> list[Effect]:
        starts, sounds = timing.C_EV_START_ATTEN_CHAR_INDS, timing.C_EV_MATCH_MNBC
        self._sent += 1
        self._due = now_ms + timing.TP_EV_BATCH_MSG_INTERVAL_MS
        effects: list[Effect] = []
        if self._sent <= starts:
            window = timing.TT_EVSE_MATCH_MNBC_MS // 100
            effects.append(
                self._broadcast(
                    StartAttenCharInd(0, 0, sounds, window, RESP_TYPE_OTHER_STATION, self._own, self.run_id)
                )
            )
            if self._sent == starts:
                effects += [self._log(f"CM_START_ATTEN_CHAR.IND, {starts} times"), Checkpoint(103)]
            return effects
        remaining = starts + sounds - self._sent
        random = self._random_bytes(16)
        effects.append(self._broadcast(MnbcSoundInd(0, 0, NO_ID, remaining, self.run_id, random)))
        if remaining == 0:
            effects += [self._log(f"CM_MNBC_SOUND.IND, {sounds} times"), Checkpoint(104)]
            self._stage, self._due = _Stage.RESULTS, self._results_due
            if self._all_told():
                effects += self._decide(now_ms)
        return effects

    # What the chargers heard

    def _all_told(self) -> bool:
        return None not in self._evses.values()

    def _atten_char(self, message: AttenCharInd, source: bytes, now_ms: int) -> list[Effect]:
        if (
            message.run_id != self.run_id
            or message.source_address != self._own
            or not message.num_sounds
            or not message.attenuation
            or self._stage in (_Stage.PARM, _Stage.MORE)
            or (source not in self._evses and len(self._evses) >= MOST_EVSES)
        ):
            return []
        # Answered every time: a charger that asks again has lost the answer.
        answer = AttenCharRsp(0, 0, self._own, self.run_id, NO_ID, NO_ID, 0)
        effects: list[Effect] = [SendFrame(answer.frame(source, self._own)), Checkpoint(140)]
        if self._stage not in (_Stage.SOUNDS, _Stage.RESULTS):
            return effects
        average = mean_db(message.attenuation, self._config.attenuation_correction_db)
        self._evses[source] = average
        effects = [
            self._log(f"CM_ATTEN_CHAR.IND from {address_text(source)}: {average:.1f} dB"),
            Checkpoint(130),
            *effects,
        ]
        if self._stage is _Stage.RESULTS and self._all_told():
            effects += self._decide(now_ms)
        return effects

    def _decide(self, now_ms: int) -> list[Effect]:
        config = self._config
        told = sorted((average, mac) for mac, average in self._evses.items() if average is not None)
        if not told:
            return self._fail(Reason.NO_ATTEN_CHAR)
        judged = [(mac, judge(average, config.direct_db, config.indirect_db)) for average, mac in told]
        self._queue = [(mac, found) for mac, found in judged if found is not Found.NOT_FOUND]
        if not self._queue:
            return self._fail(Reason.TOO_WEAK)
        return self._next(now_ms)

    def _next(self, now_ms: int) -> list[Effect]:
        """Go on with the best charger that is left."""
        if not self._queue:
            return self._fail(Reason.NO_VALIDATION)
        self._evse, found = self._queue.pop(0)
        effects: list[Effect] = [self._log(f"{found.value}: {address_text(self._evse)}")]
        if found is Found.POTENTIALLY and self._config.validate:
            self._stage = _Stage.VALIDATION
            return effects + self._validation.begin(self._evse, now_ms)
        return effects + self._match(now_ms)

    # Validation

    def _validate_cnf(self, message: ValidateCnf, source: bytes, now_ms: int) -> list[Effect]:
        if self._stage is not _Stage.VALIDATION or source != self._evse:
            return []
        return self._validation.confirmed(message, now_ms) + self._validated(now_ms)

    def _validated(self, now_ms: int) -> list[Effect]:
        if self._validation.verdict is Verdict.OPEN:
            return []
        if self._validation.verdict is Verdict.PASSED:
            return self._match(now_ms)
        return [self._log(f"validation failed: {address_text(self._evse)}"), *self._next(now_ms)]

    # The match

    def _match(self, now_ms: int) -> list[Effect]:
        self._stage, self._sent = _Stage.MATCH, 0
        return [*self._send_match(now_ms), Checkpoint(150)]

    def _send_match(self, now_ms: int) -> list[Effect]:
        self._sent += 1
        self._due = now_ms + timing.TT_MATCH_RESPONSE_MS
        request = SlacMatchReq(0, 0, MATCH_REQ_LENGTH, NO_ID, self._own, NO_ID, self._evse, self.run_id)
        return [self._log("CM_SLAC_MATCH.REQ"), SendFrame(request.frame(self._evse, self._own))]

    def _match_cnf(self, message: SlacMatchCnf, source: bytes, _now_ms: int) -> list[Effect]:
        if (
            self._stage is not _Stage.MATCH
            or source != self._evse
            or message.run_id != self.run_id
            or message.ev_mac != self._own
        ):
            return []
        self.key = message
        self._stage, self._due = _Stage.DONE, None
        return [self._log(f"CM_SLAC_MATCH.CNF, NID {message.nid.hex()}"), Checkpoint(160)]
