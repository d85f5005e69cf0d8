"""customer.json: the devices on the serial ports: meter, RCD recloser, RFID reader (guide 14.1 Table 47)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys.make import boolean, choice, integer, text
from chargectl.declarations.types import ConfigFile, Key, KeyType

_T47: Final = "14.1, Table 47"

SERIAL_PORT_ALIASES: Final[dict[str, str]] = {"/dev/ttymx0": "/dev/ttymxc0", "/dev/ttymx4": "/dev/ttymxc4"}
"""Names that the guide prints for the serial ports, and the kernel's names for them; both are understood."""

METER_PROTOCOLS: Final = (
    "dzg",
    "eastron",
    "eastron,sdm230",
    "eastron,sdm630",
    "eastron,sdm72dm-v1",
    "eastron,sdm72dm-v2",
    "elecnova,dds1946",
    "elecnova,dts1946",
    "gavazzi",
    "klefr",
    "eem-350-d-mcb",
    "abb",
    "iskra",
    "socomec",
    "sunspec",
)
RFID_PROTOCOLS: Final = ("Stronglink", "stronglink-modbus", "smarttec-mcr-legic", "mqtt")

_PARITY: Final = ("none", "odd", "even")
_PORT_MEANING: Final = (
    "Serial port of {}: /dev/ttymxc0 is X7, /dev/ttymxc4 is X8. /dev/ttymx0 and /dev/ttymx4 mean the same."
)


def _baudrate(path: str, default: int | None, applies: str, default_meaning: str = "") -> Key:
    return integer(
        path,
        default,
        "Bit rate of the serial port, bit/s.",
        _T47,
        minimum=300,
        maximum=115200,
        applies=applies,
        default_meaning=default_meaning,
    )


def _address(path: str, applies: str, default_meaning: str) -> Key:
    return integer(
        path,
        None,
        "Modbus address of the device.",
        _T47,
        minimum=1,
        maximum=247,
        applies=applies,
        default_meaning=default_meaning,
    )


_METER: Final = (
    boolean("ports[0]/meter/enable", False, "Whether a meter is read; OCPP needs one.", _T47),
    text(
        "ports[0]/meter/port",
        "/dev/ttymxc0",
        _PORT_MEANING.format("the meter"),
        _T47,
        applies="with meter/enable",
    ),
    choice(
        "ports[0]/meter/protocol",
        "dzg",
        METER_PROTOCOLS,
        "Modbus protocol of the meter. eastron finds the model by its Meter Code register; meters with"
        " older firmware"
        " need the model's own name.",
        _T47,
        applies="with meter/enable",
    ),
    _baudrate(
        "ports[0]/meter/baudrate",
        None,
        "with meter/enable",
        "what the protocol usually has: 9600; iskra 115200, socomec 38400, sunspec 19200",
    ),
    choice(
        "ports[0]/meter/parity",
        None,
        _PARITY,
        "Parity of the serial port.",
        _T47,
        applies="with meter/enable",
        default_meaning="what the protocol usually has: none; abb and sunspec even",
    ),
    _address(
        "ports[0]/meter/address",
        "with meter/enable",
        "what the protocol usually has: 1; iskra 33, socomec 5, sunspec 42; dzg searches 1 to 99 once",
    ),
)

_RECLOSER: Final = (
    boolean("ports[0]/recloser/enable", False, "Whether an RCD recloser is connected.", _T47),
    text(
        "ports[0]/recloser/port",
        "/dev/ttymxc0",
        _PORT_MEANING.format("the recloser"),
        _T47,
        applies="with recloser/enable",
    ),
    choice(
        "ports[0]/recloser/protocol",
        "geya",
        ("geya",),
        "Modbus protocol of the recloser.",
        _T47,
        applies="with recloser/enable",
    ),
    _baudrate("ports[0]/recloser/baudrate", 9600, "with recloser/enable"),
    choice(
        "ports[0]/recloser/parity",
        "none",
        _PARITY,
        "Parity of the serial port.",
        _T47,
        applies="with recloser/enable",
    ),
    _address("ports[0]/recloser/address", "with recloser/enable", "what the protocol usually has: geya 3"),
)

_RFID: Final = (
    boolean("ports[0]/rfid/enable", False, "Whether RFID tags are read.", _T47),
    text(
        "ports[0]/rfid/port",
        "/dev/ttymxc0",
        _PORT_MEANING.format("the reader"),
        _T47,
        applies="with rfid/enable and a protocol other than mqtt",
    ),
    choice(
        "ports[0]/rfid/protocol",
        "Stronglink",
        RFID_PROTOCOLS,
        "Protocol of the reader; mqtt: the reader of another board is shared.",
        _T47,
        applies="with rfid/enable",
    ),
    _baudrate("ports[0]/rfid/baudrate", 9600, "with rfid/enable and a protocol other than mqtt"),
    choice(
        "ports[0]/rfid/parity",
        "none",
        _PARITY,
        "Parity of the serial port.",
        _T47,
        applies="with rfid/enable and a protocol other than mqtt",
    ),
    _address(
        "ports[0]/rfid/address",
        "with rfid/enable and a Modbus protocol",
        "what the protocol usually has: stronglink-modbus 17",
    ),
    Key(
        ConfigFile.CUSTOMER,
        "ports[0]/rfid/remote_ports",
        KeyType.OBJECTS,
        [],
        "Boards that this board's reader is shared with. Only the first three items count, also those"
        " without uri.",
        _T47,
        applies="with rfid/enable and a local reader",
        shipped=[{}],
    ),
    text(
        "ports[0]/rfid/remote_ports[]/uri",
        None,
        "MQTT broker of the other board, mqtt://host[:port], for example mqtt://192.168.0.1; the port is"
        " 1883 when"
        " missing. Its port 0 is used.",
        _T47,
        applies="with rfid/enable and a local reader",
        default_meaning="the item does nothing",
    ),
)

KEYS: Final[tuple[Key, ...]] = (*_METER, *_RECLOSER, *_RFID)
