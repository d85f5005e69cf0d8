"""What the start waits for: the guard and the port never for the data, and the watchdog for them."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
HOST = Path("/lib/systemd/system")
GENERATOR = Path("/lib/systemd/system-generators/systemd-fstab-generator")
NOT_ENABLED = {"systemd-boot-check-no-failures.service"}
DATA = {"srv.mount", "chargectl-check-srv.service", "chargectl-srv.service"}

pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason="systemd is not installed")


@pytest.fixture(scope="module")
def after(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each unit those that it starts after: as its file says, and as systemd adds by itself."""
    generated = tmp_path_factory.mktemp("generated")
    generate(installed, generated)
    texts = read_units([generated, installed / "usr/lib/systemd/system", HOST])
    found: dict[str, set[str]] = defaultdict(set)
    for name, text in texts.items():
        for before in re.findall(r"^After=(.*)$", text, re.M):
            found[name] |= set(before.split())
        for later in " ".join(re.findall(r"^Before=(.*)$", text, re.M)).split():
            found[later].add(name)
        if re.search(r"^PrivateTmp=yes", text, re.M):
            found[name].add("systemd-tmpfiles-setup.service")
        if re.search(r"^RequiresMountsFor=/srv", text, re.M):
            found[name].add("srv.mount")
    plain = {name for name, text in texts.items() if "DefaultDependencies=no" not in text}
    for name in plain:
        if name.endswith(".service"):
            found[name] |= {"sysinit.target", "basic.target"}
    for name in plain:
        if name.endswith(".target"):
            wanted = set(" ".join(re.findall(r"^(?:Wants|Requires)=(.*)$", texts[name], re.M)).split())
            for folder in (HOST, installed / "etc/systemd/system", generated):
                wanted |= {path.name for path in folder.glob(f"{name}.[rw]*/*")}
            found[name] |= {unit for unit in wanted & plain if name not in found[unit]}
    return found


def generate(installed: Path, folder: Path) -> None:
    """The units that the generators make."""
    folders = [str(folder)] * 3
    table = {"SYSTEMD_FSTAB": str(installed / "etc/fstab"), "PATH": "/usr/bin"}
    subprocess.run([str(GENERATOR), *folders], env=table, check=True)
    (folder / "cmdline").write_text("rauc.slot=A\n")
    generator = installed / "usr/lib/systemd/system-generators/chargectl-log-generator"
    slot = {"PATH": "/usr/bin", "CHARGECTL_CMDLINE": str(folder / "cmdline")}
    subprocess.run(["sh", str(generator), *folders], env=slot, check=True)


def read_units(folders: list[Path]) -> dict[str, str]:
    """Each unit's text with its drop-ins."""
    kinds = ("service", "mount", "target", "socket", "path", "timer")
    names = {path.name for folder in folders for path in folder.iterdir() if path.is_file()} - NOT_ENABLED
    texts = {}
    for name in names:
        if name.rpartition(".")[2] in kinds:
            files = [folder / name for folder in folders]
            files += [path for folder in folders for path in sorted((folder / f"{name}.d").glob("*.conf"))]
            texts[name] = "\n".join(path.read_text() for path in files if path.is_file())
    return texts


def waits_for(after: dict[str, set[str]], unit: str) -> set[str]:
    """All that is before a unit, by any number of steps. What is before every stop is not of the start."""
    found: set[str] = set()
    left = [unit]
    while left:
        new = after.get(left.pop(), set()) - found - {"shutdown.target", "umount.target"}
        found |= new
        left += new
    return found


@pytest.mark.parametrize("name", ["guard", "portd", "pins", "configd", "recover", "leds", "first-boot"])
def test_nothing_of_the_port_waits_for_the_data(after: dict[str, set[str]], name: str) -> None:
    assert not waits_for(after, f"chargectl-{name}.service") & DATA


def test_the_guard_waits_for_the_log_only(after: dict[str, set[str]]) -> None:
    """Because everything does that writes to /var/log."""
    found = waits_for(after, "chargectl-guard.service")
    assert {"chargectl-log.service", "chargectl-pins.service", "systemd-tmpfiles-setup.service"} <= found
    ours = {unit for unit in found if unit.startswith("chargectl")}
    assert ours == {"chargectl-log.service", "chargectl-pins.service"}


@pytest.mark.parametrize(
    "unit", ["chargectl-boot-record", "chargectl-updated", "chargectl-mark-good", "chargectl-health", "rauc"]
)
def test_who_keeps_something_there_waits(after: dict[str, set[str]], unit: str) -> None:
    assert waits_for(after, f"{unit}.service") >= DATA


@pytest.mark.parametrize("unit", ["chargectl-boot-record", "chargectl-updated", "chargectl-srv", "rauc"])
def test_nobody_fails_with_the_data(installed: Path, unit: str) -> None:
    folder = installed / "usr/lib/systemd/system"
    files = [folder / f"{unit}.service", *(folder / f"{unit}.service.d").glob("*.conf")]
    text = "".join(path.read_text() for path in files if path.exists())
    for word in ("Requires", "BindsTo", "Requisite", "RequiresMountsFor"):
        assert not re.search(rf"^{word}=.*srv", text, re.M)


@pytest.mark.parametrize(
    "later",
    [
        *("chargectl-recover", "chargectl-configd", "chargectl-portd", "chargectl-updated"),
        "chargectl-iso15118d",
        *("chargectl-network", "systemd-networkd", "chargectl-first-boot", "chargectl-password-policy"),
        *("mosquitto", "ssh", "systemd-user-sessions"),
    ],
)
def test_what_the_old_system_left_is_taken_over_first(after: dict[str, set[str]], later: str) -> None:
    assert "chargectl-migrate-late.service" in waits_for(after, f"{later}.service")
    assert "chargectl-migrate-late.service" not in waits_for(after, "chargectl-guard.service")


@pytest.mark.parametrize("unit", ["chargectl-guard", "chargectl-portd", "chargectl-usb@", "rauc"])
def test_nothing_waits_for_itself(after: dict[str, set[str]], unit: str) -> None:
    for name in (f"{unit}.service", *waits_for(after, f"{unit}.service")):
        assert name not in waits_for(after, name)


@pytest.mark.parametrize(
    ("file", "more"),
    [
        ("meta-chargectl/recipes-bsp/u-boot/files/charge-control-c.env", ()),
        ("meta-chargectl/recipes-bsp/u-boot/files/charge-control-c-qemu.env", ("plant-relay",)),
        ("tools/board/uboot/machine.env", ("plant-relay",)),
    ],
)
def test_the_watchdog_waits_for_the_slowest_good_start(
    installed: Path, file: str, more: tuple[str, ...]
) -> None:
    """The kernel feeds it until the guard does; each step before that may take as long as its unit allows."""
    match = re.search(r"^open_timeout=(\d+)$", (CHECKOUT / file).read_text(), re.M)
    assert match is not None
    units = installed / "usr/lib/systemd/system"
    emulated = CHECKOUT / "overlays/charge-control-c-qemu/usr/lib/systemd/system"
    steps = [units / f"chargectl-{name}.service" for name in ("log", "pins", "guard")]
    steps += [units / "systemd-fsck-root.service.d/50-chargectl.conf"]
    steps += [emulated / f"{name}.service" for name in more]
    limits = [re.search(r"^TimeoutStartSec=(\d+)$", step.read_text(), re.M) for step in steps]
    generator = (units.parent / "system-generators/chargectl-log-generator").read_text()
    limits.append(re.search(r"^JobRunningTimeoutSec=(\d+)$", generator, re.M))
    total = sum(int(limit[1]) for limit in limits if limit is not None)
    assert len([limit for limit in limits if limit]) == len(steps) + 1
    kernel_s = 15
    assert total + kernel_s <= int(match[1]) <= 2 * total
