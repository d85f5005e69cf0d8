"""What an ISO 15118-20 session has agreed on, and the header that all its messages have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from v2g.common.energy_services import BIDIRECTIONAL
from v2g.common.terms import EnergyMode, Payment
from v2g.evcc.session import Session
from v2g.evcc.vehicle import Provisioning
from v2gexi import iso20_common as common

_TERMS: Final = "terms"
_CHOICE: Final = "choice"
_PAYMENT: Final = "payment"
KEPT: Final = (_CHOICE, _PAYMENT)
"""What a pause keeps of ``Session.agreed``."""
ID: Final = "id1"
"""``Id`` of the signed element; there is one in each message."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The service that was selected, which outlives a pause.

    Attributes:
        service, parameter_set: their ids.
        mode: the EV's energy mode behind the service.
        dynamic: control mode: the charger sets the power; else the EV keeps to a schedule.
        by_secc: the charger decides about departure and target (mobility needs mode 2).
    """

    service: int
    parameter_set: int
    mode: EnergyMode
    dynamic: bool
    by_secc: bool

    @property
    def bidirectional(self) -> bool:
        """Whether energy may flow back."""
        return self.service in BIDIRECTIONAL


@dataclass(slots=True)
class Terms:
    """Agreements of one session that end with it.

    Attributes:
        authorizations: what AuthorizationSetupRes offered ("EIM", "PnC").
        installation: it offered to install certificates.
        installed: CertificateInstallation was tried.
        challenge: its GenChallenge.
        candidates: energy services on offer that fit the EV, the favourite first; those whose parameter sets
            do not fit are taken away.
        service_renegotiation: the charger can offer its services anew.
        renegotiates_service: the session is on its way to that.
        schedule: the ScheduleTuple that the EV took; None in dynamic mode.
        schedule_s: how far its time was on when it came.
        schedule_ms: when that was.
        exchange_by_ms, exchange_next_ms: schedules are being exchanged again, until then, next then.
        target_w: AC: power that the last response of the charge loop set; None: none.
        standby_refused: the charger does not allow standby; asked again after the EV has wanted power.
        pre_charged: the EV said that pre-charge is over.
        welding_seen: the EV is about to say that welding detection is over.
        receipt: the last meter information that was to be confirmed, with its receipt.
        confirmed_ms: when a reading was confirmed last; None: none was.
        ramp_ms: since when no power is asked for any more; None: it is.
    """

    authorizations: tuple[str, ...] = ()
    installation: bool = False
    installed: bool = False
    challenge: bytes = field(default=b"", repr=False)
    candidates: tuple[tuple[int, EnergyMode], ...] = ()
    service_renegotiation: bool = False
    renegotiates_service: bool = False
    schedule: Any = None
    schedule_s: int = 0
    schedule_ms: int = 0
    exchange_by_ms: int | None = None
    exchange_next_ms: int = 0
    target_w: float | None = None
    standby_refused: bool = False
    pre_charged: bool = False
    welding_seen: bool = False
    receipt: tuple[Any, Any] | None = None
    confirmed_ms: int | None = None
    ramp_ms: int | None = None


def terms(session: Session) -> Terms:
    """The session's agreements."""
    agreed = session.agreed.get(_TERMS)
    if agreed is None:
        agreed = session.agreed[_TERMS] = Terms()
    assert isinstance(agreed, Terms)
    return agreed


def choose(session: Session, choice: Choice) -> None:
    """This service was selected."""
    session.agreed[_CHOICE] = choice
    session.mode = choice.mode


def chosen(session: Session) -> Choice:
    """The service that was selected."""
    choice = session.agreed[_CHOICE]
    assert isinstance(choice, Choice)
    return choice


def pay(session: Session, payment: Payment) -> None:
    """The customer is identified like this."""
    session.payment = session.agreed[_PAYMENT] = payment


def take_up(session: Session) -> bool:
    """Go on with what a paused session had selected; whether there is such a thing."""
    choice = session.agreed.get(_CHOICE)
    if not isinstance(choice, Choice):
        return False
    session.mode = choice.mode
    session.payment = session.agreed.get(_PAYMENT, Payment.EXTERNAL)
    return True


def may_install(session: Session) -> bool:
    """Whether the EV wants a certificate, can prove who it is, and the charger can pass the request on."""
    agreed, signer = terms(session), session.signer
    return (
        session.setup.provisioning is Provisioning.INSTALL
        and session.tls
        and agreed.installation
        and not agreed.installed
        and signer is not None
        and bool(signer.provisioning_chain)
    )


def header(session: Session) -> Any:
    """The header of a request: the session's id and the time of day."""
    return common.MessageHeaderType(SessionID=session.session_id, TimeStamp=session.unix_s())
