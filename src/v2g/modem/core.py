"""One simulated modem: its settings and its answers. Pure.

What a real QCA7000 does is taken from captures of charging sessions and from what open-plc-utils expects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from v2g.homeplug import mmtypes
from v2g.homeplug import qualcomm as q
from v2g.homeplug.frame import LOCAL_MODEM, REQ, Frame, FrameError
from v2g.homeplug.keys import nid_of
from v2g.homeplug.message import Message, parse_as
from v2g.homeplug.network import (
    CmBrgInfoCnf,
    CmNwInfoCnf,
    CmNwStatsCnf,
    PublicNetwork,
    StationRate,
)
from v2g.homeplug.pib import CcoMode, PibImage, SlacMode
from v2g.homeplug.qualcomm_network import (
    VS_LNK_STATS,
    VS_NW_INFO,
    Direction,
    LnkStatsCnf,
    LnkStatsReq,
    Network,
    NwInfo0Cnf,
    NwInfo1Cnf,
    RxStats,
    TxStats,
)
from v2g.homeplug.slac import (
    EKS_NMK,
    KEY_TYPE_NMK,
    PID_HLE,
    AmpMapCnf,
    AmpMapReq,
    GetKeyCnf,
    GetKeyReq,
    SetKeyCnf,
    SetKeyReq,
)
from v2g.modem.modules import ModuleStore
from v2g.modem.options import BUTTON_MS, ModemOptions

MOST_HOSTS = 8
"""Addresses that a modem remembers of the hosts behind it."""
TAKEN, REFUSED = 1, 0
"""RESULT of CM_SET_KEY.CNF as Qualcomm's modems send it."""
_NO_PMN = 0xFF
_NONCE_BYTES = 4


@dataclass(frozen=True, slots=True)
class View:
    """What the line tells a modem about its network at this moment; None when it is alone."""

    network: Network | None


class Modem:
    """A modem with its parameters, its key and the addresses of its hosts."""

    def __init__(
        self,
        mac: bytes,
        options: ModemOptions,
        random_bytes: Callable[[int], bytes],
        *,
        pib: PibImage | None = None,
    ) -> None:
        """
        Args:
            mac: its Ethernet address.
            options: what it is.
            random_bytes: gives so many random bytes; the first key comes from it.
            pib: its parameters; without them they are those of a QCA7000 with the role of ``options``.

        Raises:
            FrameError: the address is none.
        """
        self.options = options
        self._random = random_bytes
        self._factory = pib or _parameters(mac, random_bytes(16), options)
        self.pib = PibImage(self._factory.pack())
        self._reject, self._lose = options.reject_keys, options.lose_keys
        self.hosts: dict[bytes, None] = {}
        self.tx, self.rx = TxStats(), RxStats()
        self.amplitudes = b""
        """The last amplitude map that its host gave it: half a byte a carrier."""
        self.deaf_until_ms = 0
        self.member_from_ms = 0
        self.joining_until_ms = 0
        self._modules = ModuleStore()
        self._take_key(random_bytes(16), None, 0)

    def __repr__(self) -> str:
        return f"<Modem {self.mac.hex(':').upper()}>"

    @property
    def mac(self) -> bytes:
        """Its Ethernet address."""
        return self.pib["mac"]

    @property
    def nmk(self) -> bytes:
        """Its network's key."""
        return self.pib["nmk"]

    @property
    def nid(self) -> bytes:
        """Its network's identifier."""
        return self.pib["nid"]

    @property
    def measures(self) -> bool:
        """Whether it tells its host about sounds: it is a charger's modem."""
        return self.pib.number("slac") == SlacMode.EVSE

    @property
    def is_car(self) -> bool:
        """Whether it is a car's modem."""
        return self.pib.number("slac") == SlacMode.PEV

    def hears(self, now_ms: int) -> bool:
        """Whether it does anything at this time."""
        return not self.options.dead and now_ms >= self.deaf_until_ms

    def learn(self, host: bytes) -> None:
        """Remember a host's address; of too many the first is forgotten."""
        if host not in self.hosts:
            if len(self.hosts) >= MOST_HOSTS:
                del self.hosts[next(iter(self.hosts))]
            self.hosts[host] = None

    def takes(self, destination: bytes) -> bool:
        """Whether a frame from the line is for a host behind it: broadcast, a known host, or nobody knows."""
        return bool(destination[0] & 1) or destination in self.hosts or not self.hosts

    def count(self, *, sent: bool) -> None:
        """Count a frame on the line."""
        if sent:
            self.tx = replace(self.tx, mpdu_acked=self.tx.mpdu_acked + 1, pb_passed=self.tx.pb_passed + 1)
        else:
            self.rx = replace(self.rx, mpdu_acked=self.rx.mpdu_acked + 1, pb_passed=self.rx.pb_passed + 1)

    def give_key(self, nmk: bytes, dak: bytes | None, now_ms: int) -> bool:
        """Another modem sets the key, if it knows the device access key."""
        if dak is not None and dak != self.pib["dak"]:
            return False
        self._take_key(nmk, None, now_ms)
        return True

    def restart(self, now_ms: int) -> None:
        """Start again: be deaf for a while, then join again."""
        self.deaf_until_ms = now_ms + self.options.boot_ms
        self.member_from_ms = self.deaf_until_ms + self.options.join_ms
        self.joining_until_ms = 0

    def answer(self, data: bytes, now_ms: int, view: View, *, remote: bool = False) -> list[bytes]:
        """The frames that answer a management message for the modem itself. Nonsense has none.

        Args:
            data: the frame.
            now_ms: monotonic milliseconds.
            view: the network at this moment.
            remote: it came over the line; then keys and settings are not told and not changed.
        """
        try:
            frame = Frame.parse(data)
            answer = _ANSWERS.get(frame.mmtype)
            if answer is None or (remote and frame.mmtype not in _FOR_ANYBODY):
                return []
            message = answer(self, frame, now_ms, view, remote)
            return [message.frame(frame.source, self.mac)] if message else []
        except FrameError:
            return []

    def _take_key(self, nmk: bytes, nid: bytes | None, now_ms: int) -> None:
        self.pib["nmk"] = nmk
        self.pib["nid"] = nid_of(nmk) if nid is None else nid
        self.member_from_ms = now_ms + self.options.join_ms
        self.joining_until_ms = 0

    def _set_key(self, frame: Frame, now_ms: int, _view: View, _remote: bool) -> Message | None:
        request = parse_as(SetKeyReq, frame)
        nonce = int.from_bytes(self._random(_NONCE_BYTES), "little")
        if self._reject:
            self._reject -= 1
            result = REFUSED
        elif self._lose:
            self._lose -= 1
            return None
        elif request.key_type == KEY_TYPE_NMK and request.new_eks == EKS_NMK:
            self._take_key(request.new_key, request.nid, now_ms)
            result = TAKEN
        else:
            result = REFUSED
        return SetKeyCnf(result, nonce, request.my_nonce, PID_HLE, 0, _NO_PMN, 0)

    def _get_key(self, frame: Frame, _now_ms: int, _view: View, remote: bool) -> Message:
        request = parse_as(GetKeyReq, frame)
        nonce = int.from_bytes(self._random(_NONCE_BYTES), "little")
        told = not remote and request.key_type == KEY_TYPE_NMK and request.nid == self.nid
        key, eks, pmn = (self.nmk, EKS_NMK, _NO_PMN) if told else (bytes(16), 0, 0)
        return GetKeyCnf(
            0 if told else 1,
            request.key_type,
            nonce,
            request.my_nonce,
            request.nid,
            eks,
            PID_HLE,
            0,
            pmn,
            key,
        )

    def _vs_set_key(self, frame: Frame, now_ms: int, _view: View, _remote: bool) -> Message:
        request = parse_as(q.VsSetKeyReq, frame)
        # A key for a remote station is the line's business; here it comes only when there is no such station.
        ours = request.peks == q.PEKS_LOCAL
        if ours:
            self._take_key(request.nmk, None, now_ms)
        return q.VsSetKeyCnf(0 if ours else 1)

    def _amplitudes(self, frame: Frame, _now_ms: int, _view: View, _remote: bool) -> Message:
        self.amplitudes = parse_as(AmpMapReq, frame).amplitudes
        return AmpMapCnf(0)

    def _button(self, frame: Frame, now_ms: int, view: View, _remote: bool) -> Message:
        action = parse_as(q.PbEncReq, frame).action
        if action == q.PushButton.JOIN:
            self.joining_until_ms = now_ms + BUTTON_MS
        elif action == q.PushButton.LEAVE:
            self._take_key(self._random(16), None, now_ms)
        elif action == q.PushButton.RESET:
            self._forget(now_ms)
        elif action != q.PushButton.STATUS:
            return q.PbEncCnf(1, 0)
        return q.PbEncCnf(0, int(view.network is not None))

    def _forget(self, now_ms: int) -> None:
        self.pib = PibImage(self._factory.pack())
        self._take_key(self._random(16), None, now_ms)
        self.restart(now_ms)

    def _version(self, frame: Frame, _now_ms: int, _view: View, _remote: bool) -> Message:
        parse_as(q.SwVerReq, frame)
        return q.SwVerCnf(0, q.DeviceClass.QCA7000, self.options.version, q.IDENT_QCA7000)

    def _attributes(self, frame: Frame, _now_ms: int, _view: View, _remote: bool) -> Message:
        request = parse_as(q.OpAttributesReq, frame)
        return q.OpAttributesCnf(
            0, request.cookie, "QCA7000", "MAC", (1, 2, 5, 0, 3207), "20180927", "SIM", memory_mb=0
        )

    def _reset(self, frame: Frame, now_ms: int, _view: View, _remote: bool) -> Message:
        parse_as(q.RsDevReq, frame)
        self.restart(now_ms)
        return q.RsDevCnf(0)

    def _defaults(self, frame: Frame, now_ms: int, _view: View, _remote: bool) -> Message:
        parse_as(q.FacDefaultsReq, frame)
        self._forget(now_ms)
        return q.FacDefaultsCnf(0)

    def _link_status(self, frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        parse_as(q.PlLnkStatusReq, frame)
        return q.PlLnkStatusCnf(0, int(view.network is not None))

    def _network(self, frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        networks = (view.network,) if view.network else ()
        return NwInfo1Cnf(networks) if frame.mmv else NwInfo0Cnf(networks)

    def _public_network(self, _frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        n = view.network
        return CmNwInfoCnf((PublicNetwork(n.nid, n.snid, n.tei, n.role, n.cco_mac),) if n else ())

    def _rates(self, _frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        stations = view.network.stations if view.network else ()
        return CmNwStatsCnf(tuple(StationRate(each.mac, each.tx_mbps, each.rx_mbps) for each in stations))

    def _bridged(self, _frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        return CmBrgInfoCnf(view.network.tei if view.network else 0, tuple(self.hosts))

    def _statistics(self, frame: Frame, _now_ms: int, view: View, _remote: bool) -> Message:
        request = parse_as(LnkStatsReq, frame)
        tei = view.network.tei if view.network else 0
        if request.direction not in tuple(Direction) or request.control > 2:
            return LnkStatsCnf(1, request.direction, request.link, tei)
        tx = self.tx if request.direction != Direction.RX else None
        rx = self.rx if request.direction != Direction.TX else None
        if request.control:
            self.tx, self.rx = TxStats(), RxStats()
        return LnkStatsCnf(0, request.direction, request.link, tei, tx, rx)

    def _module(self, frame: Frame, now_ms: int, _view: View, _remote: bool) -> Message:
        done = self._modules.answer(frame, self.pib)
        if done.image:
            self.pib = done.image
            self.member_from_ms = now_ms + self.options.join_ms
            if done.factory:
                self._factory = PibImage(done.image.pack())
        if done.restart:
            self.restart(now_ms)
        return done.answer


Answer = Callable[[Modem, Frame, int, View, bool], Message | None]
# What a modem answers, by MMTYPE.
_ANSWERS: dict[int, Answer] = {
    mmtypes.CM_SET_KEY | REQ: Modem._set_key,
    mmtypes.CM_GET_KEY | REQ: Modem._get_key,
    mmtypes.CM_AMP_MAP | REQ: Modem._amplitudes,
    mmtypes.CM_NW_INFO | REQ: Modem._public_network,
    mmtypes.CM_NW_STATS | REQ: Modem._rates,
    mmtypes.CM_BRG_INFO | REQ: Modem._bridged,
    q.MS_PB_ENC | REQ: Modem._button,
    q.VS_SW_VER | REQ: Modem._version,
    q.VS_RS_DEV | REQ: Modem._reset,
    q.VS_SET_KEY | REQ: Modem._vs_set_key,
    q.VS_OP_ATTRIBUTES | REQ: Modem._attributes,
    q.VS_FAC_DEFAULTS | REQ: Modem._defaults,
    q.VS_PL_LNK_STATUS | REQ: Modem._link_status,
    VS_NW_INFO | REQ: Modem._network,
    VS_LNK_STATS | REQ: Modem._statistics,
    **dict.fromkeys(ModuleStore.TYPES, Modem._module),
}
FOR_MODEMS = frozenset(_ANSWERS)
"""MMTYPEs that a modem takes for itself."""
_FOR_ANYBODY = frozenset(
    (
        mmtypes.CM_GET_KEY | REQ,
        mmtypes.CM_NW_INFO | REQ,
        mmtypes.CM_NW_STATS | REQ,
        mmtypes.CM_BRG_INFO | REQ,
        q.VS_SW_VER | REQ,
        q.VS_OP_ATTRIBUTES | REQ,
        q.VS_PL_LNK_STATUS | REQ,
        VS_NW_INFO | REQ,
        VS_LNK_STATS | REQ,
    )
)


def is_local(destination: bytes, modem: Modem) -> bool:
    """Whether a frame is for this modem alone."""
    return destination in (LOCAL_MODEM, modem.mac)


def _parameters(mac: bytes, dak: bytes, options: ModemOptions) -> PibImage:
    image = PibImage.blank(mac, user="simulated modem", manufacturer="v2g")
    image["dak"] = dak
    image.set_number("slac", options.role)
    image.set_number("cco", CcoMode.ALWAYS if options.role == SlacMode.EVSE else CcoMode.NEVER)
    image.set_number("fast_associate", 1)
    image.set_number("low_speed", 10240)
    image.set_number("high_speed", 102400)
    return image
