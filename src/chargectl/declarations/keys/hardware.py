"""customer.json: cable, relays, inputs, RCD and plug lock (guide 14.1 Table 47, 15.20 Table 82)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys.make import OWN, boolean, choice, integer
from chargectl.declarations.locks import DEFAULT_LOCK, LOCK_NAMES
from chargectl.declarations.types import Key

_T47: Final = "14.1, Table 47"
_T82: Final = "15.20, Table 82"

_FEEDBACK: Final = ("nc", "no", "none")
_POLARITY: Final = ("active_low", "active_high")
_FEEDBACK_MEANING: Final = (
    "Feedback contact of {0}. nc: it is closed while {0} is open; no: it is closed while {0} is closed"
)
_NO_FEEDBACK_MEANING: Final = (
    "; none: there is no feedback, and a welded or broken contact stays undetected (not recommended)"
)
_WITH_TEST: Final = "with rcd_monitor/enable and a test_gpio other than -1"


def _input_gpio(path: str, default: int, meaning: str, applies: str) -> Key:
    return integer(
        path, default, meaning, _T47, minimum=121, maximum=124, also_allowed=(116, 119), applies=applies
    )


def _feedback(
    path: str, what: str, section: str, applies: str = "", allowed: tuple[str, ...] = _FEEDBACK
) -> Key:
    meaning = _FEEDBACK_MEANING.format(what) + (_NO_FEEDBACK_MEANING if "none" in allowed else "") + "."
    return choice(path, "no", allowed, meaning, section, applies=applies)


_CONNECTOR: Final = (
    boolean(
        "ports[0]/pluggable",
        True,
        "true: the station has a socket, and the proximity pilot tells what the cable carries; false: the"
        " cable is"
        " fixed.",
        _T47,
    ),
    integer(
        "ports[0]/pp/cable_current_limit",
        6,
        "Rating of the fixed cable, A per phase; -1 is no limit.",
        _T47,
        minimum=0,
        maximum=1000,
        also_allowed=(-1,),
        applies="with pluggable false",
    ),
    integer(
        "ports[0]/evse_current_limit",
        6,
        "Rating of the station's internal cabling, A per phase; -1 is no limit.",
        _T47,
        minimum=0,
        maximum=1000,
        also_allowed=(-1,),
    ),
    integer(
        "ports[0]/failsafe_current_limit",
        -1,
        "Limit from start until the first OCPP or dynamic limit arrives, A per phase; -1 is no limit.",
        _T47,
        minimum=0,
        maximum=1000,
        also_allowed=(-1,),
    ),
    integer(
        "ports[0]/dynamic_limit_maximum_age",
        0,
        "How long a dynamic limit counts after it was last published, s; then failsafe_current_limit takes"
        " its place,"
        " or 0 A when that is -1. 0: dynamic limits do not age.",
        OWN,
        minimum=1,
        maximum=86400,
        also_allowed=(0,),
    ),
    _feedback("ports[0]/contactor/feedback_type", "the contactor on relay 1", _T47),
)

_VENTILATION: Final = (
    boolean("ports[0]/ventilation/enable", False, "Whether relay 2 controls a ventilation.", _T47),
    choice(
        "ports[0]/ventilation/control",
        "internal",
        ("internal", "external"),
        "Who controls relay 2: the charging software, or the customer over MQTT. external with enable"
        " false leaves the"
        " relay to the customer.",
        _T47,
    ),
    _feedback("ports[0]/ventilation/feedback_type", "relay 2", _T47),
    boolean(
        "ports[0]/switch3to1phase/enable",
        False,
        "Whether relay 2 switches the second and third phase.",
        _T82,
        applies="with two relays, charging_type basic, SW2 at three phases and ventilation disabled",
    ),
    _feedback(
        "ports[0]/switch3to1phase/feedback_type",
        "the secondary contactor on relay 2",
        _T82,
        applies="with switch3to1phase/enable",
        allowed=("nc", "no"),
    ),
    integer(
        "ports[0]/switch3to1phase/switch_delay",
        20,
        "Pause between switching all phases off and offering current with the new phase count, s.",
        _T82,
        minimum=10,
        maximum=300,
        applies="with switch3to1phase/enable",
    ),
)

_SAFETY: Final = (
    boolean("ports[0]/emergency_alarm/enable", False, "Whether an emergency input is watched.", _T47),
    _input_gpio(
        "ports[0]/emergency_alarm/gpio",
        121,
        "GPIO of the digital input with the emergency contact.",
        "with emergency_alarm/enable",
    ),
    choice(
        "ports[0]/emergency_alarm/polarity",
        "active_high",
        _POLARITY,
        "Level of the input while the emergency is asserted.",
        _T47,
        applies="with emergency_alarm/enable",
    ),
    boolean("ports[0]/rcd_monitor/enable", False, "Whether the residual current device is watched.", _T47),
    _input_gpio(
        "ports[0]/rcd_monitor/gpio",
        122,
        "GPIO of the digital input with the RCD's feedback.",
        "with rcd_monitor/enable",
    ),
    choice(
        "ports[0]/rcd_monitor/polarity",
        "active_high",
        _POLARITY,
        "Level of the feedback while no fault is present: an RCD that gives 0 V when healthy and 12 V with"
        " a fault is"
        " active_low.",
        _T47,
        applies="with rcd_monitor/enable",
    ),
    integer(
        "ports[0]/rcd_monitor/test_gpio",
        87,
        "GPIO of the digital output that triggers the RCD's self-test; -1: no tests, monitoring stays.",
        _T47,
        minimum=84,
        maximum=89,
        also_allowed=(-1,),
        applies="with rcd_monitor/enable",
    ),
    choice(
        "ports[0]/rcd_monitor/test_gpio_polarity",
        "active_high",
        _POLARITY,
        "Level of the test output that triggers the test: active_high drives it high.",
        _T47,
        applies=_WITH_TEST,
    ),
    integer(
        "ports[0]/rcd_monitor/test_trigger_time",
        815,
        "How long the test output is active, ms.",
        _T47,
        minimum=1,
        maximum=5000,
        applies=_WITH_TEST,
    ),
    integer(
        "ports[0]/rcd_monitor/test_check_tripped_time",
        810,
        "When the feedback must show tripped, ms from the start of the trigger; less than"
        " test_trigger_time plus"
        " test_check_normal_time.",
        _T47,
        minimum=1,
        maximum=5000,
        applies=_WITH_TEST,
    ),
    integer(
        "ports[0]/rcd_monitor/test_check_normal_time",
        410,
        "When the feedback must show healthy again, ms from the end of the trigger.",
        _T47,
        minimum=1,
        maximum=5000,
        applies=_WITH_TEST,
    ),
    choice(
        "ports[0]/plug_lock/type",
        DEFAULT_LOCK,
        LOCK_NAMES,
        "Type of the plug lock.",
        _T47,
        applies="with pluggable true",
    ),
)

KEYS: Final[tuple[Key, ...]] = (
    *_CONNECTOR,
    *_VENTILATION,
    *_SAFETY,
    integer(
        "io/digital_input_threshold_voltage",
        6000,
        "Voltage at which all digital inputs switch, mV.",
        _T47,
        minimum=0,
        maximum=12000,
    ),
)
