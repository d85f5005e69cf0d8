"""Topics of the whole station: software, clock, OCPP, firmware update (guide 3.3.8, 11.5, 15.5.2) and our own
daemons' presence."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Direction, Payload, Topic

OCPP_CALL: Final = '[2, "<UniqueId, up to 36 characters>", "DataTransfer", {"vendorId", "messageId", "data"}]'
OCPP_RESULT: Final = '[3, "<UniqueId of the request>", {"status", "data"}]'
OWN: Final = "chargectl"
"""The section of what the guide does not have."""

TOPIC_GLOBAL_VERSION_CHARGING_SOFTWARE: Final = Topic(
    "TOPIC_GLOBAL_VERSION_CHARGING_SOFTWARE",
    "ci/global/version/charging_software",
    Direction.PUBLISHED,
    Payload.STRING,
    "Version of the charging software, published when the station has booted; its presence means"
    " operational.",
    "15.5.2",
    "updated",
    retain=True,
)
TOPIC_GLOBAL_TIME_SET_STATUS: Final = Topic(
    "TOPIC_GLOBAL_TIME_SET_STATUS",
    "ci/global/time_set/status",
    Direction.PUBLISHED,
    Payload.BOOL,
    "1 once the system time was set, by OCPP or NTP; may be absent before.",
    "15.5.2",
    "ocppd",
    retain=True,
)
TOPIC_OCPP_ONLINE: Final = Topic(
    "TOPIC_OCPP_ONLINE",
    "ocpp/online",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether the connection to the OCPP central system stands.",
    "15.5.2",
    "ocppd",
    retain=True,
)
TOPIC_OCPP_DATA_TRANSFER_FROM_CS_REQUEST: Final = Topic(
    "TOPIC_OCPP_DATA_TRANSFER_FROM_CS_REQUEST",
    "ocpp/data_transfer_from_cs/request",
    Direction.PUBLISHED,
    Payload.JSON,
    "A DataTransfer of the central system whose vendor and message are listed in ocpp/csDataTransfers.",
    "3.3.8.1",
    "ocppd",
    shape=OCPP_CALL,
)
TOPIC_OCPP_DATA_TRANSFER_FROM_CS_CONFIRM: Final = Topic(
    "TOPIC_OCPP_DATA_TRANSFER_FROM_CS_CONFIRM",
    "ocpp/data_transfer_from_cs/confirm",
    Direction.ACCEPTED,
    Payload.JSON,
    "The customer's answer, due within confirmTimeout; otherwise the request is rejected.",
    "3.3.8.1",
    "ocppd",
    shape=OCPP_RESULT,
)
TOPIC_OCPP_DATA_TRANSFER_TO_CS_SERVICE_ID: Final = Topic(
    "TOPIC_OCPP_DATA_TRANSFER_TO_CS_SERVICE_ID",
    "ocpp/data_transfer_to_cs/service_id",
    Direction.ACCEPTED,
    Payload.STRING,
    "Registers a service for DataTransfer to the central system. No slash, space, plus, hash or dollar sign.",
    "3.3.8.2",
    "ocppd",
)
TOPIC_OCPP_DATA_TRANSFER_TO_CS_REQUEST: Final = Topic(
    "TOPIC_OCPP_DATA_TRANSFER_TO_CS_REQUEST",
    "ocpp/data_transfer_to_cs/+/request",
    Direction.ACCEPTED,
    Payload.JSON,
    "A DataTransfer of a registered service to the central system.",
    "3.3.8.2",
    "ocppd",
    shape=OCPP_CALL,
)
TOPIC_OCPP_DATA_TRANSFER_TO_CS_CONFIRM: Final = Topic(
    "TOPIC_OCPP_DATA_TRANSFER_TO_CS_CONFIRM",
    "ocpp/data_transfer_to_cs/+/confirm",
    Direction.PUBLISHED,
    Payload.JSON,
    "The central system's answer, or a CallError when the request could not be forwarded.",
    "3.3.8.2",
    "ocppd",
    shape=OCPP_RESULT + ' or [4, "<UniqueId>", "<errorCode>", "<errorDescription>", {}]',
)

TOPIC_FIRMWARE_UPDATE_TARGET_URL: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_TARGET_URL",
    "firmware/update/target/url",
    Direction.ACCEPTED,
    Payload.STRING,
    "URL of the update (HTTP, HTTPS or FTP, credentials inside). Publish it last: it starts the update."
    " Ending"
    " .raucb: fetched while installing; any other: downloaded first.",
    "11.5",
    "updated",
)
TOPIC_FIRMWARE_UPDATE_TARGET_MAX_TRIALS: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_TARGET_MAX_TRIALS",
    "firmware/update/target/max_trials",
    Direction.ACCEPTED,
    Payload.INTEGER,
    "Attempts at the download (at the installation for .raucb). Below 1, empty or unset: 1.",
    "11.5",
    "updated",
)
TOPIC_FIRMWARE_UPDATE_TARGET_INTERVAL: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_TARGET_INTERVAL",
    "firmware/update/target/interval",
    Direction.ACCEPTED,
    Payload.INTEGER,
    "Pause between two attempts. Below 0, empty or unset: 0.",
    "11.5",
    "updated",
    unit="s",
)
TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_STATE_ACTUAL",
    "firmware/update/state/actual",
    Direction.PUBLISHED,
    Payload.ENUM,
    "State of the firmware update.",
    "11.5",
    "updated",
    retain=True,
    values=(
        "idle",
        "downloading",
        "download-succeeded",
        "download-failed",
        "installing",
        "install-succeeded",
        "install-failed",
    ),
)
TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_STATE_PROGRESS",
    "firmware/update/state/progress",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Estimated progress of the current operation.",
    "11.5",
    "updated",
    retain=True,
    minimum=0,
    maximum=100,
    unit="%",
)
TOPIC_FIRMWARE_UPDATE_RESULT_STATE: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_RESULT_STATE",
    "firmware/update/result/state",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Result of the last update, after the last attempt; empty when there was none since boot.",
    "11.5",
    "updated",
    retain=True,
    values=("", "succeeded", "failed"),
)
TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE: Final = Topic(
    "TOPIC_FIRMWARE_UPDATE_RESULT_MESSAGE",
    "firmware/update/result/message",
    Direction.PUBLISHED,
    Payload.STRING,
    "Why the last attempt failed, in English; empty otherwise. May come after each attempt.",
    "11.5",
    "updated",
    retain=True,
)

TOPIC_PORTD_ONLINE: Final = Topic(
    "TOPIC_PORTD_ONLINE",
    "chargectl/portd/online",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether portd is connected to the broker; 0 is its last will.",
    OWN,
    "portd",
    retain=True,
)
TOPIC_CONFIGD_ONLINE: Final = Topic(
    "TOPIC_CONFIGD_ONLINE",
    "chargectl/configd/online",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether configd is connected to the broker; 0 is its last will.",
    OWN,
    "configd",
    retain=True,
)
TOPIC_UPDATED_ONLINE: Final = Topic(
    "TOPIC_UPDATED_ONLINE",
    "chargectl/updated/online",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether updated is connected to the broker; 0 is its last will.",
    OWN,
    "updated",
    retain=True,
)
TOPIC_CONFIG_CHANGED: Final = Topic(
    "TOPIC_CONFIG_CHANGED",
    "chargectl/config/changed",
    Direction.PUBLISHED,
    Payload.JSON,
    "Configuration keys whose value has just changed.",
    OWN,
    "configd",
    shape='["ports[0]/evse_current_limit", ...]',
)
TOPIC_PORTD_ERRORS: Final = Topic(
    "TOPIC_PORTD_ERRORS",
    "chargectl/portd/errors",
    Direction.PUBLISHED,
    Payload.JSON,
    "Codes of the port's active errors, the highest priority first; empty when all is well.",
    OWN,
    "portd",
    retain=True,
    shape='["EmergencyShutdown", ...]',
)
