"""Which certificates a device accepts that does not know the time, and one that does.

RAUC's service runs through the overlay's starter and handler, with libfaketime in place of a wrong clock.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bundle.board import choose_slots, load_environment
from tests.bundle.conftest import Factory
from tests.bundle.miniroot import REPOSITORY
from tests.bundle.running import Running
from tests.rauc_rig import run

SCRIPTS = REPOSITORY / "overlays/common/usr/lib/chargectl"
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), "")
NOW = int(time.time())
BUILT = "2026-01-01T00:00:00Z"
BUILT_AT = 1767225600

pytestmark = pytest.mark.skipif(not LIBRARY, reason="libfaketime (package faketime) is not installed")

Start = Callable[..., Running]


def wrong_clock(at: int | None) -> list[str]:
    """Words that give a program another time of day."""
    if at is None:
        return []
    return ["env", "LD_PRELOAD=/srv/faketime.so", f"FAKETIME=@{stamp(at)}", "DONT_FAKE_MONOTONIC=1"]


def stamp(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


@pytest.fixture
def start(factory_disk: Path, tmp_path: Path) -> Iterator[Callable[..., object]]:
    @contextmanager
    def booted(*, clock: bool, at: int | None = None, build: str = "") -> Iterator[Running]:
        disk = tmp_path / "disk"
        shutil.copy(factory_disk, disk)
        with Running(tmp_path / "run", disk) as board:
            board.boot("A")
            shutil.copy(LIBRARY, board.path("srv/faketime.so"))
            if build:
                release = board.path("etc/chargectl-release")
                release.write_text(release.read_text().replace(BUILT, build))
            board.shut_down()
            board.boot("A", clock=clock, around=wrong_clock(at))
            yield board
            board.shut_down()

    yield booted
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def back_dated(factory: Factory, bundle_2: Path) -> Path:
    """Signed by the expired signer, with a time in its signature at which it was still valid."""
    out = factory.folder / "back-dated.image"
    pki = factory.pki
    content = factory.folder / "content"
    run("rauc", "extract", f"--keyring={pki / 'ca.pem'}", bundle_2, content)
    done = subprocess.run(
        [
            *("rauc", "bundle", f"--cert={pki / 'expired.pem'}", f"--key={pki / 'expired.key'}"),
            *("--mksquashfs-args=-comp lz4", str(content), str(out)),
        ],
        env={**os.environ, "LD_PRELOAD": LIBRARY, "FAKETIME": "-3h", "DONT_FAKE_MONOTONIC": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(content)
    return out


def said(board: Running, bundle: Path) -> str:
    done = board.install(bundle)
    return f"{'done' if done.returncode == 0 else 'refused'} {done.stdout}{board.service_log.read_text()}"


def test_with_a_clock_an_expired_signer_is_refused_whatever_its_signature_says(
    start: Callable[..., object], back_dated: Path
) -> None:
    with start(clock=True) as board:  # type: ignore[attr-defined]
        heard = said(board, back_dated)
        assert heard.startswith("refused")
        assert "certificate has expired" in heard
        assert choose_slots(load_environment(board.environment()))[0] == "A"


@pytest.mark.parametrize(
    ("at", "build"), [(None, ""), (0, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW)))]
)
def test_without_a_clock_a_signer_that_had_expired_by_the_last_known_time_is_refused(
    start: Callable[..., object], back_dated: Path, at: int | None, build: str
) -> None:
    """The last known time is the clock's, which starts from the saved one, or that of the image's build."""
    with start(clock=False, at=at, build=build) as board:  # type: ignore[attr-defined]
        heard = said(board, back_dated)
        assert heard.startswith("refused")
        assert "Using bundle signing time" in heard or "Verified detached signature" in heard
        assert "had expired by the last time that this device knew" in heard
        assert choose_slots(load_environment(board.environment()))[0] == "A"


@pytest.mark.parametrize(("clock", "at"), [(False, 0), (False, BUILT_AT + 60), (True, 0)])
def test_a_fresh_certificate_is_accepted_by_a_device_that_lost_the_time(
    start: Callable[..., object], factory: Factory, bundle_2: Path, at: int, clock: bool
) -> None:
    """1970, with or without a claim of being synchronised: a time before the build cannot be right."""
    with start(clock=clock, at=at) as board:  # type: ignore[attr-defined]
        plain = board.path("run/plain.image")
        plain.write_bytes(bundle_2.read_bytes())
        strict = board.system(
            *wrong_clock(at), "rauc", "--conf=/etc/rauc/system.conf", "info", "/run/plain.image", check=False
        )
        assert "not yet valid" in strict.stdout + strict.stderr
        plain.unlink()
        heard = said(board, bundle_2)
        assert heard.startswith("done"), heard
        assert choose_slots(load_environment(board.environment()))[0] == "B"


@pytest.mark.parametrize("good", [True, False])
def test_without_a_clock_a_file_that_is_named_only_by_its_descriptor_is_checked_too(
    start: Callable[..., object], bundle_2: Path, back_dated: Path, good: bool
) -> None:
    """So bundles on a stick are handed over, which is mounted for nobody else."""
    with start(clock=False, at=0 if good else None) as board:  # type: ignore[attr-defined]
        bundle = bundle_2 if good else back_dated
        board.path("run/stick.image").write_bytes(bundle.read_bytes())
        by_descriptor = "exec 7</run/stick.image; rm /run/stick.image; rauc install /proc/$$/fd/7"
        done = board.system("sh", "-c", by_descriptor, check=False)
        heard = done.stdout + board.service_log.read_text()
        assert (done.returncode == 0) is good, heard
        assert ("had expired by the last time that this device knew" in heard) is not good
        assert choose_slots(load_environment(board.environment()))[0] == ("B" if good else "A")


# --- what is known of the time


@pytest.mark.parametrize(
    ("rtc", "hctosys", "saved", "trusted"),
    [
        (0, "1", -600, True),  # kept time
        (-3, "1", -600, True),
        (-3600, "1", -7200, False),  # the clock was not set from it
        (0, "0", -600, False),  # the kernel did not use it
        (-600, "1", 0, False),
        (0, "1", 600, False),  # behind what was known already
        (None, "1", -600, False),
    ],
)
def test_an_rtc_counts_only_if_it_kept_time(
    tmp_path: Path, rtc: int | None, hctosys: str, saved: int, trusted: bool
) -> None:
    now = int(time.time())
    if rtc is not None:
        (tmp_path / "since_epoch").write_text(f"{now + rtc}\n")
        (tmp_path / "hctosys").write_text(f"{hctosys}\n")
    clock = tmp_path / "clock"
    clock.touch()
    os.utime(clock, (now + saved, now + saved))
    script = f". {SCRIPTS}/rauc-time; RTC={tmp_path}; SAVED={clock}; SYNCHRONIZED=/nowhere; time_is_trusted"

    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)

    assert (done.returncode == 0) is trusted, done.stderr


@pytest.mark.parametrize(
    ("states", "restarts", "waits"),
    [
        (['s "idle"'], [0], 0),
        (['s "installing"', 's "installing"', 's "idle"'], [0], 2),
        # RAUC, or the bus, does not answer; the restart is refused.
        (["", "", 's "idle"'], [0], 2),
        (['s "idle"', 's "idle"'], [1, 0], 1),
    ],
)
def test_once_the_clock_is_set_rauc_is_restarted_but_not_while_it_installs(
    tmp_path: Path, states: list[str], restarts: list[int], waits: int
) -> None:
    next_line = "{ line=$(sed -n 1p FILE); sed -i 1d FILE; }"
    for name, text in {
        "busctl": f'{next_line.replace("FILE", f"{tmp_path}/states")}; echo "$line"; [ -n "$line" ]',
        "systemctl": f'echo "$*" >>{tmp_path}/calls; [ "$1" = try-restart ] || exit 0; '
        f'{next_line.replace("FILE", f"{tmp_path}/restarts")}; exit "$line"',
        "sleep": f"echo sleep >>{tmp_path}/calls",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "states").write_text("".join(f"{state}\n" for state in states))
    (tmp_path / "restarts").write_text("".join(f"{code}\n" for code in restarts))
    (tmp_path / "mark").touch()
    script = (SCRIPTS / "rauc-clock-set").read_text()
    assert "/run/chargectl-rauc/system.conf" in script
    script = script.replace("/run/chargectl-rauc/system.conf", str(tmp_path / "mark"))
    path = f"{tmp_path}:{os.environ['PATH']}"

    subprocess.run(["sh", "-c", script], check=True, env={"PATH": path}, timeout=20)

    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls.count("sleep") == waits
    assert calls.count("try-restart rauc.service") == len(restarts)
    assert calls[-1] == "try-restart rauc.service"


@pytest.mark.parametrize("known", [True, False])
def test_only_the_keyring_vouches_for_a_signer(
    factory: Factory, bundle_2: Path, tmp_path: Path, known: bool
) -> None:
    """Not the authorities that the system trusts for web servers, were the signer's among them."""
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    shutil.copy(factory.pki / "ca.pem", certificates)
    run("openssl", "rehash", certificates)
    script = (SCRIPTS / "rauc-check-time").read_text()
    for old, new in {
        "/run/chargectl-rauc/system.conf": str(tmp_path / "system.conf"),
        "/usr/lib/chargectl/rauc-time": str(SCRIPTS / "rauc-time"),
        "/etc/rauc/keyring.pem": str(factory.pki / ("ca.pem" if known else "foreign-ca.pem")),
        "$(bundle_file || :)": str(bundle_2),
    }.items():
        assert old in script
        script = script.replace(old, new)
    environment = {
        **os.environ,
        "RAUC_SYSTEM_CONFIG": str(tmp_path / "system.conf"),
        "SSL_CERT_DIR": str(certificates),
    }

    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode == 0) is known, done.stdout + done.stderr
    assert ("the signer's authority" in done.stdout) is not known


def test_what_the_starter_calls_the_place_of_its_settings_the_others_do_too() -> None:
    for name in ("rauc-service", "rauc-check-time", "rauc-clock-set"):
        assert "/run/chargectl-rauc/system.conf" in (SCRIPTS / name).read_text()
