"""Parts that both charge loops have: EVSEStatus, meter information, what the EV displays."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment
from v2g.common.values import number_or_none
from v2g.secc.direct import WISH_PATIENCE_MS
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import terms
from v2g.secc.session import Session
from v2g.secc.station import MeterReading
from v2gexi import iso20_common as common

LOOP: Final = "ChargeLoop"
"""Name of the state, and of what goes on in it."""
PAUSE_DELAY_S: Final = 60
"""In dynamic mode an EV has this long to follow a wish to pause ([V2G20-1850])."""
_ENDING: Final = "end of the charge loop"
_LONGEST_METER_ID: Final = 32
_LONGEST_SIGNATURE: Final = 64


def enter(session: Session) -> None:
    """The first request of a charge loop has come."""
    if LOOP not in session.ongoing_since_ms:
        session.checkpoint(700)
        session.reached(Milestone.CURRENT_DEMAND_STARTED)
    session.ongoing_ms(LOOP)


def go_on(session: Session) -> bool:
    """Whether the loop is to go on at all; False: the EV was asked to end and does not.

    A loop whose power is off for an error or a pilot in state B has to end, even if the reason goes away."""
    agreed = terms(session)
    if session.error is not None:
        session.want_contactor(False)
    if session.stop_wanted or not session.contactor:
        if not agreed.terminate:
            session.checkpoint(790)
        agreed.terminate = True
    elif agreed.terminate and not session.station.stop:
        # The wish to stop was taken back while power was on all the time.
        agreed.terminate = False
    if not agreed.terminate:
        session.finished(_ENDING)
        return True
    if session.ongoing_ms(_ENDING) < session.setup.notification_max_delay_s * 1000 + WISH_PATIENCE_MS:
        return True
    session.log("the EV does not end the charge loop")
    return False


def evse_status(session: Session) -> common.EVSEStatusType | None:
    """``EVSEStatus``: what the EV is asked to do, the most urgent of it; None: to go on."""
    station, agreed = session.station, terms(session)
    delay = session.setup.notification_max_delay_s
    wish: common.evseNotificationType
    if session.stop_wanted or agreed.terminate:
        wish = "Terminate"
    elif station.pause and session.setup.pause:
        wish = "Pause"
        delay = max(delay, PAUSE_DELAY_S) if agreed.dynamic else delay
    elif station.renegotiate_service and session.setup.service_renegotiation:
        wish = "ServiceRenegotiation"
    elif station.renegotiate:
        wish = "ScheduleRenegotiation"
    elif station.receipt_required and session.payment is Payment.CONTRACT and agreed.metered is not None:
        wish = "MeteringConfirmation"
    else:
        return None
    return common.EVSEStatusType(NotificationMaxDelay=delay, EVSENotification=wish)


def meter_info(session: Session, requested: bool) -> common.MeterInfoType | None:
    """The reading, if the EV asks for it or has to sign it."""
    station = session.station
    wanted = requested or (station.receipt_required and session.payment is Payment.CONTRACT)
    if station.meter is None or not wanted:
        return None
    info = _info(station.meter)
    terms(session).metered = info
    return info


def _info(reading: MeterReading) -> common.MeterInfoType:
    signature, back = reading.signature, reading.discharged_wh
    return common.MeterInfoType(
        MeterID=reading.meter_id[:_LONGEST_METER_ID],
        ChargedEnergyReadingWh=max(reading.reading_wh, 0),
        BPT_DischargedEnergyReadingWh=None if back is None else max(back, 0),
        MeterSignature=signature if signature and len(signature) <= _LONGEST_SIGNATURE else None,
        MeterStatus=reading.status,
        MeterTimestamp=reading.unix_s,
    )


def hear_display(session: Session, display: Any) -> None:
    """Tell what an EV's ``DisplayParameters`` say."""
    if display is None:
        return
    session.told(EvFact.SOC, display.PresentSOC)
    session.told(EvFact.MINIMUM_SOC, display.MinimumSOC)
    session.told(EvFact.TARGET_SOC, display.TargetSOC)
    session.told(EvFact.DC_FULL_SOC, display.MaximumSOC)
    session.told(EvFact.DC_CHARGING_COMPLETE, display.ChargingComplete)
    session.told(EvFact.DC_ENERGY_CAPACITY_WH, number_or_none(display.BatteryEnergyCapacity))
    full, bulk = display.RemainingTimeToMaximumSOC, display.RemainingTimeToTargetSOC
    if full is not None or bulk is not None:
        session.told(EvFact.DC_REMAINING_TIME, {"full_s": full, "bulk_s": bulk})


def silence_ms(session: Session) -> int:
    """How long the EV may be silent after a response of the charge loop."""
    wanted = session.setup.charge_loop_silence_ms
    times = session.protocol.times
    return wanted if wanted is not None else times.secc_loop_sequence_ms or times.secc_sequence_ms
