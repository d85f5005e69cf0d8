"""Parts that several ISO 15118-2 messages have: what is on offer, the EVSE's status, the meter, the EV's."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode, Payment
from v2g.common.values import physical
from v2g.secc.protocol import Reply
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, notification
from v2g.secc.station import MeterReading, StationError
from v2gexi import iso2

CERTIFICATE_SERVICE: Final = 2
"""Service id of certificate installation and update (ISO 15118-2:2014 table 105)."""
CHARGE_SERVICE: Final = 1
"""Service id of charging."""

_MODES: Final[dict[EnergyMode, iso2.EnergyTransferModeType]] = {
    EnergyMode.AC_SINGLE_PHASE: "AC_single_phase_core",
    EnergyMode.AC_THREE_PHASE: "AC_three_phase_core",
    EnergyMode.DC_CORE: "DC_core",
    EnergyMode.DC_EXTENDED: "DC_extended",
    EnergyMode.DC_COMBO_CORE: "DC_combo_core",
    EnergyMode.DC_UNIQUE: "DC_unique",
    EnergyMode.DC: "DC_extended",
}


def offered_modes(session: Session) -> dict[iso2.EnergyTransferModeType, EnergyMode]:
    """Energy transfer modes on offer, by ISO 15118-2's names; of a session that is resumed only its own."""
    resumed = session.agreed.get("mode")
    modes = session.setup.energy_modes if resumed is None else (resumed,)
    offered: dict[iso2.EnergyTransferModeType, EnergyMode] = {}
    for mode in modes:
        if mode in _MODES:
            offered.setdefault(_MODES[mode], mode)
    return offered


def offered_payments(session: Session) -> list[Payment]:
    """Ways to pay on offer; contracts need TLS (ISO 15118-2:2014 table 5) and roots to check them against.

    Of a session that is resumed only its own."""
    resumed = session.agreed.get("payment")
    payments = session.setup.payments if resumed is None else (resumed,)
    contracts = session.tls and session.station.trust is not None
    return [payment for payment in payments if contracts or payment is not Payment.CONTRACT]


def certificates_offered(session: Session) -> bool:
    """Whether certificate installation and update are on offer."""
    return session.setup.certificate_service and Payment.CONTRACT in offered_payments(session)


def takes_dc(session: Session) -> bool:
    """Whether the session is one of direct current; until the EV says so, as the first mode on offer."""
    mode = session.mode or next(iter(offered_modes(session).values()), EnergyMode.DC_EXTENDED)
    return mode.dc


def ac_status(session: Session) -> Any:
    """``AC_EVSEStatus``."""
    return iso2.AC_EVSEStatusType(
        NotificationMaxDelay=session.setup.notification_max_delay_s,
        EVSENotification=notification(session, iso2),
        RCD=session.station.rcd_tripped or session.station.error is StationError.RCD,
    )


def evse_status(session: Session, code: iso2.DC_EVSEStatusCodeType = "EVSE_Ready") -> Any:
    """The status element of messages that AC and DC share; ``code`` is for DC."""
    return dc_status(session, iso2, code) if takes_dc(session) else ac_status(session)


def meter_info(reading: MeterReading | None) -> Any:
    """``MeterInfo``; None without a meter."""
    if reading is None:
        return None
    return iso2.MeterInfoType(
        MeterID=reading.meter_id[:32],
        MeterReading=max(reading.reading_wh, 0),
        SigMeterReading=reading.signature[:64] if reading.signature is not None else None,
        MeterStatus=reading.status,
        TMeter=reading.unix_s,
    )


def loop_reply(session: Session, response: Any, state: str) -> Reply:
    """A response of the charge loop, which is ``state``; with a contract, a receipt may be wanted first."""
    receipt = (
        session.payment is Payment.CONTRACT
        and session.station.receipt_required
        and session.station.meter is not None
    )
    response.ReceiptRequired = receipt
    if receipt:
        session.agreed["meter"] = response.MeterInfo
    return Reply(response, "WaitForMeteringReceipt" if receipt else state)


def volts(value: float) -> Any:
    """A voltage."""
    return physical(iso2, "V", value)


def amperes(value: float) -> Any:
    """A current."""
    return physical(iso2, "A", value)


def watts(value: float) -> Any:
    """A power."""
    return physical(iso2, "W", value)
