"""A modem that loses or rejects keys, knows no profiles, or loses the link."""

from __future__ import annotations

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, pair
from tests.v2g.slac.rig import random_bytes
from v2g.homeplug.frame import Frame
from v2g.homeplug.qualcomm import VsAttenCharInd
from v2g.homeplug.slac import GROUPS, AttenCharInd, AttenProfileInd, SetKeyCnf, SetKeyReq, message_of
from v2g.slac import timing
from v2g.slac.effects import DLinkReady, Failed, Matched, ModemReady, Reason
from v2g.slac.ev import EvPhase
from v2g.slac.events import Command, FrameReceived, LinkStatus
from v2g.slac.evse import EvseSlac, Phase
from v2g.slac.keying import STANDARD_SUCCESS, Keying, KeySetter
from v2g.slac.matching import EvseConfig

MODEM = bytes.fromhex("00b052000009")
OTHER = bytes.fromhex("0200000000aa")


def told(both):
    return next(m for m in both.evse.sent() if isinstance(m, AttenCharInd))


@pytest.mark.spec(345)
@pytest.mark.parametrize("results", [[None], [0], [0, 0], [None, 0], [0, None], [2, 0]])
def test_a_key_that_is_lost_or_rejected_is_sent_again(results):
    both = pair()
    both.evse.modem.results = list(results)
    both.ev.modem.results = list(results)
    both.start(30_000)
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED
    keys = [m for m in both.evse.sent() if isinstance(m, SetKeyReq)]
    assert len(keys) == len(results) + 1
    assert len({key.new_key for key in keys}) == 1
    assert len({key.my_nonce for key in keys}) == len(keys)


@pytest.mark.parametrize("answer", [None, 0])
def test_a_charger_says_that_it_is_not_ready_and_goes_on_trying(answer):
    both = pair()
    both.evse.modem.results = [answer] * 3
    both.line.tell(both.evse, Command.START)
    both.line.run(timing.SET_KEY_LATER_MS)
    assert both.evse.of(ModemReady) == [ModemReady(False)]
    assert both.evse.of(Failed) == [Failed(Reason.MODEM, final=False)]
    assert len(both.evse.sent()) == timing.SET_KEY_ATTEMPTS
    both.line.run(2 * timing.SET_KEY_LATER_MS)
    assert both.evse.of(ModemReady)[-1] == ModemReady(True)


def test_a_modem_that_never_takes_a_key_costs_little():
    both = pair()
    both.evse.modem.results = [None] * 1_000
    both.line.tell(both.evse, Command.START)
    both.line.run(600_000)
    assert len(both.evse.sent()) < 150


def test_a_car_whose_modem_takes_no_key_tries_the_whole_again_and_gives_up():
    both = pair()
    both.ev.modem.results = [None] * 100
    both.start(200_000)
    assert both.ev.of(Failed)[0] == Failed(Reason.MODEM, final=False)
    assert both.ev.of(Failed)[-1] == Failed(Reason.MODEM, final=True)
    assert both.ev.of(Matched) == []
    assert both.ev.core.phase is EvPhase.UNMATCHED
    assert both.evse.of(Matched) == []
    assert Failed(Reason.NO_LINK, final=False) in both.evse.of(Failed) or Failed(
        Reason.REPLACED, final=False
    ) in both.evse.of(Failed)


def test_modems_that_follow_the_standard():
    keys = KeySetter(EVSE_MAC, random_bytes("keys"), success=STANDARD_SUCCESS)
    keys.begin_random(0)
    keys.confirmed(SetKeyCnf(1, 0, keys._nonce, 4, 0, 0, 0), MODEM, 1)
    assert keys.state is Keying.WAITING
    keys.confirmed(SetKeyCnf(0, 0, keys._nonce, 4, 0, 0, 0), MODEM, 2)
    assert keys.state is Keying.SET


def test_a_late_confirmation_of_another_key_is_ignored():
    keys = KeySetter(EVSE_MAC, random_bytes("keys"))
    keys.begin_random(0)
    old = keys._nonce
    keys.begin_random(10)
    keys.confirmed(SetKeyCnf(1, 0, old, 4, 0, 0, 0), MODEM, 20)
    assert keys.state is Keying.WAITING
    keys.confirmed(SetKeyCnf(1, keys._nonce, 0, 4, 0, 0, 0), MODEM, 30)
    assert keys.state is Keying.SET


@pytest.mark.spec(347)
@pytest.mark.parametrize("profile", [None, b"", bytes(GROUPS), bytes(20)])
def test_plausible_attenuation_for_a_modem_without_profiles(profile):
    both = pair()
    both.evse.modem.profile = profile
    both.start()
    message = told(both)
    assert len(message.attenuation) == GROUPS
    assert all(0 < value <= timing.C_EV_MATCH_SIGNALATTN_DIRECT_DB for value in message.attenuation)
    assert message.num_sounds == 10
    assert both.ev.core.phase is EvPhase.MATCHED


@pytest.mark.spec(347)
def test_plausible_attenuation_can_be_switched_off():
    both = pair(evse_config={"plausible_attenuation": False})
    both.evse.modem.profile = None
    both.start(8_000)
    assert not [m for m in both.evse.sent() if isinstance(m, AttenCharInd)]
    assert both.evse.of(Failed)[0] == Failed(Reason.NO_PROFILE, final=False)
    assert both.ev.of(Failed)[-1] == Failed(Reason.NO_ATTEN_CHAR, final=True)


def test_profiles_are_averaged_group_by_group():
    both = pair(indirect_db=100)
    profiles = [bytes((sound * 10 + group) % 40 for group in range(GROUPS)) for sound in range(10)]
    both.evse.modem.profiles = list(profiles)
    both.start()
    message = told(both)
    expected = [int(sum(profile[group] for profile in profiles) / 10 + 0.5) for group in range(GROUPS)]
    assert list(message.attenuation) == expected
    assert message.num_sounds == 10


def test_attenuation_of_the_charger_itself_is_taken_off():
    both = pair(evse_config={"attenuation_correction_db": 4}).start()
    assert told(both).attenuation == bytes((5,)) * GROUPS


def test_a_lost_link_is_matched_anew():
    both = pair().start()
    first = both.evse.modem.nmk
    both.ev.modem.nmk = b"another network"
    both.line.run(60_000)
    for station in (both.evse, both.ev):
        assert station.of(Failed)[0] in (
            Failed(Reason.LINK_LOST, final=False),
            Failed(Reason.REPLACED, final=False),
        ) or DLinkReady(False) in station.of(DLinkReady)
        assert station.of(DLinkReady) == [DLinkReady(True), DLinkReady(False), DLinkReady(True)]
    assert both.evse.modem.nmk == both.ev.modem.nmk != first
    lost = next(when for when, effect in both.ev.done if effect == DLinkReady(False))
    back = [when for when, effect in both.ev.done if effect == DLinkReady(True)][-1]
    assert back - lost < timing.T_CONN_RESETUP_MS


def test_a_short_weakness_is_no_loss():
    both = pair().start()
    key = both.ev.modem.nmk
    both.ev.modem.nmk = b"noise"
    both.line.run(both.line.now + (timing.LINK_LOSSES - 1) * timing.LINK_POLL_MATCHED_MS - 100)
    both.ev.modem.nmk = key
    both.line.run(60_000)
    assert both.ev.of(DLinkReady) == both.evse.of(DLinkReady) == [DLinkReady(True)]


def test_a_link_that_never_comes_up():
    both = pair()
    # Modems that take the key and never say that they are joined.
    both.line.modems_tell = False
    both.start(300_000)
    assert both.evse.of(Failed)[0] == Failed(Reason.NO_LINK, final=False)
    failed = both.ev.of(Failed)
    assert failed[0].reason is Reason.NO_LINK
    assert failed[-1].final
    assert both.evse.of(DLinkReady) == both.ev.of(DLinkReady) == []
    times = [when for when, effect in both.evse.done if isinstance(effect, Failed)]
    assert times[0] < 600 + timing.TT_MATCH_JOIN_MS + 50


def test_a_modem_that_dies_is_a_lost_link():
    both = pair().start()
    both.line.modems_tell = False
    both.line.run(both.line.now + 5_000)
    assert DLinkReady(False) in both.evse.of(DLinkReady)
    assert Failed(Reason.LINK_LOST, final=False) in both.ev.of(Failed)


def test_confirmations_from_nowhere_do_nothing():
    core = EvseSlac(EvseConfig(EVSE_MAC), random_bytes("evse"))
    confirm = FrameReceived(SetKeyCnf(1, 0, 0, 4, 0, 0, 0).frame(EVSE_MAC, EV_MAC))
    assert core.handle(confirm, 0) == []
    core.handle(Command.START, 1)
    assert core.handle(confirm, 2) == []
    assert core.phase is Phase.KEYING


@pytest.mark.parametrize("source", [OTHER, EV_MAC])
def test_only_the_own_modem_says_how_sounds_were_heard(source):
    both = pair()
    forged = AttenProfileInd(EV_MAC, bytes((1,)) * GROUPS).frame(EVSE_MAC, source)
    vendors = VsAttenCharInd(EV_MAC, 16, bytes((1,)) * GROUPS).frame(EVSE_MAC, source)
    for when in range(0, 5_000, 7):
        both.line.at(when, both.evse, FrameReceived(forged))
        both.line.at(when, both.evse, FrameReceived(vendors))
    both.start()
    assert told(both).attenuation == bytes((9,)) * GROUPS
    assert told(both).num_sounds == 10


class VendorsProfiles:
    """Makes each CM_ATTEN_PROFILE.IND of a charger's modem a VS_ATTEN_CHAR.IND, or sends both."""

    def __init__(self, both, beside):
        self._both, self._beside = both, beside
        self._handle = both.evse.core.handle
        both.evse.core.handle = self

    def __call__(self, event, now):
        if not isinstance(event, FrameReceived):
            return self._handle(event, now)
        frame = Frame.parse(event.data)
        profile = message_of(frame)
        if not isinstance(profile, AttenProfileInd):
            return self._handle(event, now)
        vendors = VsAttenCharInd(profile.ev_mac, 16, bytes((7,)) * GROUPS)
        effects = self._handle(FrameReceived(vendors.frame(EVSE_MAC, frame.source)), now)
        return effects + (self._handle(event, now) if self._beside else [])


@pytest.mark.spec(347)
@pytest.mark.parametrize(("beside", "db"), [(False, 7), (True, 9)])
def test_the_vendors_own_profiles_count_when_there_are_no_others(beside, db):
    both = pair()
    VendorsProfiles(both, beside)
    both.start()
    # Not the plausible 9 dB of a modem that tells nothing, and no sound twice.
    assert told(both).attenuation == bytes((db,)) * GROUPS
    assert told(both).num_sounds == 10
    assert both.ev.core.phase is EvPhase.MATCHED


def test_answers_about_the_link_that_nobody_asked_for_are_not_counted():
    both = pair().start()
    both.line.run(both.line.now + 500)
    for _ in range(timing.LINK_LOSSES):
        both.line.at(both.line.now, both.evse, LinkStatus(False))
    both.line.run(both.line.now + 5_000)
    assert both.evse.of(DLinkReady) == [DLinkReady(True)]
