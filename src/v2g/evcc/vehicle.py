"""What a session asks of its EV: how it is set up, and what is so at the moment.

The shell changes a :class:`Vehicle` as it learns news and then calls
:meth:`~v2g.evcc.engine.Evcc.changed`; the session reads it whenever it asks the charger something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique

from v2g.common.terms import DIN, ISO_2, EnergyMode, Payment


@unique
class EvError(Enum):
    """What is wrong with the EV: ``DC_EVErrorCodeType`` of DIN SPEC 70121 and ISO 15118-2.

    ISO 15118-20 has no such element; there an error only ends the session."""

    RESS_TEMPERATURE = "FAILED_RESSTemperatureInhibit"
    SHIFT_POSITION = "FAILED_EVShiftPosition"
    CONNECTOR_LOCK = "FAILED_ChargerConnectorLockFault"
    RESS_MALFUNCTION = "FAILED_EVRESSMalfunction"
    CURRENT_DIFFERENTIAL = "FAILED_ChargingCurrentdifferential"
    VOLTAGE_OUT_OF_RANGE = "FAILED_ChargingVoltageOutOfRange"
    INCOMPATIBLE = "FAILED_ChargingSystemIncompatibility"
    NO_DATA = "NoData"


@unique
class Provisioning(Enum):
    """What the EV asks of its certificates before it pays (ISO 15118-2, ISO 15118-20)."""

    NONE = "none"
    INSTALL = "install"
    """A contract certificate is to be installed: CertificateInstallationReq."""
    UPDATE = "update"
    """The contract certificate is to be renewed: CertificateUpdateReq (ISO 15118-2 only)."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How the EV is set up. A session keeps what it found at its start.

    Attributes:
        mac: EVCCID of DIN SPEC 70121 and ISO 15118-2, 6 bytes.
        evcc_id: EVCCID of ISO 15118-20, up to 255 characters.
        protocols: namespaces on offer, the favourite first: it gets priority 1.
        energy_modes: in the order of preference; all DC or all AC.
        payment: by contract only over TLS, else and where the charger does not offer it externally.
        provisioning: certificates to be asked for first.
        dynamic_mode: ISO 15118-20: the charger controls the power; else a schedule is agreed.
        mobility_needs_by_secc: ISO 15118-20: the charger may decide about departure and target.
        bidirectional: ISO 15118-20: the service with power in both directions is preferred.
        most_schedules: schedules that the EV can take, 12 to 1024 (ISO 15118-20) or 1 to 3.
        pre_charge_tolerance_v: pre-charge is over when the voltages differ by less.
        pre_charge_current_a: asked for in pre-charge, at most 2 A.
        lock_when_paused: the connector stays locked while a session is paused.
        iso20_without_tls: ISO 15118-20 is offered on any connection; else, as the standard demands, only on
            TLS 1.3.
        longest_pace_ms: no longer pause is made between two requests of one kind; 0 asks again at once.
    """

    mac: bytes = b"\x02\x00\x00\x00\x00\x01"
    evcc_id: str = "ZZ1V2G000001"
    protocols: tuple[str, ...] = (ISO_2, DIN)
    energy_modes: tuple[EnergyMode, ...] = (EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE)
    payment: Payment = Payment.EXTERNAL
    provisioning: Provisioning = Provisioning.NONE
    dynamic_mode: bool = True
    mobility_needs_by_secc: bool = False
    bidirectional: bool = False
    most_schedules: int = 3
    pre_charge_tolerance_v: float = 20.0
    pre_charge_current_a: float = 1.0
    lock_when_paused: bool = True
    iso20_without_tls: bool = False
    longest_pace_ms: int = 1_000

    @property
    def dc(self) -> bool:
        """Whether direct current is wanted."""
        return self.energy_modes[0].dc


@dataclass(slots=True)
class Battery:
    """The battery of a DC session: volts, amperes, watts, watt hours, percent.

    Attributes:
        soc_percent: state of charge, 0 to 100.
        voltage_v: of the battery, before the contactors: pre-charge aims at it.
        target_voltage_v, target_current_a: what is asked of the charger in the charge loop.
        maximum_voltage_v, maximum_current_a, maximum_power_w: what must not be exceeded.
        minimum_voltage_v, minimum_current_a, minimum_power_w: below that nothing is charged (ISO 15118-20).
        discharge_current_a, discharge_power_w, minimum_discharge_current_a, minimum_discharge_power_w: back
            to the charger (bidirectional services of ISO 15118-20).
        capacity_wh: whole capacity; None: not told.
        energy_request_wh: energy that is wanted; None: not told.
        maximum_energy_wh, minimum_energy_wh: ISO 15118-20: energy up to full, and what is needed at least.
        full_soc_percent: charging ends there (None: at 100, and it is not told).
        bulk_soc_percent: fast charging ends there; None: not told.
        full_in_s, bulk_in_s: remaining times; None: not known.
        complete: the battery says that it is full.
    """

    soc_percent: int = 50
    voltage_v: float = 350.0
    target_voltage_v: float = 400.0
    target_current_a: float = 50.0
    maximum_voltage_v: float = 420.0
    maximum_current_a: float = 125.0
    maximum_power_w: float = 50_000.0
    minimum_voltage_v: float = 200.0
    minimum_current_a: float = 0.0
    minimum_power_w: float = 0.0
    discharge_current_a: float = 0.0
    discharge_power_w: float = 0.0
    minimum_discharge_current_a: float = 0.0
    minimum_discharge_power_w: float = 0.0
    capacity_wh: float | None = 50_000.0
    energy_request_wh: float | None = 20_000.0
    maximum_energy_wh: float | None = None
    minimum_energy_wh: float | None = None
    full_soc_percent: int | None = 100
    bulk_soc_percent: int | None = 80
    full_in_s: int | None = None
    bulk_in_s: int | None = None
    complete: bool = False

    @property
    def full(self) -> bool:
        """Nothing more is to be charged."""
        return self.complete or self.soc_percent >= (self.full_soc_percent or 100)

    @property
    def bulk_full(self) -> bool:
        """Fast charging is over."""
        return self.bulk_soc_percent is not None and self.soc_percent >= self.bulk_soc_percent


@dataclass(slots=True)
class OnBoardCharger:
    """The EV's own charger of an AC session, per phase.

    Attributes:
        maximum_voltage_v: between a phase and neutral.
        maximum_current_a, minimum_current_a: per phase.
        phases: that the EV uses.
        energy_wh: that the EV wants (``EAmount``).
        discharge_power_w: back to the charger, over all phases (ISO 15118-20).
        present_power_w: taken now, over all phases.
    """

    maximum_voltage_v: float = 230.0
    maximum_current_a: float = 32.0
    minimum_current_a: float = 6.0
    phases: int = 3
    energy_wh: float = 20_000.0
    discharge_power_w: float = 0.0
    present_power_w: float = 0.0

    @property
    def maximum_power_w(self) -> float:
        """Over all phases."""
        return self.maximum_voltage_v * self.maximum_current_a * self.phases

    @property
    def minimum_power_w(self) -> float:
        """Over all phases."""
        return self.maximum_voltage_v * self.minimum_current_a * self.phases


@dataclass(slots=True)
class Vehicle:
    """What is so at the moment. Everything has a harmless start value.

    Attributes:
        setup: taken over by the next session.
        battery, charger: what DC and AC sessions tell the charger.
        departure_s: seconds from now until the EV wants to leave; None: not known.
        inlet_voltage_v: measured at the DC inlet, before the contactors; None: the EV does not measure it,
            and the charger's EVSEPresentVoltage is trusted.
        present_current_a: measured by the EV; None: the charger's EVSEPresentCurrent is trusted.
        connector_locked: confirmed: the plug cannot be drawn.
        contactors_closed: confirmed state; None if nothing tells it (then they count as neither).
        pilot_ok: the charger's duty cycle of 5 % is there, and the plug; False ends a session at once.
        stop: charging is to end in an orderly way.
        pause: charging is to be paused (ISO 15118-2 and ISO 15118-20; else it ends).
        renegotiate: limits and schedules are to be negotiated again; the session sets it back when it does.
        standby: ISO 15118-20: no power is wanted for a while, and the session goes on; the session sets it
            back when the charger asks for an end of that.
        abort: the session is to end at once, without further messages.
        error: what keeps the EV from charging; ends a session in an orderly way.
    """

    setup: Setup = field(default_factory=Setup)
    battery: Battery = field(default_factory=Battery)
    charger: OnBoardCharger = field(default_factory=OnBoardCharger)
    departure_s: int | None = None
    inlet_voltage_v: float | None = None
    present_current_a: float | None = None
    connector_locked: bool = False
    contactors_closed: bool | None = False
    pilot_ok: bool = True
    stop: bool = False
    pause: bool = False
    renegotiate: bool = False
    standby: bool = False
    abort: bool = False
    error: EvError | None = None
