"""Energy services of ISO 15118-20 and the values of their parameters (clause 8.4.3; MCS: Amendment 1)."""

from __future__ import annotations

from typing import Final

from v2g.common.terms import EnergyMode

AC: Final = 1
DC: Final = 2
AC_BPT: Final = 5
DC_BPT: Final = 6
MCS: Final = 8
MCS_BPT: Final = 9
NAMES: Final = {AC: "AC", DC: "DC", AC_BPT: "AC_BPT", DC_BPT: "DC_BPT", MCS: "MCS", MCS_BPT: "MCS_BPT"}
"""Services that sessions transfer energy by; of the others, 3, 4 and 7 are WPT and ACDP."""
ALTERNATING: Final = frozenset((AC, AC_BPT))
DIRECT: Final = frozenset((DC, DC_BPT, MCS, MCS_BPT))
BIDIRECTIONAL: Final = frozenset((AC_BPT, DC_BPT, MCS_BPT))
BOTH_WAYS: Final = {AC: AC_BPT, DC: DC_BPT, MCS: MCS_BPT}
"""The bidirectional service beside one that only charges."""

SERVICE_OF: Final = {
    EnergyMode.AC_SINGLE_PHASE: AC,
    EnergyMode.AC_TWO_PHASE: AC,
    EnergyMode.AC_THREE_PHASE: AC,
    EnergyMode.AC_BPT: AC_BPT,
    EnergyMode.DC_CORE: DC,
    EnergyMode.DC_EXTENDED: DC,
    EnergyMode.DC_COMBO_CORE: DC,
    EnergyMode.DC_UNIQUE: DC,
    EnergyMode.DC: DC,
    EnergyMode.DC_BPT: DC_BPT,
    EnergyMode.MCS: MCS,
    EnergyMode.MCS_BPT: MCS_BPT,
}
"""The service that an energy mode is offered as."""

SCHEDULED: Final = 1
DYNAMIC: Final = 2
"""Values of the parameter ControlMode."""
BY_EVCC: Final = 1
BY_SECC: Final = 2
"""Values of the parameter MobilityNeedsMode."""
UNIFIED: Final = 1
"""Value of the parameter BPTChannel: charging and discharging through the same wires."""
