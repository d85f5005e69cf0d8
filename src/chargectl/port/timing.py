"""The port's timers, in milliseconds, each with its source."""

from __future__ import annotations

from typing import Final

CONTACTOR_GUARD_MS: Final = 6_000
"""Least time between opening a contactor and closing it again (guide Table 14)."""

CONTACTOR_REACTION_MS: Final = 500
"""Within this time a contactor's feedback follows its relay (guide 15.13 asks for a limit and gives none).

Installation contactors pull in within 30 ms and drop out within 60 ms; a relay in between and the 10 ms
debounce of the sense input at most double that. Longer means stuck or welded.
"""

EV_STOP_MS: Final = 3_000
"""An EV stops drawing current within 3 s of losing the PWM (IEC 61851-1 Table A.6, sequence 10).

After it the contactor is opened under load.
"""

WAKE_UP_AFTER_MS: Final = 30_000
"""An EV that stays in state B this long with current on offer is woken up (guide Table 48)."""

WAKE_UP_PULSE_MS: Final = 4_000
"""Length of the 0 V pulse of a wake-up; EVs take an interruption of this length for a new plug-in."""

HIGH_LEVEL_STOP_MS: Final = 10_000
"""A V2G session whose authorization was withdrawn has this long to end, by EVSENotification StopCharging.

An EV in the charge loop asks every few seconds, and hears it then. After it the contactor is opened under
load.
"""

T_STEP_EF_MS: Final = 4_000
"""The pilot stays in state E for this long when no EV was heard (ISO 15118-3 T_step_EF)."""

T_STEP_X1_MS: Final = 3_000
"""The pilot stays at 100 % for this long between two times of 5 % (ISO 15118-3 T_step_X1)."""

PILOT_SETTLE_MS: Final = 500
"""After the port itself put the pilot to E or F, a reading of E or F says nothing for this long."""

PILOT_SHORTED_AFTER_MS: Final = 1_000
"""State E or F for this long, not put there by the port, is reported; the contactor opens at once."""

PROXIMITY_STABLE_MS: Final = 100
"""A cable class is believed when it stays for this long (five control cycles)."""

PROXIMITY_MATING_MS: Final = 1_000
"""The proximity contact may close this much later than the control pilot while a plug slides in."""

LOCK_CAPACITOR_MS: Final = 10_000
"""The lock motor's capacitor is charged within this time (guide 3.3.4.2 asks for a limit and gives none)."""

LOCK_SETTLE_MS: Final = 200
"""From switching the lock motor off to judging its position switch."""

LOCK_UNEXPECTED_MS: Final = 500
"""A position other than the confirmed one for this long is a failure, not a bounce of the switch."""

LOCK_RETRY_MS: Final = 30_000
"""Pause between recoveries of a lock that failed all its rounds."""

RCD_TEST_INTERVAL_MS: Final = 24 * 3_600_000
"""The RCD is tested again when 24 h have passed (guide 15.15.3)."""

RCD_SPURIOUS_MS: Final = 100
"""Without an EV the contactor is open and there is no hurry: a trip shorter than this is a disturbance.

A SpuriousRcdError takes the station out of service until someone looks at it.
"""

BOARD_FAULT_CONFIRM_MS: Final = 60
"""An input that cannot be read for this long (three control cycles) interrupts charging."""

BOARD_FAULT_CLEAR_MS: Final = 1_000
"""An input must be readable again for this long before charging may go on."""

PHASE_SWITCH_DELAY_S: Final = (10, 300)
"""Allowed guard delay of phase switching, seconds (guide Tables 81, 82)."""
