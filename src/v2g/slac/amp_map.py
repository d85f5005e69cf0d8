"""Amplitude maps: the other station asks for less power on some carriers, and the own modem has to oblige.

CM_AMP_MAP.REQ comes from the other station's host; it is handed to the own modem, and the modem's
confirmation is handed back.
"""

from __future__ import annotations

from v2g.common.effects import Log
from v2g.homeplug.frame import address_text
from v2g.homeplug.slac import AmpMapCnf, AmpMapReq
from v2g.slac import timing
from v2g.slac.effects import Effect, SendFrame

_FAILURE = 1


class AmpMapRelay:
    """The exchange with one other station."""

    def __init__(self, own_mac: bytes, modem_mac: bytes) -> None:
        self._own_mac = own_mac
        self._modem_mac = modem_mac
        self._peer = b""
        self._due: int | None = None

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        return self._due

    def stop(self) -> None:
        """The other station is gone."""
        self._due = None

    def request(self, message: AmpMapReq, peer: bytes, now_ms: int) -> list[Effect]:
        """CM_AMP_MAP.REQ came from the other station."""
        self._peer = peer
        self._due = now_ms + timing.TP_AMP_MAP_EXCHANGE_MS
        return [
            Log(f"CM_AMP_MAP.REQ from {address_text(peer)}: {message.carriers} carriers"),
            SendFrame(message.frame(self._modem_mac, self._own_mac)),
        ]

    def confirmed(self, message: AmpMapCnf) -> list[Effect]:
        """CM_AMP_MAP.CNF came from the own modem."""
        return [] if self._due is None else self._answer(message)

    def tick(self, now_ms: int) -> list[Effect]:
        """The modem did not answer: the other station gets a failure."""
        if self._due is None or now_ms < self._due:
            return []
        return self._answer(AmpMapCnf(_FAILURE))

    def _answer(self, message: AmpMapCnf) -> list[Effect]:
        self._due = None
        return [SendFrame(message.frame(self._peer, self._own_mac))]
