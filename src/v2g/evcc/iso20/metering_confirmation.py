"""MeteringConfirmation: the EV signs a meter reading (Plug & Charge)."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.contract import SigningKey
from v2g.evcc.iso20.terms import ID, chosen, header, terms
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso20_common as common
from v2gexi import v2gtp


def _ask(session: Session) -> Any:
    agreed = terms(session)
    if agreed.receipt is None:
        return Go("ChargeLoop")
    meter, receipt = agreed.receipt
    session.sign_with = SigningKey.CONTRACT
    dynamic = chosen(session).dynamic or agreed.schedule is None
    return common.MeteringConfirmationReqType(
        Header=header(session),
        SignedMeteringData=common.SignedMeteringDataType(
            Id=ID,
            SessionID=session.session_id,
            MeterInfo=meter,
            Receipt=receipt,
            Dynamic_SMDTControlMode=common.Dynamic_SMDTControlModeType() if dynamic else None,
            Scheduled_SMDTControlMode=None
            if dynamic
            else common.Scheduled_SMDTControlModeType(
                SelectedScheduleTupleID=agreed.schedule.ScheduleTupleID
            ),
        ),
    )


def _take(session: Session, response: Any) -> Move:
    agreed = terms(session)
    agreed.receipt, agreed.confirmed_ms = None, session.now_ms
    return Go("ChargeLoop")


STEP: Final = Step(
    name="MeteringConfirmation",
    request="MeteringConfirmationReq",
    responses=(common.MeteringConfirmationResType,),
    ask=_ask,
    take=_take,
    leads_to=("ChargeLoop", "RampDown", ""),
    meaning="The reading that the charger asks to confirm, signed; power stays on.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="RampDown",
    payload_type=v2gtp.PayloadType.METERING_CONFIRMATION,
)
