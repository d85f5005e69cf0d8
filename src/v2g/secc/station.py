"""What a session asks of its charging station: how it is set up, and what is so at the moment.

The shell changes a :class:`Station` as it learns news and then calls
:meth:`~v2g.secc.engine.Secc.changed`; the session reads it whenever it answers. The commands of EVerest's
``ISO15118_charger`` interface are assignments here; :mod:`v2g.secc.everest` has the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING

from v2g.common.terms import DIN, ISO_2, EnergyMode, Payment

if TYPE_CHECKING:
    from v2g.secc.schedule import Schedule
    from v2g.security.trust import Trust


@unique
class Authorization(Enum):
    """What is known of the permission to charge."""

    ONGOING = "Ongoing"
    WAITING_FOR_CUSTOMER = "WaitingForCustomer"
    """Ongoing, and only the customer can end it (ISO 15118: no time limit)."""
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@unique
class CertificateStatus(Enum):
    """What the backend said of a contract certificate (EVerest ``CertificateStatus``)."""

    ACCEPTED = "Accepted"
    EXPIRED = "CertificateExpired"
    REVOKED = "CertificateRevoked"
    NO_CERTIFICATE = "NoCertificateAvailable"
    CHAIN_ERROR = "CertChainError"
    SIGNATURE_ERROR = "SignatureError"
    CONTRACT_CANCELLED = "ContractCancelled"


@unique
class Isolation(Enum):
    """Result of the isolation monitoring (``isolationLevelType``)."""

    INVALID = "Invalid"
    """Not measured yet."""
    VALID = "Valid"
    WARNING = "Warning"
    FAULT = "Fault"
    NO_IMD = "No_IMD"
    """There is no monitor (ISO 15118-2 only; DIN SPEC 70121 is told "Invalid")."""


@unique
class StationError(Enum):
    """Why a station cannot go on (EVerest ``EvseError``)."""

    CONTACTOR = "Error_Contactor"
    RCD = "Error_RCD"
    UTILITY_INTERRUPT = "Error_UtilityInterruptEvent"
    MALFUNCTION = "Error_Malfunction"
    EMERGENCY_SHUTDOWN = "Error_EmergencyShutdown"


@unique
class SaeBidi(Enum):
    """Energy from the EV after SAE J2847/2, by a service of ISO 15118-2; value: its id, as EVerest has it."""

    V2H = 28472
    """To the house."""
    V2G = 28473
    """To the grid."""


@dataclass(slots=True)
class DcLimits:
    """What the DC output can do: volts, amperes, watts. All at least 0, minimum not above maximum."""

    maximum_voltage_v: float = 500.0
    maximum_current_a: float = 125.0
    maximum_power_w: float = 50_000.0
    minimum_voltage_v: float = 150.0
    minimum_current_a: float = 0.0
    minimum_power_w: float = 0.0
    current_ripple_a: float = 5.0
    """Peak-to-peak, ``EVSEPeakCurrentRipple``."""
    regulation_tolerance_a: float = 2.0
    """``EVSECurrentRegulationTolerance``."""
    discharge_current_a: float = 0.0
    """Largest current back from the EV; 0: none (bidirectional services of ISO 15118-20)."""
    discharge_power_w: float = 0.0


@dataclass(slots=True)
class AcLimits:
    """What an AC outlet can do, per phase."""

    nominal_voltage_v: float = 230.0
    """Between a phase and neutral."""
    maximum_current_a: float = 32.0
    minimum_current_a: float = 6.0
    phases: int = 3
    nominal_frequency_hz: float = 50.0
    discharge_power_w: float = 0.0
    """Largest power back from the EV over all phases; 0: none (ISO 15118-20)."""

    @property
    def maximum_power_w(self) -> float:
        """Over all phases."""
        return self.nominal_voltage_v * self.maximum_current_a * self.phases


@dataclass(frozen=True, slots=True)
class MeterReading:
    """A meter's reading as ``MeterInfo`` carries it.

    Attributes:
        meter_id: up to 32 characters.
        reading_wh: energy to the EV, in watt hours.
        discharged_wh: energy from the EV; None without such a register.
        status: the meter's own number; None if it has none.
        unix_s: when it was read; None if not known.
        signature: the meter's signature over the reading, up to 64 bytes.
    """

    meter_id: str
    reading_wh: int
    discharged_wh: int | None = None
    status: int | None = None
    unix_s: int | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class CertificateResponse:
    """A backend's answer to a certificate request: the raw EXI of the whole response message.

    ``payload`` empty: the backend refused or failed."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class AddedService:
    """A value added service of ISO 15118-20: something else than energy.

    Attributes:
        service_id: 65 is internet access, 66 parking status; others are the operator's.
        free: costs nothing.
        parameter_sets: parameters with their values, by parameter set id; none of both may be empty.
    """

    service_id: int
    free: bool
    parameter_sets: Mapping[int, Mapping[str, bool | int | str]]


@dataclass(frozen=True, slots=True)
class Setup:
    """How the station is set up. A session keeps what it found at its start.

    Attributes:
        evse_id: as ISO 15118 writes it, 7 to 37 characters ("DE*ABC*E1234"); ISO 15118-20 up to 255.
        evse_id_din: DIN SPEC 70121's form, 1 to 32 bytes; by default the hexadecimal form of no id, 0x00.
        protocols: namespaces on offer; of those an EV offers too, the EV's favourite is taken.
        energy_modes: in the order of preference.
        payments: in the order of preference.
        certificate_service: certificate installation and update are on offer (a backend is connected).
        free_service: charging costs nothing.
        sae_j2847: the bidirectional service on offer with ISO 15118-2; None: there is none.
        pause: sessions may be paused and resumed.
        dynamic_mode, scheduled_mode: control modes of ISO 15118-20 on offer.
        mobility_needs_by_secc: ISO 15118-20: the station may take over departure time and target.
        notification_max_delay_s: time within which an EV has to follow a notification.
        service_renegotiation: ISO 15118-20: an EV may choose its service anew without a new session.
        providers: ISO 15118-20: ids of the mobility operators whose contracts are taken, told to EVs, at most
            128 of 80 characters; empty: not told.
        flat_price: ISO 15118-20: schedules say, by one price level, that energy costs the same all the time;
            some EVs take no schedule without prices.
        added_services: ISO 15118-20: value added services, at most 8.
        iso20_without_tls: ISO 15118-20 is spoken on any connection; else, as the standard demands, only on
            TLS 1.3, where the EV has shown its certificate. For desks, not for the field.
        charge_loop_silence_ms: ISO 15118-20: the longest silence of an EV in the charge loop; None: the
            standard's 0.5 s. Slow EVs on a desk need more.
    """

    evse_id: str = "ZZ00000"
    evse_id_din: bytes = b"\x00"
    protocols: tuple[str, ...] = (ISO_2, DIN)
    energy_modes: tuple[EnergyMode, ...] = (EnergyMode.DC_EXTENDED,)
    payments: tuple[Payment, ...] = (Payment.EXTERNAL,)
    certificate_service: bool = False
    free_service: bool = False
    sae_j2847: SaeBidi | None = None
    pause: bool = True
    dynamic_mode: bool = True
    scheduled_mode: bool = True
    mobility_needs_by_secc: bool = False
    notification_max_delay_s: int = 0
    service_renegotiation: bool = True
    providers: tuple[str, ...] = ()
    flat_price: bool = False
    added_services: tuple[AddedService, ...] = ()
    iso20_without_tls: bool = False
    charge_loop_silence_ms: int | None = None


@dataclass(slots=True)
class Station:
    """What is so at the moment. Everything has a harmless start value.

    Attributes:
        setup: taken over by the next session.
        dc, ac: limits; a running session tells its EV changes where its messages allow that.
        authorization: of this session, and of the ``AuthorizationWanted`` that was told last. Set back to
            ONGOING by the shell when a session ends; by the session after a rejection, and when it asks for
            another way to pay or another contract.
        parameters_ready: False holds the EV in ChargeParameterDiscovery (ScheduleExchange in ISO 15118-20).
        cable_check: None until it is over, then whether the cable may be used.
        isolation: of the DC output.
        present_voltage_v, present_current_a: measured at the DC output.
        present_power_w: measured over all AC phases; None if nobody measures.
        contactor_closed: confirmed state of the AC contactor or the DC output relays; None if not known.
        pilot: the believed state of the control pilot, "A" to "F".
        connector_locked: the plug cannot be drawn.
        meter: the latest reading; None without a meter.
        receipt_required: the EV has to sign the readings (only with contracts).
        stop: charging is to end in an orderly way.
        pause: ISO 15118-20: the EV is asked to pause.
        renegotiate: new limits or schedules are to be negotiated; the session sets it back when the EV did.
        abort: the session is to end at once; contactor first.
        error: what keeps the station from going on.
        rcd_tripped: the residual current device has tripped (AC).
        schedules: what ISO 15118-2 and DIN SPEC 70121 offer, one at least; empty: made from the limits.
        renegotiate_service: ISO 15118-20: the EV is to choose its service anew; set back like renegotiate.
        ac_target_power_w: ISO 15118-20 dynamic mode: what the EV is to take; None: the limit.
        dc_target_power_w: the same for DC; negative: back from the EV (bidirectional services).
        departure_s, minimum_soc, target_soc: ISO 15118-20 with mobility needs known to the station: seconds
            from now, and percent; None: not known.
        certificate_response: answer to the certificate request that was told last.
        trust: roots of contract certificates and the checks; None: Plug & Charge contracts are refused.
        contract_status: what the backend said about the contract; None until it did (or if nobody asks it).
            Set back together with ``authorization``.
    """

    setup: Setup = field(default_factory=Setup)
    dc: DcLimits = field(default_factory=DcLimits)
    ac: AcLimits = field(default_factory=AcLimits)
    authorization: Authorization = Authorization.ONGOING
    parameters_ready: bool = True
    cable_check: bool | None = None
    isolation: Isolation = Isolation.INVALID
    present_voltage_v: float = 0.0
    present_current_a: float = 0.0
    present_power_w: float | None = None
    contactor_closed: bool | None = None
    pilot: str = "B"
    connector_locked: bool = True
    meter: MeterReading | None = None
    receipt_required: bool = False
    stop: bool = False
    pause: bool = False
    renegotiate: bool = False
    abort: bool = False
    error: StationError | None = None
    rcd_tripped: bool = False
    schedules: tuple[Schedule, ...] = ()
    renegotiate_service: bool = False
    ac_target_power_w: float | None = None
    dc_target_power_w: float | None = None
    departure_s: int | None = None
    minimum_soc: int | None = None
    target_soc: int | None = None
    certificate_response: CertificateResponse | None = field(default=None, repr=False)
    trust: Trust | None = field(default=None, repr=False)
    contract_status: CertificateStatus | None = None
