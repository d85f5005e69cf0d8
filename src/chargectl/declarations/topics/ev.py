"""Parameters that the EV sends in a high-level session (guide 15.5.7 to 15.5.11, 15.21).

They belong to one session and are not retained, except the state of charge of 15.21. Enumerations are
written as the numbers of ISO 15118-2. Where the guide misspells a path, the misspelt topic stays, because
existing customers read it, and the corrected one (``..._CORRECTED``) is published with the same payload.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.topics.evse import PHYSICAL_VALUE
from chargectl.declarations.types import Direction, Payload, Topic


def _published(
    name: str,
    path: str,
    payload: Payload,
    meaning: str,
    section: str,
    *,
    retain: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    shape: str = "",
) -> Topic:
    return Topic(
        name,
        path,
        Direction.PUBLISHED,
        payload,
        meaning,
        section,
        "iso15118d",
        retain=retain,
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        shape=shape,
    )


TOPIC_EV_INIT_EVCCID: Final = _published(
    "TOPIC_EV_INIT_EVCCID",
    "port0/ci/ev/init/evccid",
    Payload.STRING,
    "EVCCID, mostly the MAC address of the EV's modem; a free text in ISO 15118-20.",
    "15.5.7",
)
TOPIC_EV_INIT_SERVICESCOPE: Final = _published(
    "TOPIC_EV_INIT_SERVICESCOPE",
    "port0/ci/ev/init/servicescope",
    Payload.STRING,
    "Scope of the EV's service discovery.",
    "15.5.7",
)
TOPIC_EV_INIT_SERVICECATEGORY: Final = _published(
    "TOPIC_EV_INIT_SERVICECATEGORY",
    "port0/ci/ev/init/servicecategory",
    Payload.INTEGER,
    "Category of the EV's service discovery.",
    "15.5.7",
    minimum=0,
    maximum=3,
    shape="0 EVCharging, 1 Internet, 2 ContractCertificate, 3 OtherCustom",
)
TOPIC_EV_INIT_SELECTEDSERVICEID: Final = _published(
    "TOPIC_EV_INIT_SELECTEDSERVICEID",
    "port0/ci/ev/init/selectedserviceid",
    Payload.INTEGER,
    "Service that the EV selected.",
    "15.5.7",
    minimum=0,
    maximum=65535,
)
TOPIC_EV_INIT_SELECTEDPAYMENTOPTION: Final = _published(
    "TOPIC_EV_INIT_SELECTEDPAYMENTOPTION",
    "port0/ci/ev/init/selectedpaymentoption",
    Payload.INTEGER,
    "Payment option that the EV selected.",
    "15.5.7",
    minimum=0,
    maximum=1,
    shape="0 Contract, 1 ExternalPayment",
)

TOPIC_EV_AUTH_EMAID: Final = _published(
    "TOPIC_EV_AUTH_EMAID",
    "port0/ci/ev/auth/emaaid",
    Payload.STRING,
    "Identifier of the charging contract (eMAID); the path is the guide's spelling.",
    "15.5.8",
)
TOPIC_EV_AUTH_EMAID_CORRECTED: Final = _published(
    "TOPIC_EV_AUTH_EMAID_CORRECTED",
    "port0/ci/ev/auth/emaid",
    Payload.STRING,
    "Same as TOPIC_EV_AUTH_EMAID with the path spelt correctly.",
    "15.5.8",
)
TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN: Final = _published(
    "TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN",
    "port0/ci/ev/auth/contractsignaturecertificatechain",
    Payload.JSON,
    "Contract certificate and its sub-certificates; the path is the guide's spelling.",
    "15.5.8",
)
TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN_CORRECTED: Final = _published(
    "TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN_CORRECTED",
    "port0/ci/ev/auth/contractsignaturecertchain",
    Payload.JSON,
    "Same as TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN with the path spelt as in ISO 15118-2.",
    "15.5.8",
)
TOPIC_EV_AUTH_CONTRACTID: Final = _published(
    "TOPIC_EV_AUTH_CONTRACTID",
    "port0/ci/ev/auth/contractid",
    Payload.STRING,
    "Identifier of the charging contract.",
    "15.5.8",
)
TOPIC_EV_AUTH_GENCHALLENGE: Final = _published(
    "TOPIC_EV_AUTH_GENCHALLENGE",
    "port0/ci/ev/auth/genchallenge",
    Payload.STRING,
    "The challenge as the EV returned it.",
    "15.5.8",
)

TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES: Final = _published(
    "TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES",
    "port0/ci/ev/parameter/maxsascheduleuples",
    Payload.INTEGER,
    "Largest number of schedule entries the EV takes; the path is the guide's spelling.",
    "15.5.9",
    minimum=0,
    maximum=65535,
)
TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES_CORRECTED: Final = _published(
    "TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES_CORRECTED",
    "port0/ci/ev/parameter/maxsascheduletuples",
    Payload.INTEGER,
    "Same as TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES with the path spelt correctly.",
    "15.5.9",
    minimum=0,
    maximum=65535,
)
TOPIC_EV_PARAMETER_REQUESTEDENERGYTYPE: Final = _published(
    "TOPIC_EV_PARAMETER_REQUESTEDENERGYTYPE",
    "port0/ci/ev/parameter/requestedenergytype",
    Payload.INTEGER,
    "Energy transfer mode that the EV requests.",
    "15.5.9",
    minimum=0,
    maximum=5,
    shape=(
        "0 AC_single_phase_core, 1 AC_three_phase_core, 2 DC_core, 3 DC_extended, 4 DC_combo_core, 5"
        " DC_unique"
    ),
)
TOPIC_EV_PARAMETER_DEPARTURETIME: Final = _published(
    "TOPIC_EV_PARAMETER_DEPARTURETIME",
    "port0/ci/ev/parameter/departuretime",
    Payload.INTEGER,
    "Intended departure, counted from the moment the EV sent it.",
    "15.5.9",
    minimum=0,
    maximum=2**32 - 1,
    unit="s",
)
TOPIC_EV_PARAMETER_EAMOUNT: Final = _published(
    "TOPIC_EV_PARAMETER_EAMOUNT",
    "port0/ci/ev/parameter/eamount",
    Payload.JSON,
    "Energy that the EV expects to take.",
    "15.5.9",
    unit="Wh",
    shape=PHYSICAL_VALUE,
)
TOPIC_EV_PARAMETER_MAXVOLTAGELIMIT: Final = _published(
    "TOPIC_EV_PARAMETER_MAXVOLTAGELIMIT",
    "port0/ci/ev/parameter/maxvoltagelimit",
    Payload.JSON,
    "Maximum voltage of the EV.",
    "15.5.9",
    unit="V",
    shape=PHYSICAL_VALUE,
)
TOPIC_EV_PARAMETER_MAXCURRENTLIMIT: Final = _published(
    "TOPIC_EV_PARAMETER_MAXCURRENTLIMIT",
    "port0/ci/ev/parameter/maxcurrentlimit",
    Payload.JSON,
    "Maximum current of the EV.",
    "15.5.9",
    unit="A",
    shape=PHYSICAL_VALUE,
)
TOPIC_EV_PARAMETER_MINCURRENTLIMIT: Final = _published(
    "TOPIC_EV_PARAMETER_MINCURRENTLIMIT",
    "port0/ci/ev/parameter/mincurrentlimit",
    Payload.JSON,
    "Minimum current of the EV.",
    "15.5.9",
    unit="A",
    shape=PHYSICAL_VALUE,
)
TOPIC_EV_PARAMETER_RESSSOC: Final = _published(
    "TOPIC_EV_PARAMETER_RESSSOC",
    "port0/ci/ev/parameter/resssoc",
    Payload.INTEGER,
    "State of charge of the EV's battery (RESS), once at the beginning of a high-level session.",
    "15.21",
    minimum=0,
    maximum=100,
    unit="%",
)

TOPIC_EV_CHARGE_READYTOCHARGE_STATE: Final = _published(
    "TOPIC_EV_CHARGE_READYTOCHARGE_STATE",
    "port0/ci/ev/charge/readytochargestate",
    Payload.INTEGER,
    "What the EV asks for with PowerDelivery.",
    "15.5.10",
    minimum=0,
    maximum=2,
    shape="0 Start, 1 Stop, 2 Renegotiate",
)
TOPIC_EV_CHARGE_CHARGINGPROFILETUPLEID: Final = _published(
    "TOPIC_EV_CHARGE_CHARGINGPROFILETUPLEID",
    "port0/ci/ev/charge/chargingprofiletupleid",
    Payload.STRING,
    "SAScheduleTupleID that the EV selected.",
    "15.5.10",
)
TOPIC_EV_CHARGE_CHARGINGPROFILEENTRY: Final = _published(
    "TOPIC_EV_CHARGE_CHARGINGPROFILEENTRY",
    "port0/ci/ev/charge/chargingprofileentry",
    Payload.JSON,
    "Charging profile that the EV will follow.",
    "15.5.10",
    shape=(
        '{"Start": [s, ...], "PMax": [W, ...], "PMaxMultiplier": [-3..3, ...], "NumberOfPhases": [1 | 3,'
        " ...]}"
    ),
)
TOPIC_EV_STOP_PROGRESS: Final = _published(
    "TOPIC_EV_STOP_PROGRESS",
    "port0/ci/ev/stop/progress",
    Payload.INTEGER,
    "What the EV asks for with SessionStop. Pausing is not supported: a pause is answered as a termination.",
    "15.5.11",
    minimum=0,
    maximum=1,
    shape="0 Terminate, 1 Pause",
)

TOPIC_EV_SOC_ACTUAL: Final = _published(
    "TOPIC_EV_SOC_ACTUAL",
    "port0/ci/ev/soc/actual",
    Payload.INTEGER,
    "State of charge of the EV. -1: no EV, or not known yet, or basic charging only;"
    " -2: the parameter phase passed without a value.",
    "15.21",
    retain=True,
    minimum=-2,
    maximum=100,
    unit="%",
)
TOPIC_EV_SOC_TIMESTAMP: Final = _published(
    "TOPIC_EV_SOC_TIMESTAMP",
    "port0/ci/ev/soc/timestamp",
    Payload.TIMESTAMP,
    "When TOPIC_EV_SOC_ACTUAL was last updated.",
    "15.21",
    retain=True,
)
