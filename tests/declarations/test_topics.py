from __future__ import annotations

from types import ModuleType

import pytest

from chargectl.declarations import topics
from chargectl.declarations.topics import charge, ev, evse, limits, port, station
from chargectl.declarations.types import Direction, Payload, Topic
from tests.declarations.guide import ACCEPTED, EITHER, PUBLISHED

MODULES = (charge, ev, evse, limits, port, station)
OURS = {
    "chargectl/portd/errors",
    "chargectl/portd/online",
    "chargectl/configd/online",
    "chargectl/updated/online",
    "chargectl/config/changed",
}
CORRECTED = {
    "port0/ci/ev/auth/emaaid": "port0/ci/ev/auth/emaid",
    "port0/ci/ev/auth/contractsignaturecertificatechain": "port0/ci/ev/auth/contractsignaturecertchain",
    "port0/ci/ev/parameter/maxsascheduleuples": "port0/ci/ev/parameter/maxsascheduletuples",
}
NAMED_WITHOUT_PATH = {"port0/ci/charge/precharge/status"}
DAEMONS = {
    "portd",
    "configd",
    "iso15118d",
    "meteringd",
    "rfidd",
    "recloserd",
    "ocppd",
    "updated",
    "webd",
}


def flat(tables: dict[str, tuple[str, ...]]) -> set[str]:
    return {path for paths in tables.values() for path in paths}


def test_all_topics_of_the_guide_are_declared_and_no_others_but_ours():
    guide = flat(PUBLISHED) | flat(ACCEPTED) | set(EITHER)
    extra = OURS | set(CORRECTED.values()) | NAMED_WITHOUT_PATH
    assert set(topics.BY_PATH) == guide | extra


def test_names_and_paths_are_unique():
    assert len(topics.BY_NAME) == len(topics.BY_PATH) == len(topics.TOPICS)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_each_constant_has_the_name_of_its_topic_and_is_in_the_package(module: ModuleType):
    constants = {name: value for name, value in vars(module).items() if isinstance(value, Topic)}
    assert constants
    for name, topic in constants.items():
        assert topic.name == name
        assert getattr(topics, name) is topic
        assert topics.BY_NAME[name] is topic


@pytest.mark.parametrize(
    ("direction", "paths"),
    [
        (Direction.PUBLISHED, flat(PUBLISHED)),
        (Direction.ACCEPTED, flat(ACCEPTED)),
        (Direction.BOTH, set(EITHER)),
    ],
    ids=lambda value: value.value if isinstance(value, Direction) else "",
)
def test_directions_are_those_of_the_guide(direction: Direction, paths: set[str]):
    assert {path: topics.BY_PATH[path].direction for path in paths} == dict.fromkeys(paths, direction)


def test_only_port0_exists():
    for topic in topics.TOPICS:
        assert topic.path.startswith(("port0/", "ci/", "ocpp/", "firmware/", "chargectl/")), topic.path


def test_misspelt_topics_stay_and_have_a_corrected_twin():
    for misspelt, corrected in CORRECTED.items():
        old, new = topics.BY_PATH[misspelt], topics.BY_PATH[corrected]
        assert new.name == old.name + "_CORRECTED"
        assert (new.direction, new.payload, new.daemon, new.retain) == (
            old.direction,
            old.payload,
            old.daemon,
            old.retain,
        )
    shape = topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST.shape
    assert '"SAScheduleTupled"' in shape
    assert "SAScheduleTupleID" in shape


def test_every_topic_says_what_it_is():
    for topic in topics.TOPICS:
        assert topic.meaning.endswith("."), topic.name
        assert topic.section, topic.name
        assert topic.daemon in DAEMONS, topic.name
        assert topic.name.startswith("TOPIC_")


def test_payload_kinds_hold_together():
    for topic in topics.TOPICS:
        numeric = topic.payload in (Payload.INTEGER, Payload.DECIMAL_1, Payload.DECIMAL_2)
        assert bool(topic.values) == (topic.payload is Payload.ENUM), topic.name
        assert len(set(topic.values)) == len(topic.values), topic.name
        if topic.minimum is not None or topic.maximum is not None:
            assert numeric, topic.name
        if topic.minimum is not None and topic.maximum is not None:
            assert topic.minimum < topic.maximum, topic.name


def test_what_the_guide_retains_is_retained():
    for path in (
        "ci/global/version/charging_software",
        "ci/global/time_set/status",
        "ci/global/dyn_current_limit/+",
        "port0/ci/availability/target",
        "port0/availability/actual",
        "port0/session/authorization_status",
        "port0/ci/ev/soc/actual",
        "port0/ci/ev/soc/timestamp",
    ):
        assert topics.BY_PATH[path].retain, path


def test_what_portd_publishes_is_state_and_retained():
    published = [
        topic
        for topic in topics.TOPICS
        if topic.daemon == "portd" and topic.direction is not Direction.ACCEPTED
    ]
    assert len(published) > 25
    assert [topic.path for topic in published if not topic.retain] == []


def test_requests_signals_and_session_parameters_are_not_retained():
    for path in (
        "port0/rcd/test/perform",
        "port0/ci/charge/reinit_session",
        "port0/rfid/authorization_request",
        "port0/session/v2g_mac",
        "port0/ci/ev/parameter/resssoc",
        "firmware/update/target/url",
        "chargectl/config/changed",
        *PUBLISHED["64"],
        *PUBLISHED["67"],
    ):
        assert not topics.BY_PATH[path].retain, path


def test_the_port_daemon_owns_what_it_publishes_and_accepts():
    accepted = {
        topic.path
        for topic in topics.TOPICS
        if topic.daemon == "portd" and topic.direction is not Direction.PUBLISHED
    }
    assert accepted == {
        "ci/evse/basic/maxcurrentlimit",
        "ci/global/dyn_current_limit/+",
        "port0/ci/evse/phase/target",
        "port0/ci/evse/phase/switch_delay",
        "port0/rcd/test/perform",
        "port0/ventilation/available",
        "port0/ventilation/state/target",
        "port0/session/authorization_status",
        "port0/ci/availability/target",
    }
    for table in ("70", "24", "73", "74", "78", "81", "5"):
        assert {topics.BY_PATH[path].daemon for path in PUBLISHED[table]} == {"portd"}, table


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("port0/ci/charge/cp/status", ("A", "B", "C", "D", "E", "F")),
        ("port0/ci/charge/plug/status", ("locked", "unlocked", "unknown")),
        ("port0/ci/charge/contactor/status", ("closed", "opened", "unknown")),
        ("port0/ci/charge/init/protocol", ("ISO15118", "IEC61851")),
        ("port0/rcd/error", ("", "SpuriousRcdError", "RcdTestError", "RcdGroundFailure")),
        ("port0/ci/availability/target", ("operative", "inoperative")),
        ("firmware/update/result/state", ("", "succeeded", "failed")),
    ],
)
def test_words_of_a_topic(path: str, values: tuple[str, ...]):
    assert topics.BY_PATH[path].values == values


@pytest.mark.parametrize(
    ("path", "payload", "minimum", "maximum", "unit"),
    [
        ("port0/ci/charge/pwm/status", Payload.DECIMAL_2, 0, 100, "%"),
        ("port0/cp/duty_cycle", Payload.DECIMAL_2, 0, 100, "%"),
        ("ci/evse/basic/maxcurrentlimit", Payload.DECIMAL_1, -1, 1000, "A"),
        ("ci/global/dyn_current_limit/+", Payload.DECIMAL_1, -1, 1000, "A"),
        ("port0/ci/evse/basic/offered_current_limit", Payload.DECIMAL_1, -1, 10000, "A"),
        ("port0/cable_current_limit", Payload.INTEGER, -1, 1000, "A"),
        ("port0/ci/evse/phase/switch_delay", Payload.INTEGER, 10, 300, "s"),
        ("port0/ci/ev/soc/actual", Payload.INTEGER, -2, 100, "%"),
        ("port0/ci/evse/parameter/notification", Payload.INTEGER, 0, 3, ""),
        ("firmware/update/target/max_trials", Payload.INTEGER, None, None, ""),
    ],
)
def test_numbers_of_a_topic(
    path: str, payload: Payload, minimum: float | None, maximum: float | None, unit: str
):
    topic = topics.BY_PATH[path]
    assert (topic.payload, topic.minimum, topic.maximum, topic.unit) == (payload, minimum, maximum, unit)


def test_evseid_is_a_free_text():
    assert topics.TOPIC_EVSE_INIT_EVSEID.payload is Payload.STRING
    assert topics.TOPIC_EV_INIT_EVCCID.payload is Payload.STRING


@pytest.mark.parametrize("topic", [one for one in topics.TOPICS if "+" not in one.path], ids=lambda t: t.path)
def test_match_finds_each_exact_path(topic: Topic):
    assert topics.match(topic.path) == (topic, "")


def test_match_gives_the_free_name():
    assert topics.match("ci/global/dyn_current_limit/roof") == (topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT, "roof")
    assert topics.match("ocpp/data_transfer_to_cs/4711/request") == (
        topics.TOPIC_OCPP_DATA_TRANSFER_TO_CS_REQUEST,
        "4711",
    )
    assert topics.match("ocpp/data_transfer_to_cs/4711/confirm") == (
        topics.TOPIC_OCPP_DATA_TRANSFER_TO_CS_CONFIRM,
        "4711",
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "port0",
        "port1/charging",
        "ci/global/dyn_current_limit",
        "ci/global/dyn_current_limit/",
        "ci/global/dyn_current_limit/a/b",
        "ci/global/dyn_current_limit/+",
        "ocpp/data_transfer_to_cs/request",
        "ocpp/data_transfer_to_cs//request",
    ],
)
def test_match_refuses_what_is_not_declared(path: str):
    assert topics.match(path) is None
