"""MeteringReceipt: the EV signs a meter reading (Plug & Charge)."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.contract import SigningKey
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.profile import schedule_id
from v2g.evcc.iso2.signing import ID
from v2g.evcc.protocol import Fail, Go, Move, Step
from v2g.evcc.session import Session
from v2g.evcc.shared.status import judge
from v2gexi import iso2


def meter(session: Session, response: Any, loop: str) -> Move | None:
    """To the receipt, if a response of the charge loop wants one; it leads back to ``loop``."""
    session.told(ChargerFact.METER, response.MeterInfo)
    session.told(ChargerFact.RECEIPT_REQUIRED, response.ReceiptRequired)
    if not response.ReceiptRequired or response.MeterInfo is None:
        return None
    if session.payment is not Payment.CONTRACT:
        session.log_once("the charger wants a metering receipt, though no contract pays: there is none")
        return None
    session.agreed["meter"] = response.MeterInfo
    session.agreed["loop"] = loop
    return Go("MeteringReceipt")


def _ask(session: Session) -> Any:
    session.sign_with = SigningKey.CONTRACT
    return iso2.MeteringReceiptReqType(
        Id=ID,
        SessionID=session.session_id,
        SAScheduleTupleID=schedule_id(session),
        MeterInfo=session.agreed["meter"],
    )


def _take(session: Session, response: Any) -> Move:
    # Only what ends the session at once is followed here: a wish to stop comes again with the next
    # response of the charge loop, and from there the current can be ramped down first.
    move = judge(session, response.EVSEStatus)
    if isinstance(move, Fail):
        return move
    return Go(session.agreed["loop"])


STEP: Final = Step(
    name="MeteringReceipt",
    request="MeteringReceiptReq",
    responses=(iso2.MeteringReceiptResType,),
    ask=_ask,
    take=_take,
    leads_to=("CurrentDemand", "ChargingStatus", "RampDown", "RampDownToRenegotiate", ""),
    meaning="The last reading, signed; the charger takes nothing else before. Back to where it came from.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="",
)
