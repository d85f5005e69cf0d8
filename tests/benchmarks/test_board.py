"""The benchmark of the emulated board: what it makes of what the board says."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.bench_board import RTC_EDGE, kernel_start


def test_the_time_before_the_kernel_counts() -> None:
    """Power at 1000, the chip's second 1060 began when the kernel was 52.25 s old."""
    assert kernel_start("1060 52.25", 1000.0) == 7.75


def test_the_clock_chip_is_read_when_its_second_begins(tmp_path: Path) -> None:
    """The shell reads 7, 7 and then 8."""
    rtc, up = tmp_path / "rtc", tmp_path / "up"
    up.write_text("52.25 3.00\n")
    # What is read is the next line each time.
    reading = "n=0; next() { n=$((n + 1)); [ $n -gt 2 ] && echo 8 || echo 7; }; "
    script = RTC_EDGE.replace("/sys/class/rtc/rtc0/since_epoch", str(rtc)).replace("/proc/uptime", str(up))
    for name in ("first", "second"):
        script = script.replace(f"read {name} <$rtc", f"next >$rtc; read {name} <$rtc")
    said = subprocess.run(["sh", "-c", reading + script], capture_output=True, text=True, check=True)
    assert said.stdout == "8 52.25\n"
