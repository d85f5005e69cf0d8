"""Which image is installed, and that no stick makes the board restart for ever."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.stick_image import Choice, Image, Record, Running, judge, record_of

BOARD = "chargectl charge-control-c"
NEW = Image(BOARD, "2.0", "aa")
RUNNING = Running(BOARD, "1.0", "bb", installs=3)


def test_a_new_image_for_this_board_is_installed() -> None:
    assert judge(NEW, RUNNING).choice is Choice.INSTALL


@pytest.mark.spec(242)
def test_an_image_for_another_board_is_passed_over() -> None:
    verdict = judge(Image("someone's toaster", "2.0", "aa"), RUNNING)
    assert verdict.choice is Choice.NEXT
    assert verdict.reason == f"is for \"someone's toaster\"; this board takes images for '{BOARD}'"


@pytest.mark.spec(243)
def test_what_runs_is_not_installed_again() -> None:
    assert judge(Image(BOARD, "1.0", "bb"), RUNNING).choice is Choice.DONE


def test_the_hash_decides_not_the_version() -> None:
    assert judge(Image(BOARD, "1.0", "cc"), RUNNING).choice is Choice.INSTALL
    assert judge(Image(BOARD, "9.9", "bb"), RUNNING).choice is Choice.DONE


def test_without_hashes_the_version_decides() -> None:
    old_rauc = Running(BOARD, "1.0", "", installs=3)
    assert judge(Image(BOARD, "1.0"), old_rauc).choice is Choice.DONE
    assert judge(Image(BOARD, "2.0"), old_rauc).choice is Choice.INSTALL
    assert judge(Image(BOARD, ""), Running(BOARD, "", "", 0)).choice is Choice.INSTALL


def test_after_a_rollback_the_same_stick_is_not_tried_again() -> None:
    back = Running(BOARD, "1.0", "bb", installs=4, last=Record(NEW.identity, 4))
    assert judge(NEW, back).choice is Choice.DONE
    assert judge(Image(BOARD, "2.1", "dd"), back).choice is Choice.INSTALL


def test_the_record_is_void_once_somebody_else_has_installed() -> None:
    downgraded = Running(BOARD, "1.0", "bb", installs=5, last=Record(NEW.identity, 4))
    assert judge(NEW, downgraded).choice is Choice.INSTALL


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 10**17))
def test_a_record_survives_its_file(version: str, hashed: str, installs: int) -> None:
    identity = Image(BOARD, version, "".join(hashed.split())).identity
    record = Record(identity, installs)
    assert record_of(record.text()) == record


@given(st.text(max_size=60))
def test_any_other_file_is_no_record(text: str) -> None:
    found = record_of(text)
    assert found is None or found.text().split() == [found.identity, str(found.installs)]


@pytest.mark.parametrize(
    "text", ["", "aa 3", "aa\n", "aa b\n", "aa 3 4\n", "aa ³\n", "aa " + "9" * 5000 + "\n"]
)
def test_a_damaged_record_says_nothing(text: str) -> None:
    assert record_of(text) is None


@dataclass
class Board:
    """A board with two slots; ``broken`` bundles come up in none of them, ``unfit`` ones do not install."""

    broken: frozenset[str]
    unfit: frozenset[str]
    slots: list[Image | None] = field(default_factory=lambda: [None, None])
    booted: int = 0
    installs: int = 0
    last: Record | None = None

    def start(self, stick: list[Image]) -> bool:
        """One start with the stick in; returns whether the board restarts."""
        runs = self.slots[self.booted]
        running = Running(
            BOARD, runs.version if runs else "", runs.hash if runs else "", self.installs, self.last
        )
        for image in stick:
            choice = judge(image, running).choice
            if choice is Choice.DONE:
                return False
            if choice is Choice.INSTALL and image.hash not in self.unfit:
                other = 1 - self.booted
                self.slots[other] = image
                self.installs += 1
                self.last = Record(image.identity, self.installs)
                if image.hash not in self.broken:
                    self.booted = other
                return True
        return False


hashes = st.sampled_from(["h1", "h2", "h3", "h4"])
images = st.builds(lambda name: Image(BOARD if name != "h4" else "other", "v" + name, name), hashes)


@pytest.mark.spec(243)
@given(
    st.lists(images, max_size=6),
    st.frozensets(hashes),
    st.frozensets(hashes),
    st.lists(images, max_size=2),
)
def test_no_stick_makes_the_board_restart_for_ever(
    stick: list[Image], broken: frozenset[str], unfit: frozenset[str], before: list[Image]
) -> None:
    board = Board(broken, unfit)
    for earlier in before:
        board.start([earlier])
    starts = 0
    while board.start(stick):
        starts += 1
        assert starts <= 2, "the board restarts again and again"
