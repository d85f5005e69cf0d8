"""What can be set about the desk's car."""

from __future__ import annotations

from typing import Final

from v2g.desk.values import Setting

SETTINGS: Final = (
    Setting("mode", "dc", "what the car takes", words=("dc", "ac", "mcs")),
    Setting("mac", "02:00:00:00:00:01", "EVCCID of DIN SPEC 70121 and ISO 15118-2"),
    Setting("evcc_id", "DESK1V2G000001", "EVCCID of ISO 15118-20, up to 255 characters"),
    Setting("control", "dynamic", "control mode of ISO 15118-20", words=("dynamic", "scheduled")),
    Setting("bidirectional", False, "ISO 15118-20: power in both directions"),
    Setting("soc_percent", 50, "state of charge at the beginning", 0, 100),
    Setting("full_soc_percent", 80, "charging ends there", 1, 100),
    Setting("capacity_wh", 50_000.0, "capacity of the battery", 1),
    Setting("voltage_v", 380.0, "voltage of the battery", 1, 1500),
    Setting("target_voltage_v", 400.0, "voltage that is asked for in the charge loop", 1, 1500),
    Setting("target_current_a", 50.0, "DC: current that is asked for in the charge loop", 0, 3000),
    Setting("maximum_voltage_v", 420.0, "the battery must not get more", 1, 1500),
    Setting("maximum_current_a", 125.0, "DC: the battery must not get more; AC: of a phase", 0, 3000),
    Setting("maximum_power_w", 50_000.0, "the battery must not get more", 0, 4e6),
    Setting("phases", 3, "AC: phases", 1, 3),
    Setting("energy_wh", 20_000.0, "AC: energy that is wanted", 0),
    Setting("departure_s", None, "from the beginning until the car wants to leave"),
    Setting("measures_inlet", False, "DC: the inlet's voltage is measured, not taken from the charger"),
    Setting("lock_s", 0.2, "the connector's lock moves so long"),
    Setting("contactor_s", 0.05, "contactors follow this late"),
    Setting("faster", 60.0, "the battery fills so many times as fast as a real one", 1, 100_000),
    Setting("loop_s", None, "the car stops this long after the charge loop began"),
    Setting("pause_after_s", None, "the car pauses, likewise"),
    Setting("resume_after_s", 2.0, "and resumes after this"),
    Setting("renegotiate_after_s", None, "the car negotiates anew, likewise"),
)
