"""Asking the service manager: a real one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chargectl.system import units as module
from chargectl.system.units import Units, UnitsError
from chargectl.update.health import Unit, judge_units
from tests.systemd_rig import SystemdRig, require

SLEEPER = "[Service]\nExecStart=/bin/sleep 1000\n"
NOTIFIER = """[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'while ! test -e "{flag}"; do sleep 0.05; done; systemd-notify --ready; exec sleep 1000'
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdRig]:
    require()
    with SystemdRig(tmp_path_factory.mktemp("systemd")) as running:
        yield running


@pytest.fixture
def units(rig: SystemdRig) -> Units:
    return Units(rig.command)


def problems(units: Units, target: str) -> list[str]:
    names = units.members(target)
    shown = units.show((target, *names))
    return judge_units(shown[0], shown[1:], shown[1:])


def test_a_service_is_ready_once_it_has_notified(rig: SystemdRig, units: Units) -> None:
    flag = rig.root / "ready"
    rig.unit("ready.service", NOTIFIER.format(flag=flag))
    rig.unit("ready.target", "[Unit]\nWants=ready.service\nAfter=ready.service\n")
    rig.call("start", "--no-block", "ready.target")
    rig.wait("ready.service", "activating")
    assert problems(units, "ready.target") == [
        "ready.target is inactive",
        "ready.service is not ready (start)",
    ]
    flag.touch()
    rig.wait("ready.target", "active")
    assert problems(units, "ready.target") == []


def test_wanted_and_required_units_are_members(rig: SystemdRig, units: Units) -> None:
    rig.unit("members.target", "[Unit]\nWants=b.service\nRequires=a.service\n")
    assert units.members("members.target") == ("a.service", "b.service")


def test_failed_work_and_missing_units_are_seen(rig: SystemdRig, units: Units) -> None:
    rig.unit("fails.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    rig.unit("works.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    rig.unit("work.target", "[Unit]\nWants=fails.service works.service none.service\n")
    rig.call("start", "work.target")
    rig.wait("fails.service", "failed")
    assert problems(units, "work.target") == [
        "fails.service has failed (exit-code)",
        "none.service is not-found",
    ]
    assert "fails.service" in units.failed("fail*")
    assert units.failed("works*") == ()


def test_a_unit_that_its_condition_keeps_out_is_no_problem(rig: SystemdRig, units: Units) -> None:
    rig.unit("kept-out.service", "[Unit]\nConditionPathExists=/no/such/file\n" + SLEEPER)
    rig.unit("sleeper.service", SLEEPER)
    rig.unit("kept.target", "[Unit]\nWants=kept-out.service sleeper.service\n")
    assert "kept-out.service is inactive (dead)" in problems(units, "kept.target"), "nobody has asked yet"
    rig.call("start", "kept.target")
    rig.wait("sleeper.service", "active")
    assert problems(units, "kept.target") == []


def test_each_start_has_its_own_invocation(rig: SystemdRig, units: Units) -> None:
    rig.unit("again.service", SLEEPER)
    rig.call("start", "again.service")
    first = units.show(["again.service"])[0]
    units.restart("again.service")
    deadline = time.monotonic() + 30
    while (
        second := units.show(["again.service"])[0]
    ).invocation == first.invocation or not second.invocation:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert judge_units(Unit("t", "loaded", "active", "active"), [first], [second]) == [
        "again.service was started again while it was watched"
    ]


def test_units_are_told_in_the_order_they_were_asked_for(units: Units) -> None:
    names = ["none-b.service", "basic.target", "none-a.service"]
    assert [unit.name for unit in units.show(names)] == names
    assert [unit.load for unit in units.show(names)] == ["not-found", "loaded", "not-found"]
    assert units.show([]) == ()


def test_a_manager_that_hangs_is_told(rig: SystemdRig, units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.5)
    rig.hang()
    try:
        with pytest.raises(UnitsError, match=r"the service manager did not answer .* in 0.5 s"):
            units.show(["basic.target"])
    finally:
        rig.hang(False)


def test_refusals_are_one_line_with_the_managers_words(units: Units) -> None:
    with pytest.raises(UnitsError, match=r"^.*systemctl restart: .*no-such.service not found\.?$"):
        units.restart("no-such.service")


def test_a_missing_command_is_told() -> None:
    with pytest.raises(UnitsError, match="No such file"):
        Units(("/no/such/systemctl",)).members()
