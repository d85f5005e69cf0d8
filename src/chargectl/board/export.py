"""Exports the pins and PWM channels of a board and gives them to a group.

Run by root at boot (``python -m chargectl.board.export``). The daemons themselves may not export, so whoever
drives the pins of the port reaches no other pin of the board. Nothing is switched by it: a line keeps its
direction and level, a channel its duty.
"""

from __future__ import annotations

import argparse
import grp
import os
import sys
import time
from collections.abc import Sequence

from chargectl.board.profile import BoardProfile, MotorPins, Pin, PwmChannel, profile_for

_GPIO = "/sys/class/gpio"
_PWM = "/sys/class/pwm"
_GPIO_FILES = ("direction", "value", "edge", "active_low")
_PWM_FILES = ("period", "duty_cycle", "enable", "polarity")
_MODE = 0o664

_RETRY_S = 0.1


def pins_of(profile: BoardProfile) -> tuple[Pin, ...]:
    """Return every pin that a daemon may read or drive, in the order of what must be there first.

    Left out are the lines of powerline modems, the serial controller and the assembly straps: those are the
    kernel's business, or nobody's.
    """
    relays = [pin for relay in profile.relays for pin in (relay.enable, relay.sense)]
    pilot = profile.pilot
    return (
        *relays,
        *_motor(profile.plug_lock),
        *_motor(profile.cover_lock),
        pilot.invert,
        pilot.positive_reset,
        pilot.negative_reset,
        *profile.inputs,
        *profile.outputs,
        *profile.rotary_bits,
        profile.mains_present,
    )


def channels_of(profile: BoardProfile) -> tuple[PwmChannel, ...]:
    """Return the PWM channels of the port."""
    return (profile.pilot.pwm, profile.input_threshold)


def _motor(motor: MotorPins) -> tuple[Pin, ...]:
    return (motor.in1, motor.in2, motor.fault)


def share(profile: BoardProfile, group: int, gpio: str = _GPIO, pwm: str = _PWM) -> tuple[str, ...]:
    """Export everything and give it to ``group``; return what did not work, one line each.

    What is missing on this board must not keep the rest from working: portd reports it as a fault.
    """
    problems = []
    for pin in pins_of(profile):
        problems += _export(gpio, pin.number, f"{gpio}/gpio{pin.number}", _GPIO_FILES, group)
    for channel in channels_of(profile):
        chip = _chip(pwm, channel.device)
        if chip is None:
            problems.append(f"PWM {channel.device}: there is no such device below {pwm}")
            continue
        path = f"{chip}/pwm{channel.channel}"
        problems += _export(chip, channel.channel, path, _PWM_FILES, group)
    return tuple(problems)


def _export(folder: str, number: int, exported: str, files: Sequence[str], group: int) -> list[str]:
    try:
        if not os.path.isdir(exported):
            with open(f"{folder}/export", "w", encoding="ascii") as file:
                file.write(str(number))
            if not os.path.isdir(exported):
                return [f"{exported}: it did not appear when it was exported"]
        for name in files:
            path = f"{exported}/{name}"
            # Lines without an interrupt have no edge.
            if os.path.exists(path):
                os.chown(path, -1, group)
                os.chmod(path, _MODE)
    except OSError as error:
        return [f"{exported}: {error.strerror}"]
    return []


def _chip(pwm: str, device: str) -> str | None:
    """The chip whose parent device has this name; numbers follow the order in which drivers were loaded."""
    try:
        names = sorted(os.listdir(pwm))
    except OSError:
        return None
    for name in names:
        if os.path.basename(os.path.realpath(f"{pwm}/{name}/device")) == device:
            return f"{pwm}/{name}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit code: 0 also where something is missing, which is logged."""
    parser = argparse.ArgumentParser(prog="chargectl.board.export", description=__doc__)
    parser.add_argument("--board", required=True, help="board profile")
    parser.add_argument("--variant", type=int, required=True, help="board variant")
    parser.add_argument("--group", required=True, help="who may read and drive the pins")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="how long a driver may load (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        profile = profile_for(options.board, options.variant)
        group = grp.getgrnam(options.group).gr_gid
    except (ValueError, KeyError) as error:
        sys.stderr.write(f"pins: {error.args[0]}\n")
        return 2
    deadline = time.monotonic() + options.wait
    while (problems := share(profile, group)) and time.monotonic() < deadline:
        time.sleep(_RETRY_S)
    for problem in problems:
        # <4>: a warning in the journal.
        sys.stderr.write(f"<4>pins: {problem}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
