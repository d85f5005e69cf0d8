"""overlays/install: what lies where, with which mode, and what is enabled."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from chargectl.config.load import shipped_content
from chargectl.declarations.types import ConfigFile

DAEMONS = (
    "chargectl-portd",
    "chargectl-iso15118d",
    "chargectl-configd",
    "chargectl-updated",
    "chargectl-guard",
)


def run(overlays: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(overlays / "install"), *arguments], text=True, capture_output=True, check=False
    )


def tree(root: Path) -> dict[str, tuple[int, bytes | str]]:
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = (0, os.readlink(path))
        elif path.is_file():
            found[name] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        else:
            found[name] = (stat.S_IMODE(path.stat().st_mode), b"")
    return found


def test_modes(installed: Path) -> None:
    files = {name: mode for name, (mode, _) in tree(installed).items() if mode}
    programs = {name for name, mode in files.items() if mode == 0o755 and (installed / name).is_file()}
    scripts = {name for name in files if (installed / name).is_file() and is_script(installed / name)}
    assert programs == scripts, "every program, and nothing else, can be run: modes.tsv"
    odd = {
        name: oct(mode)
        for name, mode in files.items()
        if mode != (0o755 if (installed / name).is_dir() or name in programs else 0o644)
    }
    assert odd == {}


def is_script(path: Path) -> bool:
    return path.read_bytes().startswith(b"#!")


def test_everything_belongs_to_root(installed: Path, as_root: None) -> None:
    foreign = [path for path in installed.rglob("*") if (path.lstat().st_uid, path.lstat().st_gid) != (0, 0)]
    assert foreign == []


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_result_does_not_depend_on_the_umask(overlays: Path, tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        assert run(overlays, str(tmp_path / "root"), "charge-control-c").returncode == 0
    finally:
        os.umask(old)
    assert (tmp_path / "root/etc/mosquitto").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "root/etc/fstab").stat().st_mode & 0o777 == 0o644


def test_again_over_an_installed_system(overlays: Path, installed: Path, tmp_path: Path) -> None:
    destination = tmp_path / "root"
    (destination / "etc").mkdir(parents=True)
    (destination / "etc/fstab").write_text("of the distribution\n")
    for _ in range(2):
        assert run(overlays, str(destination), "charge-control-c").returncode == 0
    assert tree(destination) == tree(installed)


def test_the_machine_goes_before_what_is_common(overlays: Path, tmp_path: Path) -> None:
    copy = tmp_path / "overlays"
    shutil.copytree(overlays, copy, symlinks=True)
    (copy / "other/etc").mkdir(parents=True)
    (copy / "other/etc/fstab").write_text("of the machine\n")
    assert run(copy, str(tmp_path / "root"), "other").returncode == 0
    assert (tmp_path / "root/etc/fstab").read_text() == "of the machine\n"


@pytest.mark.parametrize("machine", ["", "common", "../overlays", "charge-control-x", ".hidden"])
def test_an_unknown_machine(overlays: Path, tmp_path: Path, machine: str) -> None:
    result = run(overlays, str(tmp_path / "root"), machine)
    assert result.returncode == 1
    assert machine in result.stderr
    assert not (tmp_path / "root").exists()


def test_machines_share_everything_but_what_is_theirs(
    overlays: Path, installed: Path, tmp_path: Path
) -> None:
    assert run(overlays, str(tmp_path), "charge-control-c-qemu").returncode == 0
    missing = set(tree(installed)) - set(tree(tmp_path))
    assert missing == set()


@pytest.mark.spec(306)
@pytest.mark.parametrize("daemon", DAEMONS)
def test_daemons_are_enabled_as_the_guide_says(installed: Path, daemon: str) -> None:
    link = installed / f"etc/systemd/system/multi-user.target.wants/{daemon}.service"
    assert os.readlink(link) == f"/usr/lib/systemd/system/{daemon}.service"
    assert (installed / f"usr/lib/systemd/system/{daemon}.service").is_file()


def test_links_are_what_systemctl_would_make(installed: Path, tmp_path: Path) -> None:
    """The real systemctl, asked to enable every unit of the preset, finds nothing to add or to change."""
    copy = tmp_path / "root"
    shutil.copytree(installed, copy, symlinks=True)
    units = copy / "usr/lib/systemd/system"
    preset = (copy / "usr/lib/systemd/system-preset/90-chargectl.preset").read_text()
    own = [unit for unit in re.findall(r"^enable (\S+)$", preset, re.M) if (units / unit).is_file()]
    assert len(own) > len(DAEMONS)
    result = subprocess.run(
        ["systemctl", f"--root={copy}", "enable", *own], text=True, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert tree(copy) == tree(installed)


@pytest.mark.parametrize(
    "unit",
    [
        "rauc-mark-good.service",  # accepts a boot without asking the charging stack
        "sshd-keygen.service",  # first-boot makes the host keys; two at once may mix them up
        "sshdgenkeys.service",
        "systemd-firstboot.service",
        "systemd-networkd-wait-online.service",
    ],
)
def test_units_that_would_interfere_are_masked(installed: Path, unit: str) -> None:
    assert os.readlink(installed / "etc/systemd/system" / unit) == "/dev/null"


def test_the_emulated_board_has_its_plant(overlays: Path, installed: Path, tmp_path: Path) -> None:
    assert run(overlays, str(tmp_path), "charge-control-c-qemu").returncode == 0
    link = "etc/systemd/system/multi-user.target.wants/plant-relay.service"
    assert (tmp_path / os.readlink(tmp_path / link).lstrip("/")).is_file()
    assert not (installed / link).is_symlink()
    unit = (tmp_path / "usr/lib/systemd/system/plant-relay.service").read_text()
    before = re.search(r"^Before=(.*)$", unit, re.M)
    assert before is not None
    assert {"chargectl-pins.service", "chargectl-portd.service"} <= set(before[1].split())


def test_the_preset_speaks_of_every_unit(installed: Path) -> None:
    units = installed / "usr/lib/systemd/system"
    preset = (installed / "usr/lib/systemd/system-preset/90-chargectl.preset").read_text()
    named = set(re.findall(r"^(?:enable|disable) (\S+)$", preset, re.M))
    installable = {path.name for path in units.glob("chargectl*") if "[Install]" in path.read_text()}
    assert installable <= named
    ours = {unit for unit in named if unit.startswith("chargectl")}
    assert {unit for unit in ours if not (units / unit).exists()} == set()


def test_every_rule_of_modes_is_used(overlays: Path) -> None:
    files = [
        path.relative_to(machine)
        for machine in overlays.iterdir()
        if machine.is_dir()
        for path in machine.rglob("*")
        if path.is_file()
    ]
    for line in (overlays / "modes.tsv").read_text().splitlines():
        if not line.startswith("#"):
            pattern, mode, owner, group = line.split("\t")
            assert re.fullmatch("0[0-7]{3}", mode)
            assert (owner, group) == ("root", "root")
            whole_folder = pattern.endswith("/*")
            used = whole_folder or any(path.match(pattern) for path in files)
            assert used, f"modes.tsv: {pattern} matches nothing"


@pytest.mark.parametrize("file", list(ConfigFile))
@pytest.mark.spec(276)
def test_shipped_files_are_what_the_declarations_say(overlays: Path, file: ConfigFile) -> None:
    shipped = overlays / f"common/etc/secc/{file.value}.shipped"
    assert shipped.read_text(encoding="utf-8") == shipped_content(file), (
        f"{shipped.name} is out of date: chargectl config shipped {file.value} > {shipped}"
    )


def test_no_file_names_a_machine_of_ours(overlays: Path) -> None:
    for path in overlays.rglob("*"):
        if path.is_file() and path.suffix != ".shipped":
            text = path.read_text(encoding="utf-8")
            assert re.search("/work/|/var/tmp", text) is None, path


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_scripts_are_clean(overlays: Path) -> None:
    scripts = [
        str(path)
        for path in overlays.rglob("*")
        if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")
    ]
    assert len(scripts) >= 6
    result = subprocess.run(
        ["shellcheck", "--severity=warning", *scripts], text=True, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stdout
