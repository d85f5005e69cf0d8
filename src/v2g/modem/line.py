"""A simulated power line: it joins modems, by attenuation and by key. Pure.

Between modems of one network (the same key, for long enough) everything passes. Between strangers only the
messages of SLAC pass, to every modem that is not wholly cut off, and to its host whomever they are addressed
to: cars and chargers hear each other across cables, and must tell by the attenuation who hangs on whose.
Cars' modems alone do not hear other cars. All of this is what captures of real modems show.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from v2g.homeplug import mmtypes
from v2g.homeplug import qualcomm as q
from v2g.homeplug.frame import CNF, IND, REQ, RSP, Frame, FrameError, mmtype_of
from v2g.homeplug.message import parse_as
from v2g.homeplug.pib import CcoMode
from v2g.homeplug.qualcomm_network import Network, RemoteStation, Role
from v2g.homeplug.slac import GROUPS, AttenProfileInd
from v2g.modem.core import FOR_MODEMS, Modem, View, is_local
from v2g.modem.options import USUAL_ATTENUATION, LineOptions, Profiles, sloping

RATE_MBPS = 10
"""Rate of a Green PHY link, as the tools show it."""
CARRIERS_A_GROUP = 16
_SOUND = mmtypes.CM_MNBC_SOUND | IND
_MODES = (REQ, CNF, IND, RSP)
SLAC_TYPES = frozenset(
    base | mode
    for base in (
        mmtypes.CM_SLAC_PARM,
        mmtypes.CM_START_ATTEN_CHAR,
        mmtypes.CM_ATTEN_CHAR,
        mmtypes.CM_MNBC_SOUND,
        mmtypes.CM_VALIDATE,
        mmtypes.CM_SLAC_MATCH,
    )
    for mode in _MODES
)
"""MMTYPEs that pass between modems without a common key."""
_TO_ALL_STATIONS = frozenset((q.VS_SW_VER | REQ, mmtypes.CM_GET_KEY | REQ))
_UNKNOWN = b"\xff" * 6
_SHORTEST = 14


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame that a modem gives to its host."""

    modem: Modem
    data: bytes


class Powerline:
    """Modems on one line. The attenuation between two of them is the usual one unless :meth:`attenuate` was
    called."""

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        options: LineOptions | None = None,
        attenuation: bytes | None = None,
    ) -> None:
        """
        Args:
            random_bytes: gives so many random bytes; faults come from it.
            options: what happens to frames.
            attenuation: dB by group between any two modems.
        """
        self._random = random_bytes
        self.options = options or LineOptions()
        self._usual = attenuation or sloping(USUAL_ATTENUATION)
        self._special: dict[frozenset[bytes], bytes | None] = {}
        self._modems: list[Modem] = []
        self._queue: list[tuple[int, int, Modem, bytes]] = []
        self._number = 0

    @property
    def modems(self) -> Sequence[Modem]:
        """The modems on the line, in the order in which they came."""
        return tuple(self._modems)

    def attach(self, modem: Modem) -> Modem:
        """Put a modem onto the line.

        Raises:
            ValueError: one with this address is there already.
        """
        if any(other.mac == modem.mac for other in self._modems):
            raise ValueError(f"{modem!r} is on the line already")
        self._modems.append(modem)
        return modem

    def attenuate(self, one: Modem, other: Modem, attenuation: bytes | None) -> None:
        """Set the attenuation between two modems.

        Args:
            one: a modem.
            other: another one.
            attenuation: dB by group; None when they cannot hear each other at all.

        Raises:
            ValueError: not 58 groups.
        """
        if attenuation is not None and len(attenuation) != GROUPS:
            raise ValueError(f"attenuation of {len(attenuation)} groups; there are {GROUPS}")
        self._special[frozenset((one.mac, other.mac))] = attenuation

    def attenuation(self, one: Modem, other: Modem) -> bytes | None:
        """The attenuation between two modems; None when they do not hear each other."""
        return self._special.get(frozenset((one.mac, other.mac)), self._usual)

    def joined(self, one: Modem, other: Modem, now_ms: int) -> bool:
        """Whether two modems are members of one network at this time."""
        return (
            one is not other
            and one.nmk == other.nmk
            and one.nid == other.nid
            and one.hears(now_ms)
            and other.hears(now_ms)
            and now_ms >= max(one.member_from_ms, other.member_from_ms)
            and self.attenuation(one, other) is not None
        )

    def view(self, modem: Modem, now_ms: int) -> View:
        """What a modem knows of its network."""
        members = [each for each in self._modems if each is modem or self.joined(modem, each, now_ms)]
        if len(members) < 2:
            return View(None)
        coordinator = next((each for each in members if each.pib.number("cco") == CcoMode.ALWAYS), members[0])
        members.sort(key=lambda each: each is not coordinator)
        teis = {id(each): tei for tei, each in enumerate(members, start=1)}
        stations = tuple(
            RemoteStation(each.mac, teis[id(each)], next(iter(each.hosts), _UNKNOWN), RATE_MBPS, RATE_MBPS)
            for each in members
            if each is not modem
        )
        role = Role.CCO if modem is coordinator else Role.STA
        snid = modem.nid[0] & 0x0F
        return View(Network(modem.nid, snid, teis[id(modem)], role, coordinator.mac, 1, stations))

    def from_host(self, modem: Modem, data: bytes, now_ms: int) -> list[Delivery]:
        """A host sends a frame to its modem. Nonsense goes nowhere.

        Returns:
            What modems give to their hosts at once.
        """
        if modem.hears(now_ms) and len(data) >= _SHORTEST:
            modem.learn(data[6:12])
            self._route(modem, data, now_ms)
        return self.due(now_ms)

    def deadline(self) -> int | None:
        """When :meth:`due` has something next."""
        return self._queue[0][0] if self._queue else None

    def due(self, now_ms: int) -> list[Delivery]:
        """What modems give to their hosts by now."""
        out = []
        while self._queue and self._queue[0][0] <= now_ms:
            _, _, modem, data = heapq.heappop(self._queue)
            out.append(Delivery(modem, data))
        return out

    def _route(self, modem: Modem, data: bytes, now_ms: int) -> None:
        kind = mmtype_of(data)
        destination = data[:6]
        if is_local(destination, modem) or (kind in FOR_MODEMS and self._for_modems(destination)):
            self._to_modems(modem, data, kind, now_ms)
        elif kind in SLAC_TYPES:
            for other in self._modems:
                if self._hears_slac(modem, other, now_ms):
                    self._across(modem, other, data, now_ms, slac=True, sound=kind == _SOUND)
        else:
            for other in self._modems:
                if self.joined(modem, other, now_ms):
                    self._across(modem, other, data, now_ms)

    def _hears_slac(self, modem: Modem, other: Modem, now_ms: int) -> bool:
        return (
            other is not modem
            and other.hears(now_ms)
            and not (modem.is_car and other.is_car)
            and self.attenuation(modem, other) is not None
        )

    def _for_modems(self, destination: bytes) -> bool:
        return bool(destination[0] & 1) or any(each.mac == destination for each in self._modems)

    def _to_modems(self, modem: Modem, data: bytes, kind: int | None, now_ms: int) -> None:
        destination = data[:6]
        everybody = bool(destination[0] & 1)
        ours = everybody or is_local(destination, modem)
        if ours and not self._key_for_another(modem, data, kind, now_ms):
            before = modem.joining_until_ms
            for answer in modem.answer(data, now_ms, self.view(modem, now_ms)):
                self._put(modem, answer, now_ms)
            if modem.joining_until_ms > max(before, now_ms):
                self._pair(modem, now_ms)
        if is_local(destination, modem) or (everybody and kind not in _TO_ALL_STATIONS):
            return
        for other in self._modems:
            if (everybody or destination == other.mac) and self.joined(modem, other, now_ms):
                modem.count(sent=True)
                other.count(sent=False)
                for answer in other.answer(data, now_ms, self.view(other, now_ms), remote=True):
                    self._across(other, modem, answer, now_ms)

    def _key_for_another(self, modem: Modem, data: bytes, kind: int | None, now_ms: int) -> bool:
        # VS_SET_KEY for a station that is named with its device access key.
        if kind != q.VS_SET_KEY | REQ:
            return False
        try:
            request = parse_as(q.VsSetKeyReq, Frame.parse(data))
        except FrameError:
            return True
        if request.peks == q.PEKS_LOCAL:
            return False
        found = next((each for each in self._modems if each.mac == request.remote), None)
        done = (
            found is not None
            and found.hears(now_ms)
            and self.attenuation(modem, found) is not None
            and found.give_key(request.nmk, request.dak, now_ms)
        )
        self._put(modem, q.VsSetKeyCnf(0 if done else 1).frame(data[6:12], modem.mac), now_ms)
        return True

    def _pair(self, modem: Modem, now_ms: int) -> None:
        # The one whose button was pressed first gives its key.
        for other in self._modems:
            if (
                other is not modem
                and other.joining_until_ms > now_ms
                and other.hears(now_ms)
                and self.attenuation(modem, other) is not None
            ):
                modem.give_key(other.nmk, None, now_ms)
                other.joining_until_ms = 0
                return

    def _across(
        self, modem: Modem, other: Modem, data: bytes, now_ms: int, *, slac: bool = False, sound: bool = False
    ) -> None:
        modem.count(sent=True)
        for _ in range(1 + self._happens(self.options.duplicate)):
            if self._happens(self.options.loss):
                continue
            other.count(sent=False)
            at = now_ms + self.options.delay_ms + self._up_to(self.options.jitter_ms)
            if slac or other.takes(data[:6]):
                self._put(other, data, at)
            if sound and other.measures:
                self._profile(modem, other, data[6:12], at)

    def _profile(self, modem: Modem, other: Modem, ev_mac: bytes, at: int) -> None:
        how = other.options.profiles
        if how is Profiles.NONE:
            return
        heard = self.attenuation(modem, other) or b""
        groups = b"" if how is Profiles.EMPTY else heard
        if how is Profiles.VENDOR:
            vendors = q.VsAttenCharInd(ev_mac, CARRIERS_A_GROUP, groups)
            self._put(other, vendors.frame(_UNKNOWN, other.mac), at)
        self._put(other, AttenProfileInd(ev_mac, groups).frame(_UNKNOWN, other.mac), at)

    def _put(self, modem: Modem, data: bytes, at: int) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at, self._number, modem, data))

    def _happens(self, part: float) -> bool:
        return part > 0 and int.from_bytes(self._random(2), "big") < part * 0x10000

    def _up_to(self, most: int) -> int:
        return int.from_bytes(self._random(4), "big") % (most + 1) if most else 0
