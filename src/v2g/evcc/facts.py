"""What a charger tells about itself, as data: name, type and unit of each fact."""

from __future__ import annotations

from enum import Enum, unique


@unique
class ChargerFact(Enum):
    """Facts; value: (name, kind, unit, meaning)."""

    EVSE_ID = ("evse_id", "text", "", "identification; in hexadecimal from DIN SPEC 70121")
    PAYMENTS = ("payment_options", "object", "", "ways of paying on offer")
    ENERGY_MODES = ("energy_transfer_modes", "object", "", "on offer, as the message set names them")
    SERVICES = ("services", "object", "", "ids of further services on offer")
    SELECTED_SERVICE = ("selected_service_id", "integer", "", "the charge service that the EV took")
    ENERGY_MODE = ("energy_transfer_mode", "text", "", "that the EV took")
    PAYMENT = ("payment_option", "text", "", "that the EV took")
    CONTROL_MODE = ("control_mode", "text", "", "Scheduled or Dynamic (ISO 15118-20)")
    MAXIMUM_VOLTAGE_V = ("evse_maximum_voltage", "number", "V", "limit")
    MAXIMUM_CURRENT_A = ("evse_maximum_current", "number", "A", "limit; per phase with AC")
    MAXIMUM_POWER_W = ("evse_maximum_power", "number", "W", "limit")
    MINIMUM_VOLTAGE_V = ("evse_minimum_voltage", "number", "V", "limit")
    MINIMUM_CURRENT_A = ("evse_minimum_current", "number", "A", "limit")
    MINIMUM_POWER_W = ("evse_minimum_power", "number", "W", "limit (ISO 15118-20)")
    MAXIMUM_DISCHARGE_CURRENT_A = ("evse_maximum_discharge_current", "number", "A", "limit (ISO 15118-20)")
    MAXIMUM_DISCHARGE_POWER_W = ("evse_maximum_discharge_power", "number", "W", "limit (ISO 15118-20)")
    NOMINAL_VOLTAGE_V = ("evse_nominal_voltage", "number", "V", "between a phase and neutral")
    FREQUENCY_HZ = ("evse_nominal_frequency", "number", "Hz", "of the grid (ISO 15118-20)")
    CURRENT_RIPPLE_A = ("evse_current_ripple", "number", "A", "peak to peak")
    REGULATION_TOLERANCE_A = ("evse_current_regulation_tolerance", "number", "A", "")
    ENERGY_TO_BE_DELIVERED_WH = ("evse_energy_to_be_delivered", "number", "Wh", "")
    PRESENT_VOLTAGE_V = ("evse_present_voltage", "number", "V", "at the charger's output")
    PRESENT_CURRENT_A = ("evse_present_current", "number", "A", "at the charger's output")
    TARGET_POWER_W = ("evse_target_power", "number", "W", "that the EV is to take (ISO 15118-20)")
    DEPARTURE_TIME_S = ("departure_time", "integer", "s", "from now, if the charger decides (ISO 15118-20)")
    MINIMUM_SOC = ("minimum_soc", "integer", "%", "if the charger decides (ISO 15118-20)")
    TARGET_SOC = ("target_soc", "integer", "%", "if the charger decides (ISO 15118-20)")
    LIMIT_ACHIEVED = (
        "evse_limit_achieved",
        "object",
        "",
        "which of current, voltage, power bounds the output",
    )
    STATUS = ("evse_status", "text", "", "DC_EVSEStatusCode or the reason of a stop")
    ISOLATION = ("evse_isolation_status", "text", "", "of the DC output")
    RCD = ("evse_rcd", "flag", "", "the residual current device has tripped")
    NOTIFICATION = ("evse_notification", "text", "", "StopCharging, ReNegotiation and their like")
    SCHEDULES = ("schedules", "object", "", "as the message carries them")
    METER = ("meter_info", "object", "", "as the message carries it")
    RECEIPT_REQUIRED = ("receipt_required", "flag", "", "the EV has to sign meter readings")
    CERTIFICATE = ("certificate_response", "secret", "", "response to an installation or update, as EXI")
    WELDED = ("contactors_welded", "flag", "", "the voltage did not fall when the contactors were opened")

    @property
    def label(self) -> str:
        """Its name."""
        return self.value[0]

    @property
    def secret(self) -> bool:
        """Never to reach a log."""
        kind: str = self.value[1]
        return kind == "secret"
