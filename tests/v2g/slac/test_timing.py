"""Both sides act within the performance times of the standard."""

from __future__ import annotations

from tests.v2g.slac.pair import pair
from tests.v2g.slac.rig import LINE_MS
from v2g.homeplug.frame import Frame
from v2g.homeplug.slac import (
    AttenCharInd,
    AttenCharRsp,
    MnbcSoundInd,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    message_of,
)
from v2g.slac import timing
from v2g.slac.effects import SendFrame


def times(station):
    first: dict[type, int] = {}
    for when, effect in station.done:
        if isinstance(effect, SendFrame):
            first.setdefault(type(message_of(Frame.parse(effect.data))), when)
    return first


def test_performance_times_are_kept():
    both = pair().start()
    car, charger = times(both.ev), times(both.evse)
    way = 2 * LINE_MS
    plugged = 50
    assert car[SlacParmReq] - plugged <= timing.TP_EV_SLAC_INIT_MS
    assert charger[SlacParmCnf] - car[SlacParmReq] <= timing.TP_MATCH_RESPONSE_MS
    assert car[StartAttenCharInd] - charger[SlacParmCnf] - way <= timing.TP_MATCH_SEQUENCE_MS
    last_sound = max(
        when
        for when, effect in both.ev.done
        if isinstance(effect, SendFrame) and isinstance(message_of(Frame.parse(effect.data)), MnbcSoundInd)
    )
    assert charger[AttenCharInd] - last_sound - way <= timing.TP_EVSE_AVG_ATTEN_CALC_MS
    assert car[AttenCharRsp] - charger[AttenCharInd] - way <= timing.TP_MATCH_SEQUENCE_MS
    assert car[SlacMatchReq] - car[AttenCharRsp] <= timing.TP_EV_MATCH_SESSION_MS
    assert charger[SlacMatchCnf] - car[SlacMatchReq] - way <= timing.TP_MATCH_RESPONSE_MS


def test_a_charger_without_profiles_is_as_quick():
    both = pair()
    both.evse.modem.profile = None
    both.start()
    car, charger = times(both.ev), times(both.evse)
    sounds = timing.C_EV_START_ATTEN_CHAR_INDS + timing.C_EV_MATCH_MNBC - 1
    last_sound = car[StartAttenCharInd] + sounds * timing.TP_EV_BATCH_MSG_INTERVAL_MS
    assert charger[AttenCharInd] - last_sound <= timing.TP_EVSE_AVG_ATTEN_CALC_MS


def test_waits_are_longer_than_what_the_other_side_may_take():
    assert timing.TT_MATCH_RESPONSE_MS > timing.TP_MATCH_RESPONSE_MS
    assert timing.TT_MATCH_SEQUENCE_MS > timing.TP_MATCH_SEQUENCE_MS
    assert timing.TT_AMP_MAP_EXCHANGE_MS > timing.TP_AMP_MAP_EXCHANGE_MS
    assert timing.TT_EVSE_MATCH_SESSION_MS > timing.TP_EV_MATCH_SESSION_MS
    assert timing.TT_EVSE_SLAC_INIT_MS > timing.TP_EV_SLAC_INIT_MS
    assert timing.TT_EV_ATTEN_RESULTS_MS > timing.TT_EVSE_MATCH_MNBC_MS + timing.TP_EVSE_AVG_ATTEN_CALC_MS
    assert timing.PROFILE_GRACE_MS < timing.TP_EVSE_AVG_ATTEN_CALC_MS
    toggles = 2 * timing.C_EV_VALD_NB_TOGGLES * timing.TP_EV_VALD_STATE_DURATION_MS
    assert (
        timing.TP_MATCH_SEQUENCE_MS + toggles <= timing.TP_EV_VALD_TOGGLE_MS <= timing.TT_EVSE_VALD_TOGGLE_MS
    )
