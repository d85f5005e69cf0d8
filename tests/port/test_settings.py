"""The port's settings: read from customer.json, with the guide's defaults."""

from __future__ import annotations

import json

import pytest

from chargectl.config.document import Document
from chargectl.config.load import shape_of
from chargectl.config.validate import validate
from chargectl.declarations import locks
from chargectl.declarations.types import ConfigFile, JsonValue, LockType
from chargectl.port.settings import AuthenticationMode, Feedback, PortSettings, RcdSettings


def read(two_relays: bool = True, **port: JsonValue) -> PortSettings:
    document = Document(json.dumps({"ports": [port]}), "customer.json")
    configuration = validate(document, shape_of(ConfigFile.CUSTOMER)).configuration
    return PortSettings.read(configuration, phase_count=3, grid_limit_a=16, two_relays=two_relays)


@pytest.mark.spec(38, 42, 50, 67, 71, 72, 80, 87, 91, 94, 107)
def test_an_empty_file_gives_the_defaults_that_the_port_itself_has() -> None:
    assert read() == PortSettings(grid_limit_a=16, phase_count=3)


def test_what_the_rotary_switch_and_the_board_say() -> None:
    document = Document("{}", "customer.json")
    configuration = validate(document, shape_of(ConfigFile.CUSTOMER)).configuration
    settings = PortSettings.read(configuration, phase_count=1, grid_limit_a=40, two_relays=False)
    assert (settings.phase_count, settings.grid_limit_a, settings.phases.two_relays) == (1, 40, False)


@pytest.mark.parametrize("feedback", Feedback)
@pytest.mark.spec(38)
def test_the_contactors_feedback(feedback: Feedback) -> None:
    assert read(contactor={"feedback_type": feedback.value}).contactor_feedback is feedback


@pytest.mark.parametrize("mode", AuthenticationMode)
@pytest.mark.spec(67, 68, 69)
def test_the_authentication(mode: AuthenticationMode) -> None:
    assert read(user_authentication=mode.value).authentication is mode


@pytest.mark.parametrize("name", locks.LOCK_NAMES)
@pytest.mark.spec(27)
def test_each_lock_type_is_selectable(name: str) -> None:
    assert read(plug_lock={"type": name}).lock is locks.by_name(name)


def test_an_unknown_lock_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'HAMMER'"):
        PortSettings(lock=_unknown_lock())


def _unknown_lock() -> LockType:
    from chargectl.port.settings import _lock

    return _lock("HAMMER")


@pytest.mark.spec(74, 80, 87)
def test_the_currents_and_the_socket() -> None:
    settings = read(
        pluggable=False,
        pp={"cable_current_limit": 20},
        evse_current_limit=25,
        failsafe_current_limit=8,
        dynamic_limit_maximum_age=60,
    )
    assert not settings.pluggable
    assert settings.fixed_cable_limit_a == 20
    assert settings.evse_limit_a == 25
    assert settings.failsafe_limit_a == 8
    assert settings.dynamic_limit_maximum_age_s == 60


@pytest.mark.spec(71, 72, 107)
def test_the_switches() -> None:
    settings = read(force_wake_up=True, wake_up_after_timeout=True, emergency_alarm={"enable": True})
    assert settings.force_wake_up
    assert settings.wake_up_after_timeout
    assert settings.emergency_enable
    assert not read(force_wake_up=True).wake_up_after_timeout
    assert not read(wake_up_after_timeout=True).force_wake_up


@pytest.mark.spec(51)
@pytest.mark.parametrize("kind", ["highlevel", "basic+fake_highlevel_dc"])
def test_only_basic_charging_is_basic(kind: str) -> None:
    assert read(charging_type="basic").basic_charging
    assert not read(charging_type=kind).basic_charging


@pytest.mark.spec(93, 94)
def test_the_rcd() -> None:
    settings = read(
        rcd_monitor={
            "enable": True,
            "test_gpio": 84,
            "test_trigger_time": 50,
            "test_check_tripped_time": 750,
            "test_check_normal_time": 2000,
        }
    )
    assert settings.rcd == RcdSettings(True, True, 50, 750, 2_000)
    assert not read(rcd_monitor={"enable": True, "test_gpio": -1}).rcd.test


@pytest.mark.spec(94)
@pytest.mark.parametrize("value", [0, 5001])
def test_a_test_time_out_of_range_takes_the_default(value: int) -> None:
    times = ("test_trigger_time", "test_check_tripped_time", "test_check_normal_time")
    for name in times:
        assert read(rcd_monitor={name: value}).rcd == RcdSettings()
    assert read(rcd_monitor=dict.fromkeys(times, 5_000)).rcd.trigger_ms == 5_000


@pytest.mark.spec(96)
def test_a_check_that_could_come_too_late_takes_the_defaults() -> None:
    late: dict[str, JsonValue] = {
        "test_trigger_time": 100,
        "test_check_tripped_time": 300,
        "test_check_normal_time": 200,
    }
    assert read(rcd_monitor=late).rcd == RcdSettings()
    in_time = late | {"test_check_tripped_time": 299}
    assert read(rcd_monitor=in_time).rcd == RcdSettings(False, True, 100, 299, 200)


@pytest.mark.spec(42, 47)
def test_the_ventilation() -> None:
    settings = read(
        ventilation={"enable": True, "control": "external", "feedback_type": "none"},
        always_accept_cp_state_d=True,
    ).ventilation
    assert settings.enable
    assert settings.external
    assert settings.feedback is Feedback.NONE
    assert settings.always_accept_state_d


@pytest.mark.spec(42)
def test_without_a_second_relay_there_is_no_ventilation() -> None:
    settings = read(two_relays=False, ventilation={"enable": True, "control": "external"}).ventilation
    assert not settings.enable
    assert not settings.external


@pytest.mark.spec(50, 54, 58)
def test_phase_switching() -> None:
    settings = read(switch3to1phase={"enable": True, "feedback_type": "nc", "switch_delay": 300})
    assert settings.phase_switching
    assert settings.phases.feedback is Feedback.NORMALLY_CLOSED
    assert settings.phases.delay_s == 300
    assert read(switch3to1phase={"switch_delay": 9}).phases.delay_s == 20


@pytest.mark.spec(50)
def test_phase_switching_excludes_the_ventilation() -> None:
    settings = read(switch3to1phase={"enable": True}, ventilation={"enable": True})
    assert settings.phase_switching
    assert not settings.ventilation.enable
