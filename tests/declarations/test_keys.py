from __future__ import annotations

import pytest

from chargectl.declarations.keys import KEYS, by_path, keys_of
from chargectl.declarations.keys.devices import SERIAL_PORT_ALIASES
from chargectl.declarations.locks import LOCK_NAMES
from chargectl.declarations.types import ConfigFile, JsonValue, Key, KeyType
from tests.declarations.guide import HARDWARE_DEFAULTS, NETWORK_DEFAULTS, SOFTWARE_DEFAULTS

OURS = {"ports[0]/dynamic_limit_maximum_age": 0}
CUSTOMER_DEFAULTS = {**HARDWARE_DEFAULTS, **SOFTWARE_DEFAULTS, **NETWORK_DEFAULTS, **OURS}
PYTHON_TYPES: dict[KeyType, type | tuple[type, ...]] = {
    KeyType.BOOLEAN: bool,
    KeyType.INTEGER: int,
    KeyType.STRING: str,
    KeyType.STRINGS: list,
    KeyType.STRING_OR_STRINGS: (str, list),
    KeyType.INTEGERS: list,
    KeyType.OBJECT: dict,
    KeyType.OBJECTS: list,
}


def customer(path: str) -> Key:
    key = by_path(ConfigFile.CUSTOMER, path)
    assert key is not None, path
    return key


def in_range(key: Key, value: int) -> bool:
    low = key.minimum is None or value >= key.minimum
    high = key.maximum is None or value <= key.maximum
    return (low and high) or value in key.also_allowed


def test_all_keys_of_the_guide_are_declared_with_their_defaults():
    declared = {key.path: key.default for key in keys_of(ConfigFile.CUSTOMER)}
    assert declared == CUSTOMER_DEFAULTS


def test_key_counts_of_the_tables():
    tables: dict[str, int] = {}
    for key in KEYS:
        tables[key.section.rpartition(" ")[2]] = tables.get(key.section.rpartition(" ")[2], 0) + 1
    # Table 49 has four keys; the arrays that hold them and Table 9's are declared too.
    assert tables == {
        "47": 41,
        "48": 41,
        "49": 7,
        "50": 32,
        "51": 6,
        "56": 3,
        "82": 3,
        "2": 2,
        "9": 4,
        "6": 3,
        "chargectl": 1,
    }


def test_paths_are_unique_within_a_file():
    assert len({(key.file, key.path) for key in KEYS}) == len(KEYS)
    assert sum(len(keys_of(file)) for file in ConfigFile) == len(KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_key_holds_together(key: Key):
    assert key.meaning.endswith(".")
    assert key.section
    for value in (key.default, key.shipped):
        if value is not None:
            assert isinstance(value, PYTHON_TYPES[key.type])
            assert isinstance(value, bool) == (key.type is KeyType.BOOLEAN)
    if key.default is None:
        assert key.default_meaning
    if key.type is KeyType.INTEGER:
        assert key.minimum is not None
        for value in (key.default, key.shipped):
            assert not isinstance(value, int) or in_range(key, value)
    else:
        assert not key.also_allowed
    if key.allowed:
        assert key.type in (KeyType.STRING, KeyType.STRINGS)
        words = key.default if isinstance(key.default, list) else [key.default]
        assert all(word is None or word in key.allowed for word in words)


@pytest.mark.spec(6)
def test_each_key_says_whether_ocpp_may_write_it():
    closed = {key.path for key in keys_of(ConfigFile.CUSTOMER) if not key.ocpp_writable}
    assert closed == {
        "ocpp/enable",
        "ocpp/uri",
        "ocpp/verifyCert",
        "ocpp/chargePointModel",
        "ocpp/chargePointVendor",
        "ocpp/chargePointSerialNumber",
    }
    assert not any(key.ocpp_writable for key in KEYS if key.file is not ConfigFile.CUSTOMER)


def test_longest_texts():
    sizes = {key.path: key.maximum_size for key in KEYS if key.maximum_size is not None}
    assert sizes == {
        "ocpp/chargePointVendor": 20,
        "ocpp/chargePointModel": 20,
        "ocpp/chargePointSerialNumber": 25,
        "ports[0]/evse_id": 37,
    }


def test_credentials_are_secret_and_may_be_null():
    assert {key.path for key in KEYS if key.secret} == {"uplink/apn_username", "uplink/apn_password"}
    assert {key.path for key in KEYS if key.nullable} == {"uplink/apn_username", "uplink/apn_password"}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        pytest.param(
            "io/digital_input_threshold_voltage", (0, 12000), (-1, 12001), marks=pytest.mark.spec(15)
        ),
        pytest.param("ports[0]/switch3to1phase/switch_delay", (10, 300), (0, 9, 301), id="switch_delay"),
        pytest.param(
            "ports[0]/rcd_monitor/test_trigger_time", (1, 5000), (0, 5001), marks=pytest.mark.spec(94)
        ),
        pytest.param(
            "ports[0]/rcd_monitor/test_check_tripped_time", (1, 5000), (0, 5001), marks=pytest.mark.spec(94)
        ),
        pytest.param(
            "ports[0]/rcd_monitor/test_check_normal_time", (1, 5000), (0, 5001), marks=pytest.mark.spec(94)
        ),
        ("ports[0]/rcd_monitor/test_gpio", (-1, 84, 89), (0, 76, 83, 90)),
        ("ports[0]/rcd_monitor/gpio", (116, 119, 121, 124), (-1, 76, 117, 120, 125)),
        ("ports[0]/emergency_alarm/gpio", (116, 119, 121, 124), (-1, 76, 117, 120, 125)),
        ("ports[0]/failsafe_current_limit", (-1, 0, 6, 1000), (-2, 1001)),
        ("ports[0]/evse_current_limit", (-1, 0, 32, 1000), (-2, 1001)),
        ("ports[0]/dynamic_limit_maximum_age", (0, 1, 86400), (-1, 86401)),
        ("ports[0]/meter/address", (1, 247), (0, 248)),
        ("fake_highlevel_dc_vendors/*/switch_method", (1, 4), (0, 5)),
        ("ocpp/ClockAlignedDataInterval", (0, 10, 86400), (-1, 1, 9, 86401)),
        ("ocpp/MeterValueSampleInterval", (0, 10, 86400), (-1, 9, 86401)),
        ("ocpp/ConnectionTimeOut", (0, 10, 10**6), (-1, 1, 9)),
        ("ocpp/csDataTransfers[]/confirmTimeout", (1, 60), (0, 61)),
        ("ocpp/WebSocketPingInterval", (0, 1), (-1,)),
        ("ocpp/webSocketPingTimeout", (1, 120), (0,)),
    ],
)
def test_ranges(path: str, good: tuple[int, ...], bad: tuple[int, ...]):
    key = customer(path)
    assert [value for value in good if not in_range(key, value)] == []
    assert [value for value in bad if in_range(key, value)] == []


@pytest.mark.spec(94)
def test_rcd_test_timings_default_to_those_of_the_western_automation_rcm():
    paths = ("test_trigger_time", "test_check_tripped_time", "test_check_normal_time")
    trigger, tripped, normal = (customer(f"ports[0]/rcd_monitor/{path}").default for path in paths)
    assert (trigger, tripped, normal) == (815, 810, 410)


@pytest.mark.spec(114)
def test_meter_protocols():
    key = customer("ports[0]/meter/protocol")
    assert key.default == "dzg"
    assert key.allowed == (
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


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("ports[0]/contactor/feedback_type", ("nc", "no", "none")),
        ("ports[0]/switch3to1phase/feedback_type", ("nc", "no")),
        ("ports[0]/ventilation/control", ("internal", "external")),
        ("ports[0]/charging_type", ("basic", "highlevel", "basic+fake_highlevel_dc")),
        ("ports[0]/user_authentication", ("free", "ocpp", "mqtt", "key-switch")),
        ("ports[0]/tls_security", ("prohibit", "allow", "force")),
        ("ports[0]/rfid/protocol", ("Stronglink", "stronglink-modbus", "smarttec-mcr-legic", "mqtt")),
        ("ports[0]/meter/parity", ("none", "odd", "even")),
        ("ports[0]/plug_lock/type", LOCK_NAMES),
        ("fake_highlevel_dc_vendors/*/hlc_terminates_after", ("MAC", "SoC")),
        ("ocpp/calibrationLawFormat", ("ocmf,plain", "ocmf,hex")),
    ],
)
def test_words_of_a_key(path: str, allowed: tuple[str, ...]):
    assert customer(path).allowed == allowed


def test_shipped_values_that_differ_from_the_defaults():
    shipped = {key.path: key.shipped for key in KEYS if key.shipped is not None}
    vendors = shipped.pop("fake_highlevel_dc_vendors")
    assert shipped == {
        "ports[0]/rfid/remote_ports": [{}],
        "ocpp/LocalAuthorizeOffline": True,
        "ocpp/MeterValueSampleInterval": 60,
    }
    assert isinstance(vendors, dict)
    assert set(vendors) == {"Tesla", "Volkswagen"}
    assert isinstance(vendors["Tesla"], dict)
    assert vendors["Tesla"]["hlc_terminates_after"] == "MAC"
    assert "DC:44:27:1" in members(vendors["Tesla"]["oui"])


def members(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, list)
    return value


def test_shipped_vendors_pass_their_own_declarations():
    vendors = customer("fake_highlevel_dc_vendors").shipped
    assert isinstance(vendors, dict)
    for name, vendor in vendors.items():
        assert isinstance(vendor, dict)
        for member in vendor:
            assert by_path(ConfigFile.CUSTOMER, f"fake_highlevel_dc_vendors/{name}/{member}") is not None
        assert all(oui == str(oui).upper() and ":" in str(oui) for oui in members(vendor["oui"]))


@pytest.mark.parametrize(
    ("file", "path", "declared"),
    [
        (ConfigFile.CUSTOMER, "ports[0]/pluggable", "ports[0]/pluggable"),
        (ConfigFile.CUSTOMER, "fake_highlevel_dc_vendors/Tesla/oui", "fake_highlevel_dc_vendors/*/oui"),
        (ConfigFile.CUSTOMER, "ocpp/csDataTransfers[1]/vendorId", "ocpp/csDataTransfers[]/vendorId"),
        (ConfigFile.CUSTOMER, "ports[0]/rfid/remote_ports[2]/uri", "ports[0]/rfid/remote_ports[]/uri"),
        (ConfigFile.LEDS, "leds[0]/behaviors[2]/mode", "leds[]/behaviors[]/mode"),
        (ConfigFile.LEDS, "leds[]/gpios", "leds[]/gpios"),
        (ConfigFile.ROTARY, "rotary_switch_1[7]/current_limit", "rotary_switch_1[7]/current_limit"),
    ],
)
def test_lookup_by_concrete_path(file: ConfigFile, path: str, declared: str):
    key = by_path(file, path)
    assert key is not None
    assert (key.file, key.path) == (file, declared)


@pytest.mark.parametrize(
    ("file", "path"),
    [
        (ConfigFile.CUSTOMER, ""),
        (ConfigFile.CUSTOMER, "ports[0]"),
        (ConfigFile.CUSTOMER, "ports[1]/pluggable"),
        (ConfigFile.CUSTOMER, "ports[0]/rzd_monitor/enable"),
        (ConfigFile.CUSTOMER, "ports[0]/pluggable/more"),
        (ConfigFile.CUSTOMER, "ocpp/csDataTransfers[x]/vendorId"),
        (ConfigFile.CUSTOMER, "ocpp/csDataTransfers[-1]/vendorId"),
        (ConfigFile.CUSTOMER, "ocpp/csDataTransfers/vendorId"),
        (ConfigFile.CUSTOMER, "fake_highlevel_dc_vendors//oui"),
        (ConfigFile.CUSTOMER, "fake_highlevel_dc_vendors/Tesla/color"),
        (ConfigFile.LEDS, "ports[0]/pluggable"),
        (ConfigFile.LEDS, "leds[0"),
        (ConfigFile.ROTARY, "rotary_switch_1[16]/current_limit"),
        (ConfigFile.ROTARY, "rotary_switch_2[0]/current_limit"),
    ],
)
def test_lookup_of_what_is_not_declared(file: ConfigFile, path: str):
    assert by_path(file, path) is None


def test_both_names_of_a_serial_port_are_known():
    assert SERIAL_PORT_ALIASES == {"/dev/ttymx0": "/dev/ttymxc0", "/dev/ttymx4": "/dev/ttymxc4"}


def test_our_own_key_is_off():
    key = customer("ports[0]/dynamic_limit_maximum_age")
    assert (key.default, key.section) == (0, "chargectl")
