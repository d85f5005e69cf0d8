"""The matching processes of a charger: every car's frames, told apart by address and run id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from v2g.common.effects import Checkpoint
from v2g.homeplug.frame import LOCAL_MODEM
from v2g.homeplug.message import Message
from v2g.homeplug.qualcomm import VsAttenCharInd
from v2g.homeplug.slac import (
    MATCH_CNF_LENGTH,
    RESP_TYPE_OTHER_STATION,
    AttenCharRsp,
    AttenProfileInd,
    MnbcSoundInd,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    ValidateReq,
)
from v2g.slac import timing
from v2g.slac.effects import Effect, Reason, SendFrame
from v2g.slac.events import PilotLetter
from v2g.slac.evse_session import CarSession, Step
from v2g.slac.keying import QUALCOMM_SUCCESS
from v2g.slac.validation import Validation


@dataclass(frozen=True, slots=True)
class EvseConfig:
    """What differs between chargers.

    Attributes:
        own_mac: of the interface to the modem.
        modem_mac: of the modem, or the address that every Qualcomm modem takes for its own.
        set_key_success: the result of CM_SET_KEY.CNF that stands for success (see `KeySetter`).
        plausible_attenuation: tell plausible values for a modem that delivers no profile (AR7420), instead
        of failing. attenuation_correction_db: loss between the modem and the outlet, taken off what the
        modem measured. validation: take part in validation when a car wants it.
        link_detection: ask the modem for the link; otherwise it is taken for up after CM_SLAC_MATCH.CNF.
        slac_init_ms: TT_EVSE_SLAC_init.
        error_routines: how often the pilot is to pass through state E or F when no car was heard.
        most_sessions: cars matched at once. The standard asks for five; a session that a car leaves alone
        ends
            after TT_match_sequence, and a newcomer takes the place of the oldest that has not gone beyond
            its first frame, so that a flood of run ids neither grows memory nor shuts out a car that goes
            on.
    """

    own_mac: bytes
    modem_mac: bytes = LOCAL_MODEM
    set_key_success: int = QUALCOMM_SUCCESS
    plausible_attenuation: bool = True
    attenuation_correction_db: int = 0
    validation: bool = False
    link_detection: bool = True
    slac_init_ms: int = timing.TT_EVSE_SLAC_INIT_MS
    error_routines: int = timing.C_SEQU_RETRY
    most_sessions: int = timing.C_EVSE_MATCH_PARALLEL


@dataclass(frozen=True, slots=True)
class Chosen:
    """The car that chose this charger, and the answer it got."""

    ev_mac: bytes
    run_id: bytes
    answer: bytes = field(repr=False)


class EvseMatching:
    """All matching processes between plug-in and the first CM_SLAC_MATCH.REQ."""

    def __init__(self, config: EvseConfig) -> None:
        self._config = config
        self._own = config.own_mac
        self._sessions: dict[bytes, CarSession] = {}
        self._validation = Validation(config.own_mac, config.validation)
        self.nid = b""
        self.nmk = b""
        self.chosen: Chosen | None = None
        """The car that was given the key."""
        self.failed: Reason | None = None
        """Why the last session failed, when none is left."""
        self._handlers: dict[type[Message], Callable[[Any, bytes, int], list[Effect]]] = {
            SlacParmReq: self._parm_req,
            StartAttenCharInd: self._start_atten_char,
            MnbcSoundInd: self._sound,
            AttenProfileInd: self._profile,
            VsAttenCharInd: self._vendors_profile,
            AttenCharRsp: self._atten_rsp,
            ValidateReq: self._validate,
            SlacMatchReq: self._match_req,
        }

    def reset(self, nid: bytes, nmk: bytes) -> None:
        """Forget every session; the next car that chooses this charger gets this key."""
        self.nid, self.nmk = nid, nmk
        self._sessions.clear()
        self._validation.reset()
        self.chosen = self.failed = None

    @property
    def busy(self) -> bool:
        """Whether there is a session."""
        return bool(self._sessions)

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        dues = [session.due for session in self._sessions.values()]
        if (due := self._validation.deadline()) is not None:
            dues.append(due)
        return min(dues, default=None)

    def pilot(self, state: PilotLetter) -> None:
        """The pilot changed."""
        self._validation.pilot(state)

    def handle(self, message: Message, source: bytes, now_ms: int) -> list[Effect]:
        """A message came in; what is not for a charger is ignored."""
        self.failed = None
        handler = self._handlers.get(type(message))
        if handler is None:
            return []
        return handler(message, source, now_ms) + self._cleared()

    def tick(self, now_ms: int) -> list[Effect]:
        """What is due."""
        self.failed = None
        effects = self._validation.tick(now_ms)
        for session in list(self._sessions.values()):
            if now_ms >= session.due:
                effects += self._due(session, now_ms)
        return effects + self._cleared()

    def _due(self, session: CarSession, now_ms: int) -> list[Effect]:
        if session.step is Step.SOUNDS:
            return self._send_average(session, now_ms)
        if session.step is Step.ATTEN_RSP:
            return session.send_atten_char(now_ms)
        session.fail(session.reason)
        return []

    def _cleared(self) -> list[Effect]:
        effects: list[Effect] = []
        for session in [one for one in self._sessions.values() if one.step is Step.FAILED]:
            del self._sessions[session.ev_mac]
            self._validation.forget(session.ev_mac)
            effects.append(session.log(f"failed: {session.reason.value}"))
            if not self._sessions:
                self.failed = session.reason
        return effects

    def _session(self, ev_mac: bytes, run_id: bytes) -> CarSession | None:
        session = self._sessions.get(ev_mac)
        return session if session is not None and session.run_id == run_id else None

    def _parm_req(self, message: SlacParmReq, source: bytes, now_ms: int) -> list[Effect]:
        if message.application_type or message.security_type:
            return []
        # A car that begins anew starts over, with the same run id or another one: [V2G3-A09-16].
        self._sessions.pop(source, None)
        self._validation.forget(source)
        if len(self._sessions) >= self._config.most_sessions and not self._made_room():
            return []
        session = self._sessions[source] = CarSession(source, message.run_id, now_ms)
        answer = SlacParmCnf.answer(
            message.run_id, source, timing.C_EV_MATCH_MNBC, timing.TT_EVSE_MATCH_MNBC_MS // 100
        )
        return [
            Checkpoint(100),
            session.log("CM_SLAC_PARM.REQ, CM_SLAC_PARM.CNF"),
            SendFrame(answer.frame(source, self._own)),
            Checkpoint(101),
        ]

    def _made_room(self) -> bool:
        idle = [session for session in self._sessions.values() if session.step is Step.START]
        if not idle:
            return False
        del self._sessions[min(idle, key=lambda session: session.begun_ms).ev_mac]
        return True

    def _start_atten_char(self, message: StartAttenCharInd, source: bytes, now_ms: int) -> list[Effect]:
        session = self._session(source, message.run_id)
        if (
            session is None
            or message.application_type
            or message.security_type
            or message.resp_type != RESP_TYPE_OTHER_STATION
            or not message.num_sounds
            or not session.start_sounding(message.num_sounds, now_ms)
        ):
            return []
        return [session.log("CM_START_ATTEN_CHAR.IND"), Checkpoint(103)]

    def _sound(self, message: MnbcSoundInd, source: bytes, now_ms: int) -> list[Effect]:
        session = self._session(source, message.run_id)
        if session is None or not session.sound(message.remaining, now_ms):
            return []
        text = session.log(f"CM_MNBC_SOUND.IND, {message.remaining} to come")
        return [text, Checkpoint(104)] if session.sounds == 1 else [text]

    def _profile(self, message: AttenProfileInd, _source: bytes, now_ms: int) -> list[Effect]:
        # The modem knows no run ids.
        session = self._sessions.get(message.ev_mac)
        if session is None or not session.profile(message.attenuation, now_ms):
            return []
        effects: list[Effect] = [session.log(f"CM_ATTEN_PROFILE.IND {session.profiles.count}")]
        if session.profiles.count == 1:
            effects.append(Checkpoint(110))
        return effects + (self._send_average(session, now_ms) if session.due <= now_ms else [])

    def _vendors_profile(self, message: VsAttenCharInd, _source: bytes, _now_ms: int) -> list[Effect]:
        session = self._sessions.get(message.ev_mac)
        if session is None or not session.vendors_profile(message.attenuation):
            return []
        return [session.log(f"VS_ATTEN_CHAR.IND {session.vendors.count}")]

    def _send_average(self, session: CarSession, now_ms: int) -> list[Effect]:
        config = self._config
        if not session.averaged(self._own, config.attenuation_correction_db, config.plausible_attenuation):
            return []
        return [*session.send_atten_char(now_ms), session.log("CM_ATTEN_CHAR.IND"), Checkpoint(120)]

    def _atten_rsp(self, message: AttenCharRsp, source: bytes, now_ms: int) -> list[Effect]:
        session = self._session(source, message.run_id)
        if session is None or session.step is not Step.ATTEN_RSP or message.source_address != source:
            return []
        if message.result:
            session.fail(Reason.REFUSED)
            return []
        session.wait_for_match(now_ms)
        return [session.log("CM_ATTEN_CHAR.RSP"), Checkpoint(140)]

    def _validate(self, message: ValidateReq, source: bytes, now_ms: int) -> list[Effect]:
        session = self._sessions.get(source)
        if session is None or session.step is not Step.MATCH:
            return []
        effects = self._validation.request(message, source, now_ms)
        session.validates(now_ms)
        return [session.log("CM_VALIDATE.REQ"), *effects]

    def _match_req(self, message: SlacMatchReq, source: bytes, now_ms: int) -> list[Effect]:
        session = self._session(source, message.run_id)
        # A car whose CM_ATTEN_CHAR.RSP was lost shows by its request that it has the values.
        if (
            session is None
            or session.step not in (Step.ATTEN_RSP, Step.MATCH)
            or message.ev_mac != source
            or message.evse_mac != self._own
        ):
            return []
        answer = SlacMatchCnf(
            0,
            0,
            MATCH_CNF_LENGTH,
            message.ev_id,
            source,
            message.evse_id,
            self._own,
            session.run_id,
            self.nid,
            self.nmk,
        ).frame(source, self._own)
        self.chosen = Chosen(source, session.run_id, answer)
        self._sessions.clear()
        return [
            session.log("CM_SLAC_MATCH.REQ"),
            Checkpoint(150),
            SendFrame(answer),
            session.log("CM_SLAC_MATCH.CNF"),
            Checkpoint(155),
        ]
