"""What an ISO 15118-20 session has agreed on, and the header that all its messages have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from v2g.common.energy_services import BIDIRECTIONAL
from v2g.common.terms import ISO_20_AC, Payment
from v2g.secc.session import Session
from v2gexi import iso20_common as common

_TERMS: Final = "terms"


@dataclass(slots=True)
class Terms:
    """Agreements of one session; all of them are empty at its start.

    Attributes:
        services: ids of the energy services on offer.
        service, parameter_set: what the EV has selected; 0: nothing yet.
        dynamic: control mode: the station sets the power; else the EV keeps to a schedule.
        by_secc: the station knows departure time and target itself (mobility needs mode 2).
        authorizations: what AuthorizationSetup offered ("EIM", "PnC").
        challenge: GenChallenge of AuthorizationSetupRes.
        asked: for whom authorisation was asked: the payment and, of a contract, its leaf certificate.
        refused: the station has refused whoever that was.
        leaf: DER of the contract certificate that the session runs on.
        tuples: schedules on offer, as sent; ``anchor_s`` is when they begin, in seconds since 1970.
        tuple_id: the schedule that the EV has selected.
        terminate: the EV was asked to end, or power is off: there is no way back to charging.
        metered: the last meter information that was sent.
    """

    services: tuple[int, ...] = ()
    service: int = 0
    parameter_set: int = 0
    dynamic: bool = False
    by_secc: bool = False
    authorizations: tuple[common.authorizationType, ...] = ()
    challenge: bytes = field(default=b"", repr=False)
    asked: tuple[Payment, bytes] | None = field(default=None, repr=False)
    refused: bool = False
    leaf: bytes = field(default=b"", repr=False)
    tuples: tuple[Any, ...] = ()
    anchor_s: int = 0
    tuple_id: int | None = None
    terminate: bool = False
    metered: Any = None

    @property
    def bidirectional(self) -> bool:
        """Whether the service lets energy flow back."""
        return self.service in BIDIRECTIONAL


def terms(session: Session) -> Terms:
    """The session's agreements."""
    agreed: Terms | None = session.agreed.get(_TERMS)
    if agreed is None:
        agreed = session.agreed[_TERMS] = Terms()
    return agreed


def keep(session: Session) -> dict[str, Any]:
    """What outlives a pause: service, parameter set, modes and payment."""
    agreed = terms(session)
    return {
        "service": agreed.service,
        "parameter_set": agreed.parameter_set,
        "dynamic": agreed.dynamic,
        "by_secc": agreed.by_secc,
        "leaf": agreed.leaf,
        "payment": session.payment,
        "mode": session.mode,
    }


def take_up(session: Session, kept: dict[str, Any]) -> None:
    """Go on with what a paused session had agreed on."""
    agreed = terms(session)
    agreed.service, agreed.parameter_set = kept["service"], kept["parameter_set"]
    agreed.dynamic, agreed.by_secc, agreed.leaf = kept["dynamic"], kept["by_secc"], kept["leaf"]
    session.payment, session.mode = kept["payment"], kept["mode"]


def header(session: Session) -> common.MessageHeaderType:
    """The header of a response: the session's id and the time of day."""
    return common.MessageHeaderType(SessionID=session.session_id, TimeStamp=session.unix_s())


def alternating(session: Session) -> bool:
    """Whether the session is one of the AC message set."""
    return bool(session.protocol.namespace == ISO_20_AC)
