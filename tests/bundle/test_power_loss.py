"""The power goes away anywhere in an update: there is always one system that starts, with the owner's files.

Two updates are carried out for real, A to B and B to A, on a disk that remembers in which order it was
written and flushed. Then the power is cut at many points of that history, each time with other unflushed
writes lost or torn. `CHARGECTL_POWER_CUTS` sets how often (for a long night), `CHARGECTL_POWER_SEED` where
the dice begin.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bundle.board import (
    CUSTOMER,
    DISK_SIZE,
    ENV_AT,
    ENV_SIZE,
    OWNER_FILES,
    SLOT_AT,
    SLOT_SIZE,
    choose_slots,
    load_environment,
    make_image,
)
from tests.bundle.conftest import Factory
from tests.bundle.flaky_disk import RECORD, Cut, Replay, Write, read_log
from tests.bundle.running import Running

CUTS = int(os.environ.get("CHARGECTL_POWER_CUTS", "120"))
SEED = int(os.environ.get("CHARGECTL_POWER_SEED", "20260301"))
LATER = CUSTOMER.replace("13", "10")
"""What the owner changes between the installation and the restart."""

PHASES = ("install B", "change", "count B", "start B", "good B", "install A", "count A", "start A", "good A")


@dataclass(frozen=True, slots=True)
class History:
    """The disk before, all that was written, and where in the log each phase ended."""

    image: Path
    log: list[Write]
    ends: dict[str, int]
    activated: dict[str, int]
    """By slot: the first entry of the log with which the boot loader would take it."""

    def phase(self, point: int) -> str:
        return next(name for name in PHASES if point <= self.ends[name])


def cycle(board: Running, bundle: Path, target: str, mark: object) -> None:
    """One update into ``target``, its first start, and the good end."""
    assert callable(mark)
    done = board.install(bundle)
    assert done.returncode == 0, done.stdout + board.service_log.read_text()
    mark(f"install {target}")
    if target == "B":
        write_atomically(board.path("etc/secc/customer.json"), LATER)
        mark("change")
    board.shut_down()
    # U-Boot counts the try and saves before it starts the system.
    environment = load_environment(board.environment())
    assert environment is not None
    assert choose_slots(environment)[0] == target
    board.inside("fw_setenv", "-c", board.fw_config(), f"BOOT_{target}_LEFT", "2")
    mark(f"count {target}")
    board.boot(target)
    board.system("/usr/lib/chargectl/migrate-late")
    mark(f"start {target}")
    board.system("rauc", "status", "mark-good")
    mark(f"good {target}")


def write_atomically(path: Path, text: str) -> None:
    new = path.with_name(".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@pytest.fixture(scope="module")
def history(
    factory: Factory, factory_disk: Path, bundle_2: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("power")
    disk, log = folder / "disk", folder / "log"
    shutil.copy(factory_disk, disk)
    third = factory.bundle(make_image(factory.release("3.0"), factory.folder / "3.0.ext4"), "3.0")
    marks: dict[str, int] = {}
    with Running(folder / "run", disk, log) as board:
        board.boot("A")
        marks["boot"] = board.position()
        for bundle, target in ((bundle_2, "B"), (third, "A")):
            cycle(board, bundle, target, lambda name: marks.update({name: board.position()}))
        board.shut_down()
    entries = list(read_log(log))
    yield History(factory_disk, entries, counted(marks, entries), activations(factory_disk, entries))
    shutil.rmtree(folder)


def counted(marks: dict[str, int], entries: list[Write]) -> dict[str, int]:
    """Positions in bytes as numbers of entries."""
    ends, size, number = {}, 0, 0
    for name, at in sorted(marks.items(), key=lambda item: item[1]):
        while size < at:
            size += RECORD.size + len(entries[number].data)
            number += 1
        ends[name] = number
    return ends


def activations(disk: Path, entries: list[Write]) -> dict[str, int]:
    """When, on a disk that loses nothing, each slot first became the one that is tried first."""
    content = bytearray(disk.read_bytes()[: SLOT_AT["A"]])
    found: dict[str, int] = {}
    first = "A"
    for number, entry in enumerate(entries):
        if entry.data and entry.offset < SLOT_AT["A"]:
            content[entry.offset : entry.offset + len(entry.data)] = entry.data
            environment = load_environment([bytes(content[at : at + ENV_SIZE]) for at in ENV_AT])
            now = choose_slots(environment)[0]
            if now != first:
                found[now] = number
                first = now
    return found


def points(history: History, chance: random.Random) -> list[int]:
    """Where to cut: every phase often, and around each flush and each write of the environment."""
    begin = history.ends["boot"]
    chosen = []
    starts = [begin, *(history.ends[name] for name in PHASES[:-1])]
    for start, name in zip(starts, PHASES, strict=True):
        end = history.ends[name]
        whole = range(start, end + 1)
        edges = [
            number
            for number in whole
            if number < len(history.log)
            and (not history.log[number].data or history.log[number].offset < SLOT_AT["A"])
        ]
        # An installation is long and has many parts; the others are some writes each.
        wanted = CUTS * 3 // 10 if name.startswith("install") else CUTS * 4 // 70
        for number in range(wanted):
            chosen.append(chance.choice(edges if edges and number % 2 else whole))
    return sorted(chosen)


def examine(cut: Cut, folder: Path) -> tuple[str, dict[str, str]]:
    """Start as U-Boot would: the slot it takes, proven sound, and the owner's files in it."""
    environment = load_environment([bytes(cut.region(at, ENV_SIZE)) for at in ENV_AT])
    assert environment is not None, "both copies of the environment are broken"
    slot = choose_slots(environment)[0]
    image = folder / "slot"
    image.write_bytes(cut.region(SLOT_AT[slot], SLOT_SIZE))
    replayed = subprocess.run(
        ["e2fsck", "-E", "journal_only", "-y", image], capture_output=True, text=True, check=False
    )
    assert replayed.returncode in (0, 1), f"slot {slot}: {replayed.stdout}{replayed.stderr}"
    checked = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"slot {slot}: {checked.stdout}{checked.stderr}"
    names = [*OWNER_FILES, "etc/chargectl-release"]
    commands = "".join(f"dump /{name} {folder / str(number)}\n" for number, name in enumerate(names))
    subprocess.run(["debugfs", "-f", "-", image], input=commands, capture_output=True, text=True, check=True)
    texts = {name: (folder / str(number)).read_text() for number, name in enumerate(names)}
    for number in range(len(names)):
        (folder / str(number)).unlink()
    return slot, texts


@pytest.mark.spec(263, 2)
def test_wherever_the_power_goes_one_sound_system_with_the_owners_files_starts(
    history: History, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    replay = Replay(history.image, history.log)
    assert set(history.activated) == {"A", "B"}
    seen: dict[str, set[str]] = {name: set() for name in PHASES}
    lost = 0
    chosen = points(history, chance)
    assert len(chosen) >= CUTS * 9 // 10
    for point in chosen:
        replay.advance(point)
        lost += replay.unflushed > 0
        phase = history.phase(point)
        slot, texts = examine(replay.cut(chance), tmp_path)
        told = f"seed {SEED}, point {point} of {len(history.log)} ({phase}), slot {slot}"
        seen[phase].add(slot)
        version = texts.pop("etc/chargectl-release").partition("\n")[0]
        assert version in allowed(history, point, slot), told
        customer = texts.pop("etc/secc/customer.json")
        assert customer in (CUSTOMER, LATER), told
        assert texts == {name: OWNER_FILES[name] for name in texts}, told
        if point < history.activated["B"]:
            assert slot == "A", told
            assert customer == CUSTOMER, told
        elif PHASES.index(phase) > PHASES.index("good B") and point < history.activated["A"]:
            assert slot == "B", told
            assert customer == LATER, told
    # The dice did lose writes, and met both ends of what they were thrown for.
    assert lost > CUTS // 4
    assert "A" in seen["install B"]
    assert "B" in seen["install A"]
    assert seen["good A"] == {"A"}


def allowed(history: History, point: int, slot: str) -> tuple[str, ...]:
    """Which version may be found in a slot that is started."""
    if slot == "B":
        return ("VERSION=2.0",)
    return ("VERSION=1.0",) if point < history.activated["A"] else ("VERSION=3.0",)


@pytest.mark.parametrize("phase", ["install B", "start B", "install A"])
def test_after_a_cut_the_next_update_goes_through(
    history: History, factory: Factory, bundle_2: Path, tmp_path: Path, phase: str
) -> None:
    chance = random.Random(SEED)
    before = history.ends[(("boot", *PHASES))[PHASES.index(phase)]]
    replay = Replay(history.image, history.log)
    replay.advance((before + history.ends[phase]) // 2)
    disk = tmp_path / "disk"
    cut = replay.cut(chance)
    disk.write_bytes(cut.region(0, DISK_SIZE))
    environment = load_environment([bytes(cut.region(at, ENV_SIZE)) for at in ENV_AT])
    slot = choose_slots(environment)[0]
    with Running(tmp_path / "run", disk) as board:
        board.boot(slot)
        done = board.install(bundle_2)
        assert done.returncode == 0, done.stdout + board.service_log.read_text()
        assert choose_slots(load_environment(board.environment()))[0] == {"A": "B", "B": "A"}[slot]
        board.shut_down()
