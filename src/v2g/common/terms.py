"""Names that both sides of a V2G session share: protocols, ways of transferring energy, ways of paying."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

DIN: Final = "urn:din:70121:2012:MsgDef"
ISO_2: Final = "urn:iso:15118:2:2013:MsgDef"
ISO_20_AC: Final = "urn:iso:std:iso:15118:-20:AC"
ISO_20_DC: Final = "urn:iso:std:iso:15118:-20:DC"
ISO_20_TLS: Final = "TLSv1.3"
"""Version of TLS that ISO 15118-20 demands, as ``ssl`` names it."""
PROTOCOLS: Final = (ISO_20_DC, ISO_20_AC, ISO_2, DIN)
"""Protocol namespaces of a handshake."""


@unique
class EnergyMode(Enum):
    """How energy is transferred; values are EVerest's ``EnergyTransferMode``, most of them ISO 15118-2's."""

    AC_SINGLE_PHASE = "AC_single_phase_core"
    AC_TWO_PHASE = "AC_two_phase"
    AC_THREE_PHASE = "AC_three_phase_core"
    DC_CORE = "DC_core"
    DC_EXTENDED = "DC_extended"
    DC_COMBO_CORE = "DC_combo_core"
    DC_UNIQUE = "DC_unique"
    DC = "DC"
    AC_BPT = "AC_BPT"
    AC_DER = "AC_DER"
    DC_BPT = "DC_BPT"
    DC_ACDP = "DC_ACDP"
    DC_ACDP_BPT = "DC_ACDP_BPT"
    WPT = "WPT"
    MCS = "MCS"
    MCS_BPT = "MCS_BPT"

    @property
    def dc(self) -> bool:
        """Whether the EV takes direct current."""
        return self.value.startswith(("DC", "MCS"))


@unique
class Payment(Enum):
    """Who identifies the customer (ISO 15118-2 ``PaymentOption``)."""

    EXTERNAL = "ExternalPayment"
    """External identification means: a card, an app, free charging."""
    CONTRACT = "Contract"
    """Plug & Charge: a contract certificate in the EV."""


@unique
class Phase(Enum):
    """Phases of a session: up to the payment's details, authorisation, charge parameters, power."""

    INIT = "init"
    AUTH = "auth"
    PARAMETER = "parameter"
    CHARGE = "charge"


@unique
class LinkWish(Enum):
    """What becomes of the data link after a session (ISO 15118-3 D-LINK primitives)."""

    TERMINATE = "dlink_terminate"
    ERROR = "dlink_error"
    PAUSE = "dlink_pause"
