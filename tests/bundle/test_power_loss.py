"""The power goes away anywhere in an update: there is always one system that starts, with the owner's files.

Two updates are carried out for real, A to B and B to A, on a disk that remembers in which order it was
written and flushed. Then the power is cut at many points of that history, each time with other unflushed
writes lost or torn. `CHARGECTL_POWER_CUTS` sets how often (for a long night), `CHARGECTL_POWER_SEED` where
the dice begin.

A cut that fails is kept in `.run/power-loss`: the disk as it was found and a report. Two recordings are never
quite alike, so the seed alone does not bring it back.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
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
from tests.bundle.miniroot import REPOSITORY
from tests.bundle.running import Running

CUTS = int(os.environ.get("CHARGECTL_POWER_CUTS", "120"))
SEED = int(os.environ.get("CHARGECTL_POWER_SEED", "20260301"))
LATER = CUSTOMER.replace("13", "10")
"""What the owner changes between the installation and the restart."""

KEPT = REPOSITORY / ".run/power-loss"
CHUNK = 1024 * 1024
MOUNT_FAILED = 32
"""mount(8)."""

SUPERBLOCKS = {slot: range(at + 1024, at + 2048) for slot, at in SLOT_AT.items()}
"""Written whole or not at all: ext4 is built on that. It writes the superblock outside of the journal when
it is mounted or unmounted, and because of its checksum the kernel refuses one whose two sectors are of
different times; no order of writes helps against that. JEDEC promises no more than whole sectors, but with
blocks of 4096 bytes the superblock is part of one aligned write of that size, and flash memory maps no less
at once. All else, U-Boot's environment too, is torn between any two sectors.
"""

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
    slot = tried(cut)[0]
    return slot, files(found(cut, slot, folder), slot)


def tried(cut: Cut) -> list[str]:
    """The slots that U-Boot would try."""
    environment = load_environment([bytes(cut.region(at, ENV_SIZE)) for at in ENV_AT])
    assert environment is not None, "both copies of the environment are broken"
    return choose_slots(environment)


def found(cut: Cut, slot: str, folder: Path) -> Path:
    """What is in a slot after the cut, as a file of its own."""
    image = folder / "slot"
    image.write_bytes(cut.region(SLOT_AT[slot], SLOT_SIZE))
    return image


def files(image: Path, slot: str) -> dict[str, str]:
    """The owner's files in a slot that must be sound once it was started.

    First what each start does (the kernel, then systemd-fsck-root): the journal is replayed, and files that
    were deleted while a program had them open are given up. A crash may leave some of these, and then the
    counts of free blocks are wrong until somebody does so; that is no fault. "clean" says that e2fsck saw no
    reason to look at more than this, let alone to mend it. So what a wrong order of writes left is still
    there, and the full check must find nothing.
    """
    started = e2fsck("-p", image)
    checked = e2fsck("-fn", image)
    said = f"slot {slot}: {told(started)}{told(checked)}"
    assert started.returncode in (0, 1), said
    assert ": clean, " in started.stdout, said
    assert checked.returncode == 0, said
    names = [*OWNER_FILES, "etc/chargectl-release"]
    copies = [image.with_name(str(number)) for number in range(len(names))]
    commands = "".join(f"dump /{name} {copy}\n" for name, copy in zip(names, copies, strict=True))
    dumped = subprocess.run(
        ["debugfs", "-f", "-", image], input=commands, capture_output=True, text=True, check=False
    )
    missing = [name for name, copy in zip(names, copies, strict=True) if not copy.exists()]
    assert not missing, f"slot {slot} has no {', '.join(missing)}: {told(dumped)}"
    texts = {name: copy.read_text(errors="replace") for name, copy in zip(names, copies, strict=True)}
    for copy in copies:
        copy.unlink()
    return texts


def e2fsck(how: str, image: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["e2fsck", how, image], capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """All that a program said, and how it ended."""
    return f"{' '.join(map(str, done.args))}: exit {done.returncode}\n{done.stdout}{done.stderr}"


@contextlib.contextmanager
def explained(history: History, point: int, cut: Cut) -> Iterator[None]:
    """A failure says all there is to know of its cut, and keeps the disk as it was found."""
    try:
        yield
    except Exception as error:
        where = f"seed {SEED}, point {point} of {len(history.log)} ({history.phase(point)})"
        marks = f"phases end at {history.ends}, slots are activated at {history.activated}"
        report = f"{where}\n{marks}\n{error}\nwrites since the last flush:\n{cut.story()}\n"
        try:
            end = f"kept in {keep(cut, report, f'seed-{SEED}-point-{point}-')}"
        except OSError as trouble:
            end = f"not kept: {trouble}"
        raise AssertionError(report + end) from error


def keep(cut: Cut, report: str, name: str) -> Path:
    """Put the disk as it was found and a report into a folder of their own."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=name, dir=KEPT))
    (folder / "report.txt").write_text(report)
    with (folder / "disk").open("wb") as disk:
        disk.truncate(DISK_SIZE)
        for at in range(0, DISK_SIZE, CHUNK):
            part = cut.region(at, CHUNK)
            if any(part):
                disk.seek(at)
                disk.write(part)
    return folder


@pytest.mark.spec(263, 2)
def test_wherever_the_power_goes_one_sound_system_with_the_owners_files_starts(
    history: History, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    replay = Replay(history.image, history.log, tuple(SUPERBLOCKS.values()))
    assert set(history.activated) == {"A", "B"}
    seen: dict[str, set[str]] = {name: set() for name in PHASES}
    lost = 0
    chosen = points(history, chance)
    assert len(chosen) >= CUTS * 9 // 10
    for point in chosen:
        replay.advance(point)
        lost += replay.unflushed > 0
        cut = replay.cut(chance)
        with explained(history, point, cut):
            slot, texts = examine(cut, tmp_path)
            judge(history, point, slot, texts)
        seen[history.phase(point)].add(slot)
    # The dice did lose writes, and met both ends of what they were thrown for.
    assert lost > CUTS // 4
    assert "A" in seen["install B"]
    assert "B" in seen["install A"]
    assert seen["good A"] == {"A"}


def judge(history: History, point: int, slot: str, texts: dict[str, str]) -> None:
    """Whether this slot with these files may be the one that is started."""
    phase = history.phase(point)
    version = texts["etc/chargectl-release"].partition("\n")[0]
    assert version in allowed(history, point, slot), f"slot {slot} has {version}"
    customer = texts["etc/secc/customer.json"]
    others = {name: text for name, text in OWNER_FILES.items() if name != "etc/secc/customer.json"}
    assert {name: texts[name] for name in others} == others, f"slot {slot}"
    assert customer in (CUSTOMER, LATER), f"slot {slot} has {customer!r}"
    if point < history.activated["B"]:
        assert slot == "A"
        assert customer == CUSTOMER, f"slot {slot} has {customer!r}"
    elif PHASES.index(phase) > PHASES.index("good B") and point < history.activated["A"]:
        assert slot == "B"
        assert customer == LATER, f"slot {slot} has {customer!r}"


def allowed(history: History, point: int, slot: str) -> tuple[str, ...]:
    """Which version may be found in a slot that is started."""
    if slot == "B":
        return ("VERSION=2.0",)
    return ("VERSION=1.0",) if point < history.activated["A"] else ("VERSION=3.0",)


@pytest.mark.parametrize(("slot", "other"), [("B", "A"), ("A", "B")])
@pytest.mark.parametrize("sector", [0, 1])
def test_a_new_system_whose_superblock_is_torn_leaves_the_old_one_to_start(
    history: History, tmp_path: Path, slot: str, other: str, sector: int
) -> None:
    """Where a disk does tear a superblock: the first mount of the new system writes it."""
    begin = history.ends[f"count {slot}"]
    mounting = next(
        number
        for number, entry in enumerate(history.log[begin:], begin)
        if entry.data and entry.offset == SUPERBLOCKS[slot][0]
    )
    replay = Replay(history.image, history.log)
    replay.advance(mounting)
    cut = replay.cut_in([sector])
    with explained(history, mounting, cut):
        assert tried(cut) == [slot, other]
        refused = mounted(found(cut, slot, tmp_path), tmp_path)
        assert refused.returncode == MOUNT_FAILED, told(refused)
        texts = files(found(cut, other, tmp_path), other)
        judge(history, mounting, other, texts)
        assert texts["etc/secc/customer.json"] == LATER
        # Nothing else is amiss: with the whole superblock it starts.
        whole = replay.cut_in([0, 1])
        files(found(whole, slot, tmp_path), slot)
        accepted = mounted(found(whole, slot, tmp_path), tmp_path)
        assert accepted.returncode == 0, told(accepted)


def mounted(image: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let the kernel mount it, and unmount it. Writable, or it replays no journal."""
    mount = 'mount -t ext4 -o loop "$0" "$1" && umount "$1"'
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, image, folder],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("phase", ["install B", "start B", "install A"])
def test_after_a_cut_the_next_update_goes_through(
    history: History, factory: Factory, bundle_2: Path, tmp_path: Path, phase: str
) -> None:
    chance = random.Random(SEED)
    before = history.ends[(("boot", *PHASES))[PHASES.index(phase)]]
    replay = Replay(history.image, history.log, tuple(SUPERBLOCKS.values()))
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
