"""The state of a world as plain JSON values, for the control socket, tests and the live screen."""

from __future__ import annotations

from typing import Any

from chargectl.sim.world import World


def report(world: World) -> dict[str, Any]:
    """Everything worth showing: facts, analogue values, pins and what could hurt somebody."""
    world.sync()
    volts = world.volts
    phases = world.car.kind.phases
    return {
        "now_ms": world.now_us / 1000,
        "facts": world.facts(),
        "pilot": {
            "wave": world.pilot.wave.value,
            "duty": round(world.pilot.duty, 3),
            "high_mv": round(world.pilot.high_mv),
            "low_mv": round(world.pilot.low_mv),
            "positive_peak_mv": round(world.pilot.positive_peak_mv),
            "negative_peak_mv": round(world.pilot.negative_peak_mv),
        },
        "proximity_mv": round(world.proximity_mv),
        "cable_a": world.cable_a,
        "lock": {
            "position": round(world.lock.position, 3),
            "drive": world.lock.drive.name.lower(),
            "sense_mv": round(world.lock.sense_mv),
            "capacitor_mv": round(world.lock.capacitor_mv),
            "fault": world.lock.fault,
        },
        "contactors": [
            {
                "coil": contactor.coil,
                "closed": contactor.closed,
                "sense": contactor.sense,
                "closings": contactor.closings,
                "fault": contactor.fault.value if contactor.fault else None,
            }
            for contactor in world.contactors
        ],
        "car": {
            "connected": world.car.connected,
            "awake": world.car.awake,
            "willing": world.car.willing,
            "s2": world.car.s2 or world.car.stuck_s2,
            "current_a": round(world.car.current_a, 2),
            "power_w": round(world.car.power_w),
            "received_wh": round(world.car.received_wh, 3),
            "battery_percent": round(100 * world.car.energy_wh / world.car.kind.capacity_wh, 2),
        },
        "inputs": {"voltage_mv": list(world.inputs.voltage_mv), "threshold_mv": world.inputs.threshold_mv},
        "rotary": {"position": world.rotary.position, "between": world.rotary.between},
        "leds": {
            name: {
                "brightness": led.brightness,
                "trigger": led.trigger,
                "delay_on_ms": led.delay_on_ms,
                "delay_off_ms": led.delay_off_ms,
                "lit": led.lit(world.now_us),
            }
            for name, led in world.leds.items()
        },
        "temperatures_c": dict(world.temperatures_c),
        "outputs": {str(number): world.gpio(number) for number in range(84, 90)},
        "safety": {
            "inlet_volts": list(volts) if world.plugged else [0.0, 0.0, 0.0],
            "station_volts": list(volts),
            "current_flows": world.car.current_a > 0,
            "phases_in_use": sum(volt > 0 for volt in volts[:phases]) if world.car.current_a > 0 else 0,
            "really_locked": world.lock.locked,
            "hazards": [
                {"at_ms": event.at_us / 1000, "what": event.value}
                for event in world.events
                if event.name == "hazard"
            ],
        },
        "faults": world.faults.names,
    }
