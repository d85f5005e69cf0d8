"""Giving the own modem a network's key: CM_SET_KEY, sent again when it is lost or rejected."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, unique

from v2g.homeplug.frame import LOCAL_MODEM
from v2g.homeplug.keys import NMK_BYTES, nid_of
from v2g.homeplug.slac import SetKeyCnf, SetKeyReq
from v2g.slac import timing
from v2g.slac.effects import Effect, SendFrame

QUALCOMM_SUCCESS = 1
"""What Qualcomm's modems answer when they took a key. By the standard it means failure."""
STANDARD_SUCCESS = 0


@unique
class Keying(Enum):
    """What became of a key."""

    WAITING = "waiting"
    SET = "set"
    FAILED = "failed"


class KeySetter:
    """One modem and the key it is to have.

    ``success``: the result in CM_SET_KEY.CNF that stands for a key taken: 1 for Qualcomm's modems, 0 by
    the standard. Any other one is a rejection. Every request carries a nonce of its own; a confirmation
    that repeats another one belongs to an earlier request and is ignored.
    """

    def __init__(
        self,
        own_mac: bytes,
        random_bytes: Callable[[int], bytes],
        modem_mac: bytes = LOCAL_MODEM,
        success: int = QUALCOMM_SUCCESS,
    ) -> None:
        self._own_mac = own_mac
        self._random_bytes = random_bytes
        self._modem_mac = modem_mac
        self.modem: bytes | None = None
        """The modem's own address: known from its first confirmation, as it can be asked by an address that
        every modem takes for its own."""
        self._success = success
        self.nid = b""
        self.nmk = b""
        self.state = Keying.FAILED
        self._attempts = 0
        self._nonce = 0
        self._due: int | None = None
        self._answered = False

    def begin_random(self, now_ms: int) -> list[Effect]:
        """Give the modem a new random key: whoever knows the old one is out."""
        nmk = self._random_bytes(NMK_BYTES)
        return self.begin(nid_of(nmk), nmk, now_ms)

    def begin(self, nid: bytes, nmk: bytes, now_ms: int) -> list[Effect]:
        """Give the modem a key."""
        self.nid, self.nmk = nid, nmk
        self._attempts = 0
        return self._send(now_ms)

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        return self._due

    def confirmed(self, cnf: SetKeyCnf, source: bytes, now_ms: int) -> None:
        """The modem answered. That it is the modem shows by the nonce: the request with it does not go over
        the line."""
        if self.state is not Keying.WAITING or self._nonce not in (cnf.your_nonce, cnf.my_nonce):
            return
        self.modem = source
        if cnf.result == self._success:
            self.state, self._due = Keying.SET, None
        elif not self._answered:
            self._answered = True
            self._due = now_ms + timing.SET_KEY_PAUSE_MS

    def tick(self, now_ms: int) -> list[Effect]:
        """Send again what was lost or rejected, until the attempts are used up."""
        if self._due is None or now_ms < self._due:
            return []
        if self._attempts >= timing.SET_KEY_ATTEMPTS:
            self.state, self._due = Keying.FAILED, None
            return []
        return self._send(now_ms)

    def _send(self, now_ms: int) -> list[Effect]:
        self.state = Keying.WAITING
        self._attempts += 1
        self._answered = False
        self._nonce = int.from_bytes(self._random_bytes(4), "little")
        self._due = now_ms + timing.SET_KEY_TIMEOUT_MS
        request = SetKeyReq.of(self.nid, self.nmk, self._nonce)
        return [SendFrame(request.frame(self._modem_mac, self._own_mac))]
