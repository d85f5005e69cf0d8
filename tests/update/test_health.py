"""What makes the system fit for service."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations.errors import ERRORS
from chargectl.update.health import (
    MINIMUM_FREE_BYTES,
    MINIMUM_FREE_FILES,
    PRESENCE,
    Check,
    Disk,
    Unit,
    as_json,
    healthy,
    judge_disk,
    judge_heartbeat,
    judge_port,
    judge_presence,
    judge_units,
    summary,
    summary_of_json,
)

TARGET = Unit("chargectl.target", "loaded", "active", "active")
PORTD = Unit("chargectl-portd.service", "loaded", "active", "running", "notify", "success", "1")
ONCE = Unit("chargectl-recover.service", "loaded", "inactive", "dead", "oneshot", "success", "2")

IDLE = {
    "chargectl/portd/errors": [],
    "port0/contactor/state/target": False,
    "port0/contactor/state/actual": False,
    "port0/ci/charge/cp/status": "A",
}
CHARGING = IDLE | {
    "port0/contactor/state/target": True,
    "port0/contactor/state/actual": True,
    "port0/ci/charge/cp/status": "C",
}


class TestUnits:
    def judge(self, *units: Unit, before: tuple[Unit, ...] | None = None, target: Unit = TARGET) -> list[str]:
        return judge_units(target, units if before is None else before, units)

    def test_active_services_and_work_that_is_done_are_good(self) -> None:
        assert self.judge(PORTD, ONCE) == []

    def test_a_service_that_has_not_notified_is_not_ready(self) -> None:
        starting = replace(PORTD, active="activating", sub="start")
        assert self.judge(starting) == ["chargectl-portd.service is not ready (start)"]

    @pytest.mark.parametrize(
        ("unit", "problem"),
        [
            (replace(PORTD, active="failed", sub="failed", result="watchdog"), "has failed (watchdog)"),
            (replace(PORTD, active="inactive", sub="dead"), "is inactive (dead)"),
            (replace(PORTD, active="deactivating", sub="stop-sigterm"), "is deactivating (stop-sigterm)"),
            (replace(PORTD, load="not-found", active="inactive", sub="dead"), "is not-found"),
            (replace(PORTD, load="bad-setting", active="inactive", sub="dead"), "is bad-setting"),
        ],
    )
    def test_anything_else_than_active_is_named(self, unit: Unit, problem: str) -> None:
        assert self.judge(unit) == [f"chargectl-portd.service {problem}"]

    def test_work_that_failed_is_named(self) -> None:
        failed = replace(ONCE, active="failed", sub="failed", result="exit-code")
        assert self.judge(PORTD, failed) == ["chargectl-recover.service has failed (exit-code)"]

    def test_what_is_masked_or_kept_out_by_its_condition_is_left_alone(self) -> None:
        masked = replace(PORTD, name="a.service", load="masked", active="inactive", sub="dead")
        skipped = replace(PORTD, name="b.service", active="inactive", sub="dead", condition=False)
        assert self.judge(PORTD, masked, skipped) == []

    def test_a_service_that_keeps_crashing_is_seen_though_it_is_active_each_time(self) -> None:
        assert self.judge(PORTD, before=(replace(PORTD, invocation="0"),)) == [
            "chargectl-portd.service was started again while it was watched"
        ]

    def test_work_that_was_done_again_is_no_problem(self) -> None:
        assert self.judge(PORTD, ONCE, before=(PORTD, replace(ONCE, invocation="0"))) == []

    def test_a_target_that_is_not_reached_is_named(self) -> None:
        assert self.judge(PORTD, target=replace(TARGET, active="inactive")) == [
            "chargectl.target is inactive"
        ]

    def test_a_target_without_services_proves_nothing(self) -> None:
        assert self.judge() == ["chargectl.target has no services"]

    def test_all_problems_are_told_at_once(self) -> None:
        units = [replace(PORTD, name=f"{name}.service", active="inactive", sub="dead") for name in "abc"]
        assert len(self.judge(*units)) == 3


class TestHeartbeat:
    def test_a_moving_one_is_good(self) -> None:
        assert judge_heartbeat((1, 100), (1, 120)) == []

    def test_the_first_beat_is_a_movement(self) -> None:
        assert judge_heartbeat(None, (1, 100)) == []

    def test_a_standing_one_is_not(self) -> None:
        assert judge_heartbeat((1, 100), (1, 100)) == ["portd's heartbeat stands still"]

    @pytest.mark.parametrize("before", [None, (1, 100)])
    def test_a_missing_one_is_not(self, before: object) -> None:
        assert judge_heartbeat(before, None) == ["portd's heartbeat is missing"]


class TestPort:
    @pytest.mark.parametrize("values", [IDLE, CHARGING, CHARGING | {"port0/ci/charge/cp/status": "D"}])
    def test_an_idle_port_and_one_that_charges_are_safe(self, values: dict[str, object]) -> None:
        assert judge_port(values) == []

    @pytest.mark.parametrize("pilot", ["A", "B", "E", "F", None])
    def test_a_contactor_that_is_driven_while_nobody_asks_is_not(self, pilot: str | None) -> None:
        problems = judge_port(CHARGING | {"port0/ci/charge/cp/status": pilot})
        assert any("driven closed while no EV asks" in problem for problem in problems)

    def test_a_contactor_that_reads_closed_unnoticed_is_not(self) -> None:
        assert judge_port(IDLE | {"port0/contactor/state/actual": True}) == [
            "the contactor reads closed although it is driven open, and portd does not report it"
        ]

    def test_an_unreachable_board_is_not(self) -> None:
        values: dict[str, object] = dict(IDLE, **{"chargectl/portd/errors": ["BoardFailure"]})
        del values["port0/ci/charge/cp/status"]
        assert judge_port(values) == [
            "BoardFailure: a pin, converter or driver of the board cannot be read or written"
        ]

    @pytest.mark.parametrize("code", [row.code for row in ERRORS if row.code != "BoardFailure"])
    def test_faults_of_the_installation_are_the_ports_business(self, code: str) -> None:
        assert judge_port(IDLE | {"chargectl/portd/errors": [code]}) == []

    def test_a_welded_contactor_that_is_reported_is_the_ports_business(self) -> None:
        values = IDLE | {
            "chargectl/portd/errors": ["PowerSwitchFailure"],
            "port0/contactor/state/actual": True,
        }
        assert judge_port(values) == []

    @pytest.mark.parametrize("missing", sorted(IDLE))
    def test_what_is_not_told_is_not_taken_for_safe(self, missing: str) -> None:
        values: dict[str, object] = dict(IDLE)
        del values[missing]
        assert len(judge_port(values)) == 1
        assert judge_port(values)[0].startswith("portd has not told ")

    def test_a_silent_port_is_told_in_one_line(self) -> None:
        assert len(judge_port({})) == 1

    @given(
        st.fixed_dictionaries(
            {
                "chargectl/portd/errors": st.lists(st.sampled_from([row.code for row in ERRORS])),
                "port0/contactor/state/target": st.booleans(),
                "port0/contactor/state/actual": st.booleans(),
                "port0/ci/charge/cp/status": st.sampled_from("ABCDEF"),
            }
        )
    )
    def test_nothing_is_safe_that_puts_power_where_nobody_asks(self, values: dict[str, object]) -> None:
        asked = values["port0/ci/charge/cp/status"] in ("C", "D")
        if values["port0/contactor/state/target"] and not asked:
            assert judge_port(values)


class TestPresence:
    def test_the_daemons_of_the_port_and_the_configuration_are_watched(self) -> None:
        assert {"portd", "configd"} <= {topic.daemon for topic in PRESENCE}

    def test_all_of_them_must_be_connected(self) -> None:
        values: dict[str, object] = {topic.path: True for topic in PRESENCE}
        assert judge_presence(values) == []
        values["chargectl/portd/online"] = False
        assert judge_presence(values) == ["portd is not connected"]
        del values["chargectl/portd/online"]
        assert judge_presence(values) == ["portd is not connected (it never was)"]


class TestDisk:
    def test_limits(self) -> None:
        enough = Disk("/srv", "", MINIMUM_FREE_BYTES, MINIMUM_FREE_FILES)
        assert judge_disk(enough) == []
        assert judge_disk(replace(enough, free_bytes=MINIMUM_FREE_BYTES - 1)) == [
            "/srv: 1023 KiB free, 1024 KiB are needed"
        ]
        assert judge_disk(replace(enough, free_files=MINIMUM_FREE_FILES - 1)) == [
            "/srv: room for 31 files, for 32 is needed"
        ]
        assert judge_disk(replace(enough, fault="cannot be written: Read-only file system")) == [
            "/srv: cannot be written: Read-only file system"
        ]


class TestResult:
    checks = (Check("daemons", ("a is inactive (dead)", "b is not ready (start)")), Check("disk"))

    def test_one_line_holds_everything(self) -> None:
        assert summary(self.checks) == "daemons: a is inactive (dead); daemons: b is not ready (start)"
        assert not healthy(self.checks)
        assert healthy(self.checks[1:])

    def test_it_can_be_read_again(self) -> None:
        assert summary_of_json(json.loads(json.dumps(as_json(self.checks)))) == summary(self.checks)

    @pytest.mark.parametrize("value", [None, [], {}, {"checks": 1}, {"checks": [1]}, {"checks": [{}]}])
    def test_anything_else_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match="no result"):
            summary_of_json(value)  # type: ignore[arg-type]
