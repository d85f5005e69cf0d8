"""The configuration that a demonstration runs with, and the board that fits a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from chargectl.config.configuration import Configuration
from chargectl.config.document import Document
from chargectl.config.edit import set_value
from chargectl.config.load import load, shape_of, shipped_content
from chargectl.config.problem import Problem, Severity
from chargectl.config.validate import validate
from chargectl.declarations.types import ConfigFile, JsonValue

CUSTOMER: Final = ConfigFile.CUSTOMER

DEMONSTRATION: Final[dict[str, JsonValue]] = {
    "ports[0]/evse_current_limit": 32,
    "ports[0]/user_authentication": "mqtt",
    "ports[0]/emergency_alarm/enable": True,
    "ports[0]/emergency_alarm/polarity": "active_high",
    "ports[0]/rcd_monitor/enable": True,
    "ports[0]/rcd_monitor/polarity": "active_high",
    "ports[0]/ventilation/enable": True,
    "ports[0]/force_wake_up": False,
    "ports[0]/wake_up_after_timeout": False,
}
"""What differs from the shipped customer.json so that everything can be tried."""


DIGITAL: Final[dict[str, JsonValue]] = {"ports[0]/charging_type": "highlevel"}
"""What a demonstration of ISO 15118 sets besides."""


def demonstration_text(*, digital: bool = False) -> str:
    """The shipped customer.json with the demonstration's keys set, for ISO 15118 if it is ``digital``."""
    document = Document(shipped_content(CUSTOMER), CUSTOMER.value)
    for path, value in (DEMONSTRATION | (DIGITAL if digital else {})).items():
        document = set_value(document, path, value)
    return document.text


def errors_of(file: Path) -> list[Problem]:
    """The errors (no warnings) of a customer.json. Raises OSError when it cannot be read."""
    problems = validate(Document.read(file), shape_of(CUSTOMER)).problems
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def board_options(directory: Path, backups: Path) -> dict[str, Any]:
    """Options of a simulated board equipped as the configuration in ``directory`` says.

    Lock, socket, the contactors' auxiliary contacts and the use of relay 2 follow the configuration. The
    inputs are wired as the shipped polarities say: 12 V is a healthy RCD and a pressed emergency switch.
    """
    customer: Configuration = load(directory, backups)[0][CUSTOMER]
    pluggable = customer.boolean("ports[0]/pluggable")
    phases = customer.boolean("ports[0]/switch3to1phase/enable")
    relay_2 = "switch3to1phase" if phases else "ventilation"
    return {
        "socket": pluggable,
        "lock": customer.string("ports[0]/plug_lock/type") if pluggable else None,
        "contactor_feedback": customer.string("ports[0]/contactor/feedback_type"),
        "relay_2": "phases" if phases else "ventilation",
        "relay_2_feedback": customer.string(f"ports[0]/{relay_2}/feedback_type"),
    }
