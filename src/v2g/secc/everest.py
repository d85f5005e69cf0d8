"""EVerest's ``ISO15118_charger`` interface in terms of this package, as data.

Every variable that interface publishes is an effect of :class:`~v2g.secc.engine.Secc`, every command a change
of its :class:`~v2g.secc.station.Station` (followed by ``changed``) or a call. The documents are made from
this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2g.common.terms import LinkWish, Payment
from v2g.secc import effects
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: the effect that tells it, and which of them (a fact, a milestone, a wish, or a value)."""

    name: str
    effect: type
    which: EvFact | Milestone | LinkWish | Payment | bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what of the station it sets (dotted below ``Station``), or which method it calls."""

    name: str
    sets: tuple[str, ...] = ()
    calls: str = ""
    note: str = ""


def _told(name: str, fact: EvFact, note: str = "") -> Variable:
    return Variable(name, effects.EvTold, fact, note)


VARIABLES: Final = (
    Variable("require_auth_eim", effects.AuthorizationWanted, Payment.EXTERNAL),
    Variable("require_auth_pnc", effects.AuthorizationWanted, Payment.CONTRACT, "with emaid and chain"),
    Variable("ac_close_contactor", effects.Contactor, True, "AC sessions"),
    Variable("ac_open_contactor", effects.Contactor, False, "AC sessions"),
    Variable("start_cable_check", effects.CableCheck),
    Variable("dc_open_contactor", effects.Contactor, False, "DC sessions"),
    Variable("v2g_setup_finished", effects.Reached, Milestone.V2G_SETUP_FINISHED),
    Variable("current_demand_started", effects.Reached, Milestone.CURRENT_DEMAND_STARTED),
    Variable("current_demand_finished", effects.Reached, Milestone.CURRENT_DEMAND_FINISHED),
    _told("sae_bidi_mode_active", EvFact.BIDI_MODE),
    _told("evcc_id", EvFact.EVCC_ID),
    _told("selected_payment_option", EvFact.SELECTED_PAYMENT_OPTION),
    _told("requested_energy_transfer_mode", EvFact.REQUESTED_ENERGY_MODE),
    _told("departure_time", EvFact.DEPARTURE_TIME_S, "seconds from now; EVerest has a time of day"),
    _told("ac_eamount", EvFact.AC_ENERGY_WH),
    _told("ac_ev_max_voltage", EvFact.AC_MAX_VOLTAGE_V),
    _told("ac_ev_max_current", EvFact.AC_MAX_CURRENT_A),
    _told("ac_ev_min_current", EvFact.AC_MIN_CURRENT_A),
    _told("dc_ev_energy_capacity", EvFact.DC_ENERGY_CAPACITY_WH),
    _told("dc_ev_energy_request", EvFact.DC_ENERGY_REQUEST_WH),
    _told("dc_full_soc", EvFact.DC_FULL_SOC),
    _told("dc_bulk_soc", EvFact.DC_BULK_SOC),
    _told("dc_ev_status", EvFact.DC_STATUS),
    _told("dc_bulk_charging_complete", EvFact.DC_BULK_COMPLETE),
    _told("dc_charging_complete", EvFact.DC_CHARGING_COMPLETE),
    _told(
        "dc_ev_target_voltage_current", EvFact.DC_TARGET, "DcTarget is the same within the station's limits"
    ),
    _told("dc_ev_maximum_limits", EvFact.DC_MAXIMUM_LIMITS),
    _told("dc_ev_remaining_time", EvFact.DC_REMAINING_TIME),
    Variable("certificate_request", effects.CertificateRequest),
    Variable("dlink_terminate", effects.Link, LinkWish.TERMINATE),
    Variable("dlink_error", effects.Link, LinkWish.ERROR),
    Variable("dlink_pause", effects.Link, LinkWish.PAUSE),
    Variable("ev_app_protocol", effects.ProtocolsOffered),
    Variable("v2g_messages", effects.MessageSeen),
    Variable("selected_protocol", effects.ProtocolSelected),
)
"""Variables of the interface, in its order."""

COMMANDS: Final = (
    Command(
        "setup",
        ("setup.evse_id", "setup.evse_id_din", "setup.energy_modes", "setup.sae_j2847"),
        note=(
            "debug_mode has no counterpart: messages are always told, and cost nothing where nobody listens"
        ),
    ),
    Command(
        "set_charging_parameters",
        ("dc.regulation_tolerance_a", "dc.current_ripple_a", "ac.nominal_voltage_v", "rcd_tripped"),
    ),
    Command("session_setup", ("setup.payments", "setup.certificate_service")),
    Command("certificate_response", ("certificate_response",)),
    Command("authorization_response", ("authorization", "contract_status")),
    Command("ac_contactor_closed", ("contactor_closed",)),
    Command("dlink_ready", calls="link_ready", note="link_lost for false"),
    Command("cable_check_finished", ("cable_check",)),
    Command("receipt_is_required", ("receipt_required",)),
    Command("stop_charging", ("stop",)),
    Command("update_ac_max_current", ("ac.maximum_current_a",)),
    Command(
        "update_dc_maximum_limits", ("dc.maximum_current_a", "dc.maximum_power_w", "dc.maximum_voltage_v")
    ),
    Command("update_dc_minimum_limits", ("dc.minimum_current_a", "dc.minimum_voltage_v")),
    Command("update_isolation_status", ("isolation",)),
    Command("update_dc_present_values", ("present_voltage_v", "present_current_a")),
    Command("update_meter_info", ("meter",)),
    Command("send_error", ("error",)),
    Command("reset_error", ("error",), note="set to None"),
)
"""Commands of the interface, in its order."""
