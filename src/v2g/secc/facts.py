"""What an EV tells about itself, as data: name, type and unit of each fact.

The names are EVerest's variables of ``ISO15118_charger`` where it has one."""

from __future__ import annotations

from enum import Enum, unique


@unique
class EvFact(Enum):
    """Facts; value: (name, kind, unit, meaning)."""

    EVCC_ID = (
        "evcc_id",
        "text",
        "",
        "identification; a MAC address in upper case, or a free text (ISO 15118-20)",
    )
    SELECTED_PAYMENT_OPTION = ("selected_payment_option", "text", "", "ExternalPayment or Contract")
    REQUESTED_ENERGY_MODE = ("requested_energy_transfer_mode", "text", "", "an EnergyMode")
    SELECTED_SERVICE_ID = ("selected_service_id", "integer", "", "the charge service's id")
    SERVICE_CATEGORY = ("service_category", "text", "", "asked for in ServiceDiscovery")
    SERVICE_SCOPE = ("service_scope", "text", "", "asked for in ServiceDiscovery")
    CONTROL_MODE = ("control_mode", "text", "", "Scheduled or Dynamic (ISO 15118-20)")
    MOBILITY_NEEDS = ("mobility_needs_mode", "text", "", "ProvidedByEvcc or ProvidedBySecc (ISO 15118-20)")
    EMAID = ("emaid", "secret", "", "contract id")
    CONTRACT_CHAIN = ("contract_chain", "secret", "", "contract certificates, DER, leaf first")
    GEN_CHALLENGE = ("gen_challenge", "secret", "", "the challenge that the EV signed")
    DEPARTURE_TIME_S = ("departure_time", "integer", "s", "from now on until the EV wants to leave")
    MAX_SCHEDULE_TUPLES = ("max_entries_sa_schedule_tuple", "integer", "", "schedules that the EV can take")
    AC_ENERGY_WH = ("ac_eamount", "number", "Wh", "energy that the EV wants")
    AC_MAX_VOLTAGE_V = ("ac_ev_max_voltage", "number", "V", "between a phase and neutral")
    AC_MAX_CURRENT_A = ("ac_ev_max_current", "number", "A", "per phase")
    AC_MIN_CURRENT_A = ("ac_ev_min_current", "number", "A", "per phase")
    AC_MAX_POWER_W = ("ac_ev_max_power", "number", "W", "over all phases (ISO 15118-20)")
    AC_MIN_POWER_W = ("ac_ev_min_power", "number", "W", "over all phases (ISO 15118-20)")
    AC_PRESENT_POWER_W = ("ac_ev_present_power", "number", "W", "over all phases (ISO 15118-20)")
    DC_ENERGY_CAPACITY_WH = ("dc_ev_energy_capacity", "number", "Wh", "of the battery")
    DC_ENERGY_REQUEST_WH = ("dc_ev_energy_request", "number", "Wh", "energy that the EV wants")
    DC_FULL_SOC = ("dc_full_soc", "integer", "%", "the battery counts as full")
    DC_BULK_SOC = ("dc_bulk_soc", "integer", "%", "fast charging ends")
    TARGET_SOC = ("target_soc", "integer", "%", "state of charge at departure (ISO 15118-20)")
    MINIMUM_SOC = ("minimum_soc", "integer", "%", "to be reached as soon as possible (ISO 15118-20)")
    DC_STATUS = ("dc_ev_status", "object", "", "EVReady, EVErrorCode, EVRESSSOC")
    SOC = ("soc", "integer", "%", "state of charge")
    DC_BULK_COMPLETE = ("dc_bulk_charging_complete", "flag", "", "")
    DC_CHARGING_COMPLETE = ("dc_charging_complete", "flag", "", "")
    DC_TARGET = ("dc_ev_target_voltage_current", "object", "V, A", "EVTargetVoltage, EVTargetCurrent")
    DC_MAXIMUM_LIMITS = ("dc_ev_maximum_limits", "object", "A, W, V", "largest current, power, voltage")
    DC_REMAINING_TIME = ("dc_ev_remaining_time", "object", "s", "until full and until bulk state of charge")
    PRESENT_VOLTAGE_V = ("ev_present_voltage", "number", "V", "measured by the EV (ISO 15118-20)")
    ENERGY_NEEDS = ("ev_energy_request", "object", "Wh", "target, maximum, minimum energy (ISO 15118-20)")
    CHARGE_PROGRESS = ("ready_to_charge_state", "text", "", "Start, Stop or Renegotiate in PowerDeliveryReq")
    CHARGING_PROFILE = ("charging_profile", "object", "", "schedule tuple id and the power that the EV plans")
    RECEIPT = ("metering_receipt", "object", "", "the reading that the EV has signed")
    TERMINATION = ("ev_termination", "object", "", "code and explanation of the EV's end (ISO 15118-20)")
    BIDI_MODE = ("sae_bidi_mode_active", "flag", "", "SAE J2847 bidirectional mode")

    @property
    def label(self) -> str:
        """Its name."""
        return self.value[0]

    @property
    def secret(self) -> bool:
        """Never to reach a log."""
        return str(self.value[1]) == "secret"
