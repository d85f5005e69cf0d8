"""nbd-hold: how long udev keeps a network block device open, which RAUC streams a bundle through."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "overlays/common/usr/lib/chargectl/nbd-hold"
LONGEST = 150
"""Pauses of 0.2 s: 30 s."""
RUN = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /sys
mkdir -p /sys/block/nbd0/holders
echo "$size" >/sys/block/nbd0/size
[ -z "$holder" ] || touch "/sys/block/nbd0/holders/$holder"
exec sh "$script" nbd0
"""


def pauses(tmp_path: Path, size: str = "91176", holder: str = "", third: str = ":") -> int:
    """Run it on a simulated device; how often it paused. ``third`` happens in the third pause."""
    if os.geteuid() != 0:
        pytest.skip("a /sys of its own needs root")
    count = tmp_path / "count"
    sleep = tmp_path / "sleep"
    sleep.write_text(f'#!/bin/sh\necho "$1" >>{count}\n[ "$(wc -l <{count})" != 3 ] || {third}\n')
    sleep.chmod(0o755)
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", RUN],
        env={
            "PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin",
            "script": str(SCRIPT),
            "size": size,
            "holder": holder,
        },
        check=True,
        timeout=60,
    )
    return len(count.read_text().splitlines()) if count.exists() else 0


def test_it_waits_until_the_verity_device_stands_on_it(tmp_path: Path) -> None:
    assert pauses(tmp_path, third="touch /sys/block/nbd0/holders/dm-0") == 3


def test_it_waits_no_longer_than_there_is_a_server(tmp_path: Path) -> None:
    assert pauses(tmp_path, third="echo 0 >/sys/block/nbd0/size") == 3


@pytest.mark.parametrize(("size", "holder"), [("0", ""), ("91176", "dm-0")])
def test_it_does_not_wait_for_what_is_so_already(tmp_path: Path, size: str, holder: str) -> None:
    assert pauses(tmp_path, size, holder) == 0


def test_it_gives_up_where_nobody_comes(tmp_path: Path) -> None:
    assert pauses(tmp_path) == LONGEST
