"""The history of boots."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.history import (
    MAXIMUM_BOOTS,
    NO_LAST_WORD,
    NO_USER_SPACE,
    TRIES,
    WATCHDOG_RESET,
    Boot,
    GivenUp,
    History,
    Outcome,
    begin,
    conclude,
    find_rollback,
    from_json,
    reboot_helps,
    rolled_back,
    to_json,
)

texts = st.text(max_size=12)
given_ups = st.builds(GivenUp, st.sampled_from("AB"), st.sampled_from(["", "1.0", "2.0"]))
boots = st.builds(
    Boot,
    st.uuids().map(str),
    st.sampled_from("AB"),
    st.sampled_from(["1.0", "2.0"]),
    texts,
    st.sampled_from(Outcome),
    texts,
    st.none() | given_ups,
)
histories = st.lists(boots, max_size=MAXIMUM_BOOTS).map(tuple)


def history(*runs: str, given_up: GivenUp | None = None) -> History:
    """Boots from words such as ``A1.0 good`` or ``B2.0 failed: why``; ``given_up`` is the last one's."""
    found = []
    for number, run in enumerate(runs):
        name, _, outcome = run.partition(" ")
        outcome, _, reason = outcome.partition(": ")
        last = number == len(runs) - 1
        found.append(
            Boot(
                f"boot-{number}",
                name[0],
                name[1:],
                "2026-01-01T00:00:00.000Z",
                Outcome(outcome),
                reason,
                given_up if last else None,
            )
        )
    return tuple(found)


def started(number: int = 99, slot: str = "A", version: str = "1.0") -> Boot:
    return Boot(f"boot-{number}", slot, version, "2026-01-01T00:00:00.000Z")


class TestRecording:
    def test_a_new_boot_is_the_last_one_and_under_way(self) -> None:
        assert begin(history("A1.0 good"), started())[-1] == started()

    def test_the_same_boot_is_noted_once(self) -> None:
        once = begin((), started())
        assert begin(once, started()) == once

    def test_the_same_boot_is_noted_once_also_when_its_outcome_is_known(self) -> None:
        known = conclude(begin((), started()), "boot-99", Outcome.GOOD)
        assert begin(known, started()) == known

    def test_a_boot_without_outcome_ended_without_a_word(self) -> None:
        before = begin(history("B2.0 started"), started())[0]
        assert (before.outcome, before.reason) == (Outcome.FAILED, NO_LAST_WORD)

    def test_the_watchdog_is_named_for_the_last_boot_only(self) -> None:
        found = begin(history("B2.0 started", "B2.0 started"), started(), watchdog_reset=True)
        assert [boot.reason for boot in found[:2]] == [NO_LAST_WORD, WATCHDOG_RESET]

    def test_a_reset_after_a_good_boot_leaves_it_good(self) -> None:
        before = begin(history("A1.0 good"), started(), watchdog_reset=True)[0]
        assert (before.outcome, before.reason) == (Outcome.GOOD, "")

    def test_a_reason_is_one_short_line(self) -> None:
        found = conclude(begin((), started()), "boot-99", Outcome.FAILED, "port:\n  " + "x" * 1000)
        assert found[0].reason.startswith("port: xxx")
        assert len(found[0].reason) == 400

    def test_a_boot_that_recovers_is_good_without_a_reason(self) -> None:
        failed = conclude(begin((), started()), "boot-99", Outcome.FAILED, "broker: is away")
        assert (
            conclude(failed, "boot-99", Outcome.GOOD, "x")[0]
            == conclude((started(),), "boot-99", Outcome.GOOD)[0]
        )

    def test_an_unknown_boot_is_nobodys_outcome(self) -> None:
        assert conclude(history("A1.0 good"), "other", Outcome.FAILED, "x") == history("A1.0 good")

    @given(histories, boots)
    def test_the_history_is_bounded_and_keeps_the_newest(self, before: History, boot: Boot) -> None:
        after = begin(before, boot)
        assert len(after) <= MAXIMUM_BOOTS
        assert after[-1] == boot or any(known.boot_id == boot.boot_id for known in before)
        if after is not before:
            assert all(known.outcome is not Outcome.STARTED for known in after[:-1])


class TestRollback:
    @pytest.mark.spec(259)
    def test_three_tries_and_back_in_one_sentence(self) -> None:
        why = "daemons: chargectl-portd.service is not ready"
        assert (
            rolled_back(history("A1.0 good", *[f"B2.0 failed: {why}"] * 3, "A1.0 started"))
            == f"version 2.0 in slot B did not come up in 3 tries: {why}; running 1.0 from slot A"
        )

    def test_different_reasons_are_told_newest_first(self) -> None:
        found = find_rollback(
            history("A1.0 good", "B2.0 failed: one", "B2.0 failed: two", "B2.0 failed: one", "A1.0 good")
        )
        assert found is not None
        assert found.reasons == ("one", "two")
        assert found.tries == 3

    @pytest.mark.parametrize(
        "runs",
        [
            (),
            ("A1.0 started",),
            ("A1.0 failed: x", "A1.0 started"),
            ("A1.0 good", "B2.0 started"),
            ("A1.0 good", "B2.0 failed: x", "B2.0 failed: x", "B2.0 started"),
            ("A1.0 good", "B2.0 failed: x", "B2.0 good"),
            ("A1.0 good", "B2.0 good", "A1.0 started"),
            ("A1.0 good", "B2.0 failed: x", "B2.0 good", "A1.0 good"),
            ("A1.0 good", "B2.0 failed: x", "A1.0 good", "B3.0 good"),
        ],
    )
    def test_no_rollback(self, runs: tuple[str, ...]) -> None:
        assert rolled_back(history(*runs)) is None

    def test_it_stays_true_over_further_boots_but_is_new_only_once(self) -> None:
        failed = ("A1.0 good", *["B2.0 failed: x"] * 3)
        first, later = (
            find_rollback(history(*failed, "A1.0 good")),
            find_rollback(history(*failed, "A1.0 good", "A1.0 good")),
        )
        assert first is not None
        assert later is not None
        assert first.just_now
        assert not later.just_now
        assert first.sentence == later.sentence

    def test_failures_before_an_earlier_good_boot_do_not_count(self) -> None:
        found = find_rollback(history("B2.0 failed: old", "B2.0 good", "B2.0 failed: new", "A1.0 started"))
        assert found is not None
        assert (found.tries, found.reasons) == (1, ("new",))

    def test_tries_that_never_reached_user_space_are_told_by_the_bootloader(self) -> None:
        assert rolled_back(history("A1.0 good", "A1.0 started", given_up=GivenUp("B", "2.0"))) == (
            f"version 2.0 in slot B did not come up in 3 tries: {NO_USER_SPACE}; running 1.0 from slot A"
        )

    def test_unrecorded_tries_are_new_only_once(self) -> None:
        lost = GivenUp("B", "2.0")
        first = history("A1.0 good", "A1.0 failed: no last word", given_up=lost)
        second = begin(first, replace(started(7), given_up=lost))
        third = begin(conclude(second, "boot-7", Outcome.GOOD), started(8))
        again = begin(conclude(second, "boot-7", Outcome.GOOD), replace(started(9), given_up=lost))
        told = [find_rollback(known) for known in (first, second, third, again)]
        assert [rollback and rollback.just_now for rollback in told] == [True, False, False, True]

    def test_the_newest_of_two_unrecorded_failures_is_told(self) -> None:
        first = history("A1.0 good", "A1.0 good", given_up=GivenUp("B", "2.0"))
        found = find_rollback(begin(first, replace(started(7), given_up=GivenUp("B", "3.0"))))
        assert found is not None
        assert (found.version, found.just_now) == ("3.0", True)

    def test_tries_of_which_some_were_recorded(self) -> None:
        found = find_rollback(
            history("A1.0 good", "B2.0 failed: why", "A1.0 started", given_up=GivenUp("B", "2.0"))
        )
        assert found is not None
        assert (found.tries, found.reasons) == (3, ("why",))

    def test_what_the_bootloader_gave_up_wins_over_an_older_failure(self) -> None:
        found = find_rollback(history("B2.0 failed: why", "A1.0 started", given_up=GivenUp("B", "3.0")))
        assert found is not None
        assert (found.version, found.reasons) == ("3.0", (NO_USER_SPACE,))

    def test_unknown_names_are_said_to_be_unknown(self) -> None:
        assert rolled_back((Boot("a", "B", "", "", Outcome.FAILED), Boot("b", "", "", ""))) == (
            f"an unknown version in slot B did not come up in 1 try: {NO_LAST_WORD}; "
            "running an unknown version from slot ?"
        )

    @given(histories)
    def test_whatever_happened_a_rollback_ends_in_what_runs(self, found: History) -> None:
        rollback = find_rollback(found)
        if rollback is None:
            return
        assert (rollback.running_slot, rollback.running_version) == (found[-1].slot, found[-1].version)
        assert rollback.tries >= 1
        assert rollback.reasons
        assert rollback.sentence == rolled_back(found)


class TestRebooting:
    """The bootloader's tries are used up; then the board stays up."""

    @pytest.mark.spec(259)
    @pytest.mark.parametrize("failures", range(1, TRIES + 1))
    def test_each_of_the_bootloaders_tries_is_used(self, failures: int) -> None:
        fallback = 3
        left = TRIES - failures + fallback
        assert reboot_helps(history("A1.0 good", *["B2.0 failed: x"] * failures), left)

    def test_without_tries_left_the_bootloader_would_only_begin_anew(self) -> None:
        assert not reboot_helps(history("A1.0 good", *["A1.0 failed: x"] * TRIES), 0)

    def test_a_fourth_failure_stays_up_though_the_bootloader_has_begun_anew(self) -> None:
        assert not reboot_helps(history("A1.0 good", *["A1.0 failed: x"] * (TRIES + 1)), 2)

    def test_a_good_boot_gives_all_tries_back(self) -> None:
        assert reboot_helps(history(*["A1.0 failed: x"] * 3, "A1.0 good", "A1.0 failed: x"), 2)

    def test_the_other_slots_tries_are_its_own(self) -> None:
        assert reboot_helps(history("A1.0 good", *["B2.0 failed: x"] * 3, "A1.0 failed: y"), 2)

    def test_two_slots_that_both_fail_do_not_take_turns_for_ever(self) -> None:
        tail = ("A1.0 failed: x",) * 3 + ("B2.0 failed: x",) * 3 + ("A1.0 failed: x",)
        assert not reboot_helps(history(*tail), None)

    def test_a_disk_that_forgets_leaves_the_count_to_the_bootloader(self) -> None:
        assert reboot_helps(None, 1)
        assert not reboot_helps(None, 0)

    def test_a_bootloader_that_cannot_be_asked_leaves_the_count_to_the_history(self) -> None:
        assert reboot_helps(history(*["A1.0 failed: x"] * TRIES), None)
        assert not reboot_helps(history(*["A1.0 failed: x"] * (TRIES + 1)), None)

    def test_when_nothing_counts_any_more_the_board_stays_up(self) -> None:
        assert not reboot_helps(None, None)

    @given(st.lists(st.sampled_from("AB"), min_size=8, max_size=20), st.data())
    def test_without_a_good_boot_rebooting_always_ends(self, slots: list[str], data: st.DataObject) -> None:
        """However the bootloader chooses and counts: two slots cannot use up more than their tries."""
        found: History = ()
        for reboots, slot in enumerate(slots):
            found = begin(found, started(reboots, slot))
            found = conclude(found, f"boot-{reboots}", Outcome.FAILED, "x")
            if not reboot_helps(found, data.draw(st.none() | st.integers(0, 6))):
                break
        else:
            pytest.fail("it goes on for ever")
        assert reboots <= 2 * TRIES


class TestFile:
    @given(histories)
    def test_what_is_written_is_read_again(self, found: History) -> None:
        assert from_json(json.loads(json.dumps(to_json(found)))) == found

    def test_members_of_a_later_program_are_passed_over(self) -> None:
        value = to_json(history("A1.0 good"))
        assert isinstance(value, dict)
        assert isinstance(value["boots"], list)
        assert isinstance(value["boots"][0], dict)
        value["boots"][0]["temperature"] = 21
        value["more"] = []
        assert from_json(value) == history("A1.0 good")

    def test_too_long_a_file_is_cut_at_the_old_end(self) -> None:
        many = history(*["A1.0 good"] * (MAXIMUM_BOOTS + 5))
        assert from_json(to_json(many)) == many[5:]

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            ([], "format 1"),
            ({"format": 2, "boots": []}, "format 1"),
            ({"format": 1}, "boots"),
            ({"format": 1, "boots": [3]}, "boots[0]"),
            ({"format": 1, "boots": [{"outcome": "gone"}]}, "started, good, failed"),
            ({"format": 1, "boots": [{"outcome": "good", "boot_id": ""}]}, "boot_id"),
            ({"format": 1, "boots": [{"outcome": "good", "boot_id": "x", "slot": 1}]}, "boots[0]/slot"),
            (
                {"format": 1, "boots": [{"outcome": "good", "boot_id": "x", "given_up": "B"}]},
                "boots[0]/given_up",
            ),
        ],
    )
    def test_anything_else_is_refused_with_its_place(self, value: object, says: str) -> None:
        with pytest.raises(ValueError, match=r".") as caught:
            from_json(value)  # type: ignore[arg-type]
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | texts,
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["format", "boots", "outcome", "boot_id", "slot"]), inner)
            ),
        )
    )
    def test_nothing_but_a_value_error_comes_out(self, value: object) -> None:
        with contextlib.suppress(ValueError):
            from_json({"format": 1, "boots": [value]})  # type: ignore[list-item]
