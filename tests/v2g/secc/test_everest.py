"""EVerest's ISO15118_charger interface: every variable and every command has its counterpart."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, get_args

import pytest

from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.rig import Rig
from v2g.secc import effects
from v2g.secc.engine import Secc
from v2g.secc.everest import COMMANDS, VARIABLES
from v2g.secc.facts import EvFact
from v2g.secc.iso2.protocol import PROTOCOL as ISO_2
from v2g.secc.station import Authorization, SaeBidi, Setup, Station

NAMES: Final = [
    "require_auth_eim",
    "require_auth_pnc",
    "ac_close_contactor",
    "ac_open_contactor",
    "start_cable_check",
    "dc_open_contactor",
    "v2g_setup_finished",
    "current_demand_started",
    "current_demand_finished",
    "sae_bidi_mode_active",
    "evcc_id",
    "selected_payment_option",
    "requested_energy_transfer_mode",
    "departure_time",
    "ac_eamount",
    "ac_ev_max_voltage",
    "ac_ev_max_current",
    "ac_ev_min_current",
    "dc_ev_energy_capacity",
    "dc_ev_energy_request",
    "dc_full_soc",
    "dc_bulk_soc",
    "dc_ev_status",
    "dc_bulk_charging_complete",
    "dc_charging_complete",
    "dc_ev_target_voltage_current",
    "dc_ev_maximum_limits",
    "dc_ev_remaining_time",
    "certificate_request",
    "dlink_terminate",
    "dlink_error",
    "dlink_pause",
    "ev_app_protocol",
    "v2g_messages",
    "selected_protocol",
]
"""The interface's variables, in its order (everest-iso15118-charger-interface)."""
CALLS: Final = [
    "setup",
    "set_charging_parameters",
    "session_setup",
    "certificate_response",
    "authorization_response",
    "ac_contactor_closed",
    "dlink_ready",
    "cable_check_finished",
    "receipt_is_required",
    "stop_charging",
    "update_ac_max_current",
    "update_dc_maximum_limits",
    "update_dc_minimum_limits",
    "update_isolation_status",
    "update_dc_present_values",
    "update_meter_info",
    "send_error",
    "reset_error",
]


@pytest.mark.spec(372)
def test_every_variable_is_an_effect():
    assert [variable.name for variable in VARIABLES] == NAMES
    for variable in VARIABLES:
        assert variable.effect in get_args(effects.Effect)
        if isinstance(variable.which, EvFact):
            assert variable.which.label == variable.name


@pytest.mark.spec(369)
def test_every_command_sets_the_station_or_calls_the_core():
    assert [command.name for command in COMMANDS] == CALLS
    for command in COMMANDS:
        assert bool(command.sets) != bool(command.calls)
        assert not command.calls or callable(getattr(Secc, command.calls))
        for path in command.sets:
            holder: Any = Station()
            for name in path.split("."):
                assert name in {field.name for field in dataclasses.fields(holder)}, path
                holder = getattr(holder, name)


@pytest.mark.spec(369)
@pytest.mark.parametrize("mode", SaeBidi)
def test_the_bidirectional_service_of_sae_j2847(mode: SaeBidi):
    setup = Setup(sae_j2847=mode)
    rig = Rig(ISO_2, station=Station(setup=setup, authorization=Authorization.ACCEPTED))
    rig.handshake()
    rig.ask(ev.setup())
    (service,) = rig.ask(ev.discovery()).ServiceList.Service
    assert (service.ServiceID, service.ServiceCategory) == (mode.value, "OtherCustom")
    assert rig.ask(ev.payment("ExternalPayment", (1, None), (mode.value, None))).ResponseCode == "OK"
    assert rig.told()["sae_bidi_mode_active"] is True


def test_without_it_nobody_can_select_it():
    rig = Rig(ISO_2)
    rig.handshake()
    rig.ask(ev.setup())
    assert rig.ask(ev.discovery()).ServiceList is None
    answer = rig.ask(ev.payment("ExternalPayment", (1, None), (SaeBidi.V2G.value, None)))
    assert answer.ResponseCode == "FAILED_ServiceSelectionInvalid"
