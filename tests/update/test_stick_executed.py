"""The list of scripts that have run."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.stick_executed import added, contains

sums = st.binary(max_size=8).map(lambda data: hashlib.md5(data).hexdigest())
ONE = hashlib.md5(b"one").hexdigest()


@pytest.mark.spec(269)
def test_one_sum_stands_on_each_line() -> None:
    two = hashlib.md5(b"two").hexdigest()
    assert added(added(b"", ONE), two) == f"{ONE}\n{two}\n".encode()


@given(st.binary(max_size=200), sums)
def test_what_was_added_is_found_and_the_rest_is_kept(content: bytes, md5: str) -> None:
    new = added(content, md5)
    assert contains(new, md5)
    assert new.startswith(content)


@given(st.lists(sums, unique=True, min_size=1))
def test_a_removed_line_is_forgotten(all_sums: list[str]) -> None:
    content = b""
    for md5 in all_sums:
        content = added(content, md5)
    gone = all_sums[0].encode()
    rest = b"".join(line for line in content.splitlines(keepends=True) if gone not in line)
    assert not contains(rest, all_sums[0])
    assert all(contains(rest, md5) for md5 in all_sums[1:])


def test_the_output_of_md5sum_is_understood() -> None:
    assert contains(f"{ONE}  autorun.sh\r\n".encode(), ONE)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", ONE[:-1].encode(), b"x" + ONE.encode(), ONE.upper().encode()]
)
def test_what_only_looks_like_it_is_not_it(content: bytes) -> None:
    assert not contains(content, ONE)


@pytest.mark.parametrize("md5", ["", "0" * 31, "0" * 33, "Z" * 32, "A" * 32, "0" * 32 + "\n", "é" * 32])
def test_only_sums_are_added(md5: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        added(b"", md5)
