"""What is done with which stick, decided without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.stick import (
    FIXED_NAMES,
    IMAGE_BYTES,
    KEYRING_BYTES,
    MOST_IMAGES,
    MOST_NOTES,
    SCRIPT_BYTES,
    SIGNATURE_BYTES,
    Entry,
    Kind,
    Role,
    plan,
    shown,
)

KEYRING, KEYRING_P7S, SCRIPT, SCRIPT_P7S = FIXED_NAMES
names = st.one_of(
    st.sampled_from([*FIXED_NAMES, b"x.image", b".x.image", b"-rf.image", b"a\nb.image", b"\xff'\".image"]),
    st.binary(min_size=1, max_size=200).filter(lambda name: b"/" not in name and b"\0" not in name),
    st.binary(max_size=20).map(lambda name: name.replace(b"/", b"").replace(b"\0", b"") + b".image"),
)
entries = st.builds(Entry, names, st.sampled_from(Kind), st.integers(0, 1 << 42))


def file(name: bytes, size: int = 100, kind: Kind = Kind.FILE) -> Entry:
    return Entry(name, kind, size)


def test_the_names_are_those_of_the_guide() -> None:
    assert FIXED_NAMES == (
        b"fwupdate-keyring.pem",
        b"fwupdate-keyring.pem.p7s",
        b"autorun.sh",
        b"autorun.sh.p7s",
    )


def test_all_three_are_found_on_one_stick() -> None:
    found = plan([file(name) for name in (b"b.image", *FIXED_NAMES, b"a.image", b"readme.txt")])
    assert found.keyring is not None
    assert found.keyring.role is Role.KEYRING
    assert found.script is not None
    assert found.script.role is Role.SCRIPT
    assert found.images == (b"a.image", b"b.image")
    assert found.notes == ()
    assert not found.empty


@pytest.mark.parametrize("name", [b"x.IMAGE", b"image", b"x.image.part", b"x.imagex", b"Autorun.sh", b"x"])
def test_other_names_are_no_business_of_the_board(name: bytes) -> None:
    found = plan([file(name), file(name + b".p7s")])
    assert found.empty
    assert found.notes == ()


@pytest.mark.spec(272)
@pytest.mark.parametrize(("name", "signature"), [(KEYRING, KEYRING_P7S), (SCRIPT, SCRIPT_P7S)])
def test_one_half_of_a_pair_is_ignored_with_a_line(name: bytes, signature: bytes) -> None:
    alone = plan([file(name)])
    assert alone.empty
    assert alone.notes == (f"'{name.decode()}': ignored: not signed: no '{signature.decode()}' beside it",)
    left = plan([file(signature)])
    assert left.empty
    assert left.notes == (f"'{signature.decode()}': ignored: no '{name.decode()}' beside it",)


@pytest.mark.parametrize("kind", [Kind.FOLDER, Kind.LINK, Kind.OTHER])
@pytest.mark.parametrize("name", [*FIXED_NAMES, b"x.image"])
def test_only_regular_files_count(name: bytes, kind: Kind) -> None:
    others = [file(other) for other in FIXED_NAMES if other != name]
    found = plan([*others, file(name, kind=kind)])
    used = [pair.role.value for pair in (found.keyring, found.script) if pair] + list(found.images)
    assert not any(name.startswith(one) for one in used)
    assert found.notes == (f"'{name.decode()}': ignored: {kind.value}; only regular files count",)


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        (KEYRING, KEYRING_BYTES),
        (KEYRING_P7S, SIGNATURE_BYTES),
        (SCRIPT, SCRIPT_BYTES),
        (SCRIPT_P7S, SIGNATURE_BYTES),
        (b"x.image", IMAGE_BYTES),
    ],
)
def test_sizes_have_limits(name: bytes, largest: int) -> None:
    others = [file(other) for other in FIXED_NAMES if other != name]
    for size, fits in ((0, False), (1, True), (largest, True), (largest + 1, False)):
        found = plan([*others, file(name, size)])
        assert (found.notes == ()) is fits
        if not fits:
            assert found.notes == (f"'{name.decode()}': ignored: {size} bytes; 1 to {largest} are allowed",)
            assert sum(part is not None for part in (found.keyring, found.script)) + len(found.images) < 3


def test_hidden_companions_are_no_images() -> None:
    found = plan([file(b"._x.image"), file(b"x.image"), file(b".image")])
    assert found.images == (b"x.image",)
    assert len(found.notes) == 2


def test_many_images_are_not_all_looked_into() -> None:
    found = plan([file(b"%05d.image" % number) for number in range(10_000)])
    assert found.images == tuple(b"%05d.image" % number for number in range(MOST_IMAGES))
    assert len(found.notes) == 1


def test_many_notes_do_not_drown_the_log() -> None:
    found = plan([file(b"%05d.image" % number, kind=Kind.LINK) for number in range(10_000)])
    assert len(found.notes) == MOST_NOTES + 1
    assert found.notes[-1] == f"{10_000 - MOST_NOTES} more are passed over as well"


@given(st.lists(entries, max_size=30))
def test_whatever_is_on_a_stick_only_what_fits_is_used(found_entries: list[Entry]) -> None:
    by_name = {entry.name: entry for entry in found_entries}
    found = plan(found_entries)
    for pair in (found.keyring, found.script):
        if pair is not None:
            for name, largest in ((pair.name, pair.largest), (pair.signature, SIGNATURE_BYTES)):
                assert by_name[name].kind is Kind.FILE
                assert 0 < by_name[name].size <= largest
    for name in found.images:
        assert name.endswith(b".image")
        assert not name.startswith(b".")
        assert by_name[name].kind is Kind.FILE
        assert 0 < by_name[name].size <= IMAGE_BYTES
    assert list(found.images) == sorted(set(found.images))
    assert len(found.images) <= MOST_IMAGES
    for note in found.notes:
        assert note.isprintable()
    assert plan(reversed(list(by_name.values()))) == found


@given(st.binary(max_size=300))
def test_any_name_is_shown_on_one_printable_line(name: bytes) -> None:
    text = shown(name)
    assert text.isprintable()
    assert len(text) < 900
    assert text[0] == text[-1] == "'"


def test_names_are_shown_so_that_people_know_them_again() -> None:
    assert shown(b"update 2.0.image") == "'update 2.0.image'"
    assert shown("für-später.image".encode()) == "'für-später.image'"
    assert shown(b"a\nb\x1b[31m\xff") == "'a\\nb\\x1b[31m\\xff'"
