"""A car's and a charger's matching through simulated modems, in virtual time."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest

from tests.v2g.modem.rig import modem
from v2g.homeplug.frame import LOCAL_MODEM, Frame, address_of
from v2g.homeplug.keys import nid_of
from v2g.homeplug.message import parse_as
from v2g.homeplug.pib import SlacMode
from v2g.homeplug.qualcomm import PlLnkStatusCnf, PlLnkStatusReq
from v2g.modem.line import Powerline
from v2g.modem.options import LineOptions, Profiles, sloping
from v2g.slac.effects import AskLinkStatus, DLinkReady, Failed, Matched, ModemReady, SendFrame
from v2g.slac.ev import EvSlac
from v2g.slac.ev_attempt import EvConfig
from v2g.slac.events import Command, FrameReceived, LinkStatus, PilotState, Tick
from v2g.slac.evse import EvseSlac
from v2g.slac.listen import Listener, Overheard
from v2g.slac.matching import EvseConfig

EVS = [address_of("02:00:00:00:00:01"), address_of("02:00:00:00:00:03")]
EVSES = [address_of("02:00:00:00:00:02"), address_of("02:00:00:00:00:04")]


class Host:
    """A core, its modem, and what it did: (milliseconds, effect)."""

    def __init__(self, core, mac, its_modem):
        self.core, self.mac, self.modem = core, mac, its_modem
        self.done = []

    def all(self, kind):
        return [effect for _, effect in self.done if isinstance(effect, kind)]

    def ready(self):
        links = self.all(DLinkReady)
        return bool(links) and links[-1].ready


class Desk:
    def __init__(self, line=None, *, pairs=1, ev=None, evse=None, seed=0):
        self.now = 0
        self.line = Powerline(random.Random(1).randbytes, line or LineOptions())
        self.evs = [
            self._host(
                EvSlac(EvConfig(mac), random.Random(f"ev {at} {seed}").randbytes),
                mac,
                2 * at + 1,
                SlacMode.PEV,
                ev,
            )
            for at, mac in enumerate(EVS[:pairs])
        ]
        self.evses = [
            self._host(
                EvseSlac(EvseConfig(mac), random.Random(f"evse {at} {seed}").randbytes),
                mac,
                2 * at + 2,
                SlacMode.EVSE,
                evse,
            )
            for at, mac in enumerate(EVSES[:pairs])
        ]
        self.hosts = {id(each.modem): each for each in (*self.evs, *self.evses)}
        self.events = []
        self.numbers = itertools.count()

    def _host(self, core, mac, number, role, options):
        return Host(core, mac, self.line.attach(modem(number, role, **(options or {}))))

    def start(self):
        for host in self.hosts.values():
            self.handle(host, Command.START)
        self.run(2000)
        for host in (*self.evs, *self.evses):
            self.handle(host, PilotState("B"))
        return self

    def handle(self, host, event):
        for effect in host.core.handle(event, self.now):
            host.done.append((self.now, effect))
            if isinstance(effect, SendFrame):
                self.give(self.line.from_host(host.modem, effect.data, self.now))
            elif isinstance(effect, AskLinkStatus):
                question = PlLnkStatusReq().frame(LOCAL_MODEM, host.mac)
                self.give(self.line.from_host(host.modem, question, self.now))

    def give(self, deliveries):
        # Through a queue: a core is not called while it is called.
        for each in deliveries:
            heapq.heappush(self.events, (self.now + 1, next(self.numbers), id(each.modem), each.data))

    def run(self, until):
        while True:
            dues = [(host.core.deadline(), host) for host in self.hosts.values()]
            dues = [(due, host) for due, host in dues if due is not None]
            times = [due for due, _ in dues] + ([self.events[0][0]] if self.events else [])
            if (at := self.line.deadline()) is not None:
                times.append(at)
            if not times or min(times) > until:
                self.now = until
                return self
            self.now = max(self.now, min(times))
            self.give(self.line.due(self.now))
            while self.events and self.events[0][0] <= self.now:
                _, _, key, data = heapq.heappop(self.events)
                host = self.hosts[key]
                frame = Frame.parse(data)
                if frame.mmtype == PlLnkStatusCnf.MMTYPE:
                    self.handle(host, LinkStatus(bool(parse_as(PlLnkStatusCnf, frame).link)))
                else:
                    self.handle(host, FrameReceived(data))
            for due, host in dues:
                if due <= self.now:
                    self.handle(host, Tick())


def _matched(desk, at=0):
    (match,) = desk.evs[at].all(Matched)
    assert (match.ev_mac, match.evse_mac) == (EVS[at], EVSES[at])
    assert desk.evs[at].modem.nmk == desk.evses[at].modem.nmk == match.nmk
    assert desk.evs[at].modem.nid == match.nid == nid_of(match.nmk)
    assert desk.evs[at].ready()
    assert desk.evses[at].ready()
    return match


@pytest.mark.spec(345)
def test_match_with_a_random_key_each_time():
    # The modems answer CM_SET_KEY with 1, which the standard calls a rejection.
    keys = set()
    for seed in range(3):
        desk = Desk(seed=seed).start().run(8000)
        keys.add(_matched(desk).nmk)
        assert desk.line.joined(desk.evs[0].modem, desk.evses[0].modem, desk.now)
    assert len(keys) == 3


@pytest.mark.spec(349)
def test_a_listener_joins_the_network():
    desk = Desk()
    mac = address_of("02:00:00:00:00:09")
    core = Listener(mac, random.Random(9).randbytes)
    listener = desk._host(core, mac, 9, SlacMode.OFF, None)
    desk.hosts[id(listener.modem)] = listener
    desk.start().run(10_000)
    match = _matched(desk)
    (overheard,) = listener.all(Overheard)
    assert (overheard.run.ev_mac, overheard.run.evse_mac) == (match.ev_mac, match.evse_mac)
    assert (listener.modem.nid, listener.modem.nmk) == (match.nid, match.nmk)
    assert desk.line.joined(listener.modem, desk.evs[0].modem, desk.now)


@pytest.mark.parametrize("profiles", [Profiles.EMPTY, Profiles.NONE, Profiles.VENDOR])
@pytest.mark.spec(347)
def test_a_charger_whose_modem_does_not_measure_matches_all_the_same(profiles):
    _matched(Desk(evse={"profiles": profiles}).start().run(10_000))


@pytest.mark.parametrize(
    "options", [{"reject_keys": 1}, {"lose_keys": 1}, {"reject_keys": 1, "lose_keys": 1}]
)
def test_keys_that_are_rejected_or_lost_are_set_again(options):
    _matched(Desk(evse=options).start().run(10_000))
    _matched(Desk(ev=options).start().run(10_000))


@pytest.mark.spec(64)
def test_a_charger_is_ready_only_when_its_modem_took_the_key():
    desk = Desk(evse={"dead": True}).start().run(30_000)
    assert not any(effect.ready for effect in desk.evses[0].all(ModemReady))
    assert desk.evses[0].all(Failed)
    slow = Desk(evse={"lose_keys": 1}).start().run(10_000)
    first = next(at for at, effect in slow.evses[0].done if isinstance(effect, ModemReady) and effect.ready)
    sent = [at for at, effect in slow.evses[0].done if isinstance(effect, SendFrame)]
    assert sent[1] <= first


def test_two_pairs_beside_each_other_are_told_apart():
    desk = Desk(pairs=2)
    for ev in (0, 1):
        desk.line.attenuate(desk.evs[ev].modem, desk.evses[1 - ev].modem, sloping(45))
    desk.start().run(10_000)
    assert _matched(desk, 0).nmk != _matched(desk, 1).nmk


@pytest.mark.parametrize("seed", range(5))
def test_a_lossy_line(seed):
    desk = Desk(LineOptions(loss=0.1, duplicate=0.1, delay_ms=2, jitter_ms=5))
    desk.line._random = random.Random(seed).randbytes
    _matched(desk.start().run(60_000))
