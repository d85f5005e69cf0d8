"""What can be set about the desk's charger."""

from __future__ import annotations

from typing import Final

from v2g.common.terms import DIN, ISO_2, ISO_20_AC, ISO_20_DC
from v2g.desk.values import Setting

PROTOCOLS: Final = {
    "din": (DIN,),
    "iso2": (ISO_2,),
    "iso20": (ISO_20_DC, ISO_20_AC),
}
"""Names of message sets on the command line."""

SETTINGS: Final = (
    Setting("mode", "dc", "what is on offer", words=("dc", "ac", "mcs")),
    Setting("evse_id", "DE*CGC*E1", "id of the outlet, 7 to 37 characters"),
    Setting("maximum_voltage_v", 500.0, "DC: highest voltage", 1, 1500),
    Setting("minimum_voltage_v", 150.0, "DC: lowest voltage", 0, 1500),
    Setting("maximum_current_a", 125.0, "DC: largest current; AC: largest current of a phase", 0, 3000),
    Setting("maximum_power_w", 50_000.0, "DC: largest power", 0, 4e6),
    Setting("nominal_voltage_v", 230.0, "AC: between a phase and neutral", 1, 500),
    Setting("phases", 3, "AC: phases", 1, 3),
    Setting("discharge_power_w", 0.0, "power that may come back from the car (ISO 15118-20)", 0, 4e6),
    Setting("authorize_after_s", 0.0, "the customer is known this long after the car asks"),
    Setting("parameters_after_s", 0.0, "limits and schedules are there this long after the car asks"),
    Setting("cable_check_s", 1.0, "the cable check takes this long, and until its voltage has come and gone"),
    Setting("isolation_ohm", 1e6, "DC: isolation that the cable check finds; 100000 is enough", 0, 1e9),
    Setting("contactor_s", 0.05, "contactors follow this late"),
    Setting("ramp_v_per_s", 500.0, "the output's voltage rises and falls so fast", 0.1),
    Setting("ramp_a_per_s", 50.0, "the output's current rises and falls so fast", 0.1),
    Setting("free_service", False, "charging costs nothing"),
    Setting("pause", True, "sessions may be paused"),
    Setting(
        "loop_silence_s",
        0.5,
        "a car of ISO 15118-20 has to ask again within this in the charge loop",
        0.1,
        60,
    ),
    Setting("prices", False, "schedules of ISO 15118-20 carry prices, without which some cars take none"),
    Setting("meter", True, "meter readings are told"),
    Setting("receipts", False, "the car has to sign readings (contracts only)"),
    Setting("stop_after_s", None, "the station asks the car to stop, this long after the charge loop began"),
    Setting("renegotiate_after_s", None, "the station asks for new parameters, likewise"),
    Setting("pause_after_s", None, "the station asks for a pause, likewise (ISO 15118-20)"),
)
