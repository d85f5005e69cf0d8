"""What the guard decides, in time that costs nothing; the same under CPython and under MicroPython."""

from __future__ import annotations

import importlib.util
import inspect
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.system import heartbeat
from tests.guard.rig import GUARD

POLL_MS = 100
PORTD = 700
NEXT = 701


def load(name: str) -> Any:
    """A module of the guard; it is no package, so nothing can import it by a name."""
    spec = importlib.util.spec_from_file_location(f"guard_{name}", GUARD / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


policy = load("policy")


class World:
    """portd, PID 1 and the boot as the guard sees them; everything well from the start."""

    def __init__(self, healthy: bool = True) -> None:
        self.now = 0
        self.policy = policy.Policy(0)
        self.holder = PORTD
        self.mark = ""
        self.healthy = healthy
        self.degraded = False
        self.beats = True
        self.file = 1
        self.gone = False
        self.time = 0
        self.silent = 0

    def run(self, milliseconds: int) -> World:
        """Let time pass, and the guard look every 100 ms."""
        for _ in range(milliseconds // POLL_MS):
            self.now += POLL_MS
            self.time += self.beats
            beat = None if self.gone else (self.file, self.time)
            boot = policy.HEALTHY if self.healthy else policy.DEGRADED if self.degraded else ""
            self.policy.step(self.now, beat, self.holder, self.mark, boot, self.silent)
        return self

    def until(self, name: str, value: object, limit_ms: int) -> int:
        """Let time pass until the policy says so; return how long it took (ms)."""
        start = self.now
        while getattr(self.policy, name) != value:
            assert self.now - start < limit_ms, f"{name} is {getattr(self.policy, name)!r}"
            self.run(POLL_MS)
        return self.now - start


def test_while_everything_is_well_it_feeds_and_leaves_the_outputs_alone() -> None:
    world = World().run(1_000_000)
    assert (world.policy.feed, world.policy.safe, world.policy.taken) == (True, False, 0)
    assert world.policy.why == "portd is at work"


@pytest.mark.spec(307)
def test_a_standstill_costs_the_outputs_within_1_s_and_the_board_5_s_later() -> None:
    world = World().run(1_000)
    world.beats = False
    assert 700 <= world.until("safe", True, 1_000) <= 900
    assert world.policy.taken == PORTD
    assert 4_000 <= world.until("feed", False, 10_000) <= 4_500
    assert world.policy.fault == "portd hangs: no heartbeat for 5 s"
    world.beats = True
    world.run(60_000)
    assert (world.policy.feed, world.policy.safe) == (False, True), "what calls for a reset stays"


def test_short_pauses_cost_nothing() -> None:
    world = World().run(1_000)
    for _ in range(100):
        world.beats = False
        world.run(600)
        world.beats = True
        world.run(100)
        assert not world.policy.safe


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_heartbeat_that_is_not_the_same_file_is_no_sign_of_life(how: str) -> None:
    world = World().run(1_000)
    world.beats = False
    for _ in range(10):
        world.gone = how == "removed"
        world.file += how == "replaced"
        world.time += how == "replaced"
        world.run(100)
    assert world.policy.safe
    assert world.policy.taken == PORTD


def test_a_new_heartbeat_file_counts_when_its_time_changes() -> None:
    world = World().run(1_000)
    world.file += 1
    for _ in range(100):
        world.run(100)
        assert not world.policy.safe


def test_a_heartbeat_without_a_process_is_no_sign_of_life() -> None:
    world = World().run(1_000)
    world.holder = 0
    world.run(100)
    assert world.policy.safe
    assert world.until("feed", False, 60_000) >= policy.RESTART_MS


def test_time_of_day_may_step_back() -> None:
    world = World().run(1_000)
    world.time = -1_000_000
    for _ in range(20):
        world.run(100)
        assert not world.policy.safe


def test_a_crash_leaves_30_s_for_the_next_start() -> None:
    world = World().run(1_000)
    world.holder = 0
    assert world.until("safe", True, 1_000) == 100
    world.run(20_000)
    world.holder, world.mark, world.beats = NEXT, policy.STARTING, False
    world.run(100)
    assert not world.policy.safe, "it is handed over: the new process puts them to their safe levels itself"
    world.run(9_000)
    assert world.policy.feed
    world.mark, world.beats = "", True
    world.run(100_000)
    assert (world.policy.feed, world.policy.safe) == (True, False)


def test_a_new_process_is_not_blamed_for_the_time_before_it() -> None:
    world = World().run(1_000)
    world.holder, world.beats = 0, False
    world.run(10_000)
    # It has its lock, and the heartbeat file still is as the one before has left it.
    world.holder = NEXT
    world.run(300)
    assert (world.policy.safe, world.policy.taken) == (False, 0)


def test_the_end_of_one_process_is_none_of_the_next() -> None:
    world = World().run(1_000)
    world.mark = policy.FAILED
    world.run(1_000)
    world.holder, world.mark = NEXT, ""
    world.run(20_000)
    assert not world.policy.safe
    world.beats = False
    assert world.until("feed", False, 10_000) <= 6_000
    assert world.policy.fault == "portd hangs: no heartbeat for 5 s"


def test_a_stop_ends_the_wait_for_a_restart() -> None:
    world = World().run(1_000)
    world.holder, world.beats = 0, False
    world.run(20_000)
    world.mark = policy.STOPPED
    world.run(60_000)
    world.holder, world.mark = NEXT, policy.STARTING
    world.run(20_000)
    assert world.policy.feed


def test_the_first_reason_for_a_reset_stays_the_reason() -> None:
    world = World().run(1_000)
    world.silent = policy.PID1_MS + 1
    world.run(100)
    world.silent, world.holder = 0, 0
    world.run(60_000)
    assert world.policy.why == world.policy.fault == "PID 1 has not answered for 30 s"


def test_starts_that_fail_again_and_again_are_no_return() -> None:
    world = World().run(1_000)
    for pid in range(1_000, 1_020):
        world.holder, world.mark, world.beats = pid, policy.STARTING, False
        world.run(3_000)
        world.holder = 0
        world.run(100)
    assert world.policy.fault == "portd has not come back within 30 s"
    assert world.policy.safe


def test_while_the_board_boots_portd_may_take_longer() -> None:
    world = World(healthy=False)
    world.holder = 0
    world.run(120_000)
    assert world.policy.feed
    world.holder, world.mark = NEXT, policy.STARTING
    world.run(100_000)
    assert world.policy.feed


@pytest.mark.parametrize("works", [True, False])
def test_a_boot_that_is_not_found_healthy_in_time_is_reset(works: bool) -> None:
    world = World(healthy=False)
    if not works:
        world.holder = 0
    assert world.until("feed", False, 400_000) == policy.HEALTHY_MS + POLL_MS
    assert world.policy.fault == "the boot was not found healthy within 300 s"
    assert world.policy.safe, "the contactor opens before the reset"
    assert world.policy.taken == (PORTD if works else 0)


def test_a_relay_line_that_does_not_obey_any_more_calls_for_a_reset() -> None:
    world = World().run(1_000)
    world.beats = False
    world.until("safe", True, 2_000)
    world.policy.outputs(world.now, "relay 1")
    world.policy.outputs(world.now + policy.LOST_MS, "relay 1")
    world.run(POLL_MS)
    assert world.policy.feed
    world.policy.outputs(world.now, "")
    world.policy.outputs(world.now, "relay 1")
    world.policy.outputs(world.now + policy.LOST_MS, "relay 1")
    world.run(POLL_MS)
    assert world.policy.feed
    world.policy.outputs(world.now + policy.LOST_MS + 1, "relay 1")
    world.run(POLL_MS)
    assert (world.policy.feed, world.policy.why) == (False, "relay 1 cannot be put to its safe level")


@pytest.mark.parametrize("portd", ["works", "hangs", "is away"])
def test_a_degraded_board_stays_up_with_safe_outputs(portd: str) -> None:
    world = World(healthy=False).run(1_000)
    world.degraded = True
    world.beats = portd == "works"
    world.holder = 0 if portd == "is away" else PORTD
    world.run(600_000)
    assert world.policy.feed
    assert world.policy.safe is (portd != "works")
    world.silent = policy.PID1_MS + 1
    world.run(POLL_MS)
    assert not world.policy.feed, "a dead PID 1 helps nobody"


def test_what_was_degraded_and_becomes_healthy_is_guarded_again() -> None:
    world = World(healthy=False)
    world.degraded = True
    world.run(1_000)
    world.healthy, world.degraded = True, False
    world.run(1_000)
    world.beats = False
    world.until("feed", False, 10_000)
    assert world.policy.fault == "portd hangs: no heartbeat for 5 s"


def test_once_healthy_is_enough() -> None:
    world = World().run(100)
    world.healthy = False
    world.run(400_000)
    assert world.policy.feed


def test_stopped_on_purpose_is_fed_for_as_long_as_it_takes() -> None:
    world = World().run(1_000)
    world.mark, world.beats = policy.STOPPED, False
    world.run(3_000)
    world.holder = 0
    world.run(10_000_000)
    assert (world.policy.feed, world.policy.safe) == (True, True)
    world.holder, world.mark = NEXT, policy.STARTING
    world.run(10_000)
    assert (world.policy.feed, world.policy.safe) == (True, False)


@pytest.mark.parametrize("mark", ["stopped", "failed"])
def test_a_portd_that_never_gets_out_is_reset_with_its_outputs_safe(mark: str) -> None:
    world = World().run(1_000)
    world.mark, world.beats = mark, False
    assert world.until("safe", True, 1_000) == 100
    assert world.until("feed", False, 60_000) >= policy.ENDING_MS


def test_a_portd_that_wakes_up_has_time_to_end_but_not_to_go_on() -> None:
    world = World().run(1_000)
    world.beats = False
    world.run(3_000)
    world.beats = True
    world.run(200)
    world.beats = False
    world.run(7_000)
    assert (world.policy.feed, world.policy.safe, world.policy.taken) == (True, True, PORTD)
    world.beats = True
    world.run(3_000)
    assert world.policy.safe, "it does not get its outputs back"
    assert world.until("feed", False, 20_000) > 0
    assert world.policy.fault == "portd goes on although its outputs were taken over"


def test_a_next_process_with_the_number_of_the_one_before_is_told_from_it() -> None:
    world = World().run(1_000)
    world.beats = False
    world.run(2_000)
    world.mark = policy.STARTING
    world.run(200)
    assert world.policy.taken == 0


def test_a_guard_that_is_started_anew_takes_a_hung_portd_for_what_it_is() -> None:
    world = World()
    world.beats = False
    world.run(500)
    assert not world.policy.safe, "it is given the time of any other"
    assert world.until("safe", True, 2_000) <= 500
    assert world.until("feed", False, 10_000) <= 5_000


def test_a_guard_that_is_started_anew_gives_back_nothing_that_was_taken() -> None:
    world = World()
    world.policy = policy.Policy(0, taken=PORTD)
    world.run(3_000)
    assert (world.policy.feed, world.policy.safe, world.policy.taken) == (True, True, PORTD)
    world.holder, world.mark, world.beats = NEXT, policy.STARTING, False
    world.run(100)
    assert (world.policy.safe, world.policy.taken) == (False, 0)


@pytest.mark.spec(307)
def test_a_hung_pid_1_is_reset_with_the_outputs_safe_first() -> None:
    world = World().run(1_000)
    world.silent = policy.PID1_MS
    world.run(100)
    assert (world.policy.feed, world.policy.safe) == (True, False)
    world.silent += POLL_MS
    world.run(100)
    assert (world.policy.feed, world.policy.safe, world.policy.taken) == (False, True, PORTD)
    assert world.policy.fault == "PID 1 has not answered for 30 s"


def test_both_sides_mean_the_same_by_the_marks() -> None:
    ours = (policy.STARTING, policy.STOPPED, policy.FAILED)
    theirs = (heartbeat.STARTING, heartbeat.STOPPED, heartbeat.FAILED)
    assert ours == tuple(mark.decode().strip() for mark in theirs)


def observations() -> st.SearchStrategy[list[Any]]:
    """Runs of (polls, does the time change, file, holder, mark, boot, how long PID 1 is silent)."""
    return st.lists(
        st.tuples(
            st.integers(1, 80),
            st.booleans(),
            st.integers(0, 2),
            st.sampled_from([0, PORTD, NEXT]),
            st.sampled_from(["", "", policy.STARTING, policy.STOPPED, policy.FAILED]),
            st.sampled_from(["", policy.HEALTHY, policy.DEGRADED]),
            st.sampled_from([0, 0, 0, 5_000, 29_000, 31_000]),
        ),
        max_size=30,
    )


def replay(module: Any, runs: list[Any]) -> list[tuple[bool, bool, int, str]]:
    """Everything the policy says, poll by poll."""
    decides, now, time, said = module.Policy(0), 0, 0, []
    for polls, beats, file, holder, mark, boot, silent in runs:
        for _ in range(polls):
            now, time = now + POLL_MS, time + beats
            decides.step(now, (file, time) if file else None, holder, mark, boot, silent)
            said.append((decides.feed, decides.safe, decides.taken, decides.why))
    return said


@given(observations())
def test_whatever_happens(runs: list[Any]) -> None:
    said = replay(policy, runs)
    index, still = 0, 0
    last: tuple[int, int] | None = None
    for polls, beats, file, holder, mark, _, _ in runs:
        for _ in range(polls):
            feed, safe, _, why = said[index]
            assert feed or safe, "no reset with the contactor closed"
            assert why
            alive = bool(file and beats and last == (file, holder) and holder)
            still = 0 if alive or last is None or last[1] != holder else still + POLL_MS
            last = (file, holder)
            if mark != policy.STARTING and (not holder or still > policy.SAFE_MS + POLL_MS):
                assert safe, f"a portd that does not work has no outputs ({why})"
            index += 1
    feeds = [feed for feed, *_ in said]
    assert feeds == sorted(feeds, reverse=True), "a fault that calls for a reset stays"


def test_micropython_decides_the_same(micropython: str, tmp_path: Path) -> None:
    chance = random.Random(307)
    marks = ["", "", "", policy.STARTING, policy.STOPPED, policy.FAILED]
    runs = [
        [
            (
                chance.randrange(1, 80),
                chance.random() < 0.7,
                chance.choice([0, 1, 1, 1, 2]),
                chance.choice([0, PORTD, PORTD, NEXT]),
                chance.choice(marks),
                chance.random() < 0.5,
                chance.choice([0, 0, 0, 31_000]) if chance.random() < 0.1 else 0,
            )
            for _ in range(20)
        ]
        for _ in range(20)
    ]
    script = tmp_path / "replay.py"
    script.write_text(
        f"import json, sys\nPOLL_MS = {POLL_MS}\nsys.path.insert(0, {str(GUARD)!r})\nimport policy\n"
        f"{inspect.getsource(replay)}\n"
        "for line in sys.stdin:\n    print(json.dumps(replay(policy, json.loads(line))))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [micropython, str(script)],
        input="".join(json.dumps(each) + "\n" for each in runs),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    assert theirs == [[list(one) for one in replay(policy, each)] for each in runs]
    assert {feed for each in theirs for feed, *_ in each} == {True, False}
