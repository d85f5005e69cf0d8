"""One car's matching process at a charger, from CM_SLAC_PARM.REQ to CM_SLAC_MATCH.REQ."""

from __future__ import annotations

from enum import IntEnum, unique

from v2g.common.effects import Log
from v2g.homeplug.frame import address_text
from v2g.homeplug.slac import NO_ID, AttenCharInd
from v2g.slac import timing
from v2g.slac.attenuation import PLAUSIBLE_PROFILE, ProfileSum
from v2g.slac.effects import Effect, Reason, SendFrame


@unique
class Step(IntEnum):
    """What a session waits for."""

    START = 0
    """CM_START_ATTEN_CHAR.IND."""
    SOUNDS = 1
    """Sounds, and the modem's profiles of them."""
    ATTEN_RSP = 2
    """CM_ATTEN_CHAR.RSP."""
    MATCH = 3
    """CM_VALIDATE.REQ or CM_SLAC_MATCH.REQ."""
    FAILED = 4


class CarSession:
    """A session, known by the car's address and run id."""

    def __init__(self, ev_mac: bytes, run_id: bytes, now_ms: int) -> None:
        self.ev_mac = ev_mac
        self.run_id = run_id
        self.step = Step.START
        self.due = now_ms + timing.TT_MATCH_SEQUENCE_MS
        self.reason = Reason.NO_START
        self.begun_ms = now_ms
        self._wanted = timing.C_EV_MATCH_MNBC
        self._sounds: set[int] = set()
        self.profiles = ProfileSum()
        self.vendors = ProfileSum()
        """The same sounds as VS_ATTEN_CHAR.IND tells of them."""
        self._atten_char = b""
        self._atten_sent = 0
        self._validating = False

    @property
    def sounds(self) -> int:
        """Sounds heard."""
        return len(self._sounds)

    def log(self, text: str) -> Log:
        """A line that names the session."""
        return Log(f"SLAC run_id {self.run_id.hex()} ev_mac {address_text(self.ev_mac)}: {text}")

    def start_sounding(self, sounds: int, now_ms: int) -> bool:
        """CM_START_ATTEN_CHAR.IND came; False for the second and third one."""
        if self.step is not Step.START:
            return False
        self.step = Step.SOUNDS
        self._wanted = sounds
        self.due = now_ms + timing.TT_EVSE_MATCH_MNBC_MS
        return True

    def sound(self, remaining: int, now_ms: int) -> bool:
        """CM_MNBC_SOUND.IND came; False for one that is not new or not waited for."""
        if self.step is not Step.SOUNDS or remaining in self._sounds:
            return False
        self._sounds.add(remaining)
        if len(self._sounds) >= self._wanted:
            self.due = min(self.due, now_ms + timing.PROFILE_GRACE_MS)
        return True

    def profile(self, attenuation: bytes, now_ms: int) -> bool:
        """CM_ATTEN_PROFILE.IND came; False for one that is not waited for or of another number of
        groups."""
        if self.step is not Step.SOUNDS or not self.profiles.add(attenuation):
            return False
        if self.profiles.count >= self._wanted and (not self.sounds or self.sounds >= self._wanted):
            # All is heard. Profiles of sounds that were heard twice do not end the waiting for the others;
            # and some modems do not hand the sounds themselves on.
            self.due = now_ms
        return True

    def vendors_profile(self, attenuation: bytes) -> bool:
        """VS_ATTEN_CHAR.IND came; False for one that is not waited for or of another number of groups. It
        ends no waiting: CM_ATTEN_PROFILE.IND, which counts more, may follow it."""
        return self.step is Step.SOUNDS and self.vendors.add(attenuation)

    def averaged(self, own_mac: bytes, correction_db: int, plausible: bool) -> bool:
        """Make CM_ATTEN_CHAR.IND of what was heard; False (and failed) when there is nothing to tell."""
        # A modem sends one kind or both of each sound, and the sum of both would count it twice.
        heard = self.profiles if self.profiles.count else self.vendors
        profile, count = heard.average(correction_db), min(heard.count, self._wanted)
        if not any(profile):
            count = max(count, self.sounds)
            if not count:
                return self.fail(Reason.NO_SOUNDS)
            if not plausible:
                return self.fail(Reason.NO_PROFILE)
            profile = PLAUSIBLE_PROFILE
        message = AttenCharInd(0, 0, self.ev_mac, self.run_id, NO_ID, NO_ID, count, profile)
        self._atten_char = message.frame(self.ev_mac, own_mac)
        self.step = Step.ATTEN_RSP
        return True

    def send_atten_char(self, now_ms: int) -> list[Effect]:
        """Send CM_ATTEN_CHAR.IND, for the first time or again; fails when it was sent often enough."""
        if self._atten_sent > timing.C_EV_MATCH_RETRY:
            self.fail(Reason.NO_ATTEN_RSP)
            return []
        self._atten_sent += 1
        self.due = now_ms + timing.TT_MATCH_RESPONSE_MS
        return [SendFrame(self._atten_char)]

    def wait_for_match(self, now_ms: int) -> None:
        """CM_ATTEN_CHAR.RSP came."""
        self.step = Step.MATCH
        self.due = now_ms + timing.TT_EVSE_MATCH_SESSION_MS
        self.reason = Reason.NO_MATCH_REQ

    def validates(self, now_ms: int) -> None:
        """CM_VALIDATE.REQ came: its own time is added once. Who goes on validating holds a place no
        longer."""
        if not self._validating:
            self._validating = True
            self.wait_for_match(now_ms)

    def fail(self, reason: Reason) -> bool:
        """The session is over; returns False."""
        self.step, self.reason = Step.FAILED, reason
        return False
