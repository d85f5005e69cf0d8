"""Every program that units, scripts and daemons start on a board comes from a package of the image."""

import ast
import re
import tomllib

import pytest

from tests.yocto.conftest import TOP
from tests.yocto.shell import programs

OVERLAYS = TOP / "overlays"
PYTHON = TOP / "src/chargectl"

# The package that has a program; systemd brings along what stands beside it.
PACKAGE_OF = {
    "agetty": "systemd",
    "blockdev": "util-linux-blockdev",
    "busctl": "systemd",
    "chargectl": "python3-chargectl",
    "chargectl-configd": "python3-chargectl",
    "chargectl-iso15118d": "python3-chargectl",
    "chargectl-portd": "python3-chargectl",
    "chargectl-updated": "python3-chargectl",
    "curl": "curl",
    "e2fsck": "e2fsprogs-e2fsck",
    "fw_printenv": "libubootenv-bin",
    "micropython": "micropython",
    "mke2fs": "e2fsprogs-mke2fs",
    "modprobe": "systemd",
    "mosquitto": "mosquitto",
    "mosquitto_passwd": "mosquitto",
    "mount": "util-linux-mount",
    "networkctl": "systemd",
    "nft": "nftables",
    "openssl": "openssl-bin",
    "python3": "python3-core",
    "rauc": "rauc",
    "ssh-keygen": "openssh-keygen",
    "systemctl": "systemd",
    "systemd-tmpfiles": "systemd",
    "udevadm": "systemd",
    "umount": "util-linux-umount",
    "unshare": "util-linux-unshare",
    "update-ca-certificates": "ca-certificates",
}
# What BusyBox has in the LTS's configuration (its defconfig); test_recipes.py looks at the options of these.
BUSYBOX = """
    awk cat chgrp chmod chown chroot cut date df grep head ln ls mkdir mktemp mountpoint mv od readlink
    rm sed sh sleep sort stat sync tail touch tr wc
"""
# Of the shell itself
SHELL = """
    . : [ break cd continue echo eval exit export getopts kill local printf pwd read return set shift test
    trap umask unset wait true false
"""
# Calls that take their program from elsewhere, and what it is. FUSE programs: only where a driver is missing.
CALLED_BY_NAME = {
    "system/bootloader.py": {"fw_printenv"},
    "system/download.py": {"curl"},
    "system/migration.py": {"chroot"},
    "system/stick_mount.py": set(),
    "system/units.py": {"systemctl"},
}
# What no unit starts, and people at the console need.
FOR_PEOPLE = {
    "casync",
    "e2fsprogs-resize2fs",
    "mosquitto-clients",
    "openssh-sftp-server",
    "openssh-sshd",
    "rauc-service",
    "shadow",
    "util-linux-findmnt",
}


def files(suffixes):
    return [path for path in OVERLAYS.rglob("*") if path.suffix in suffixes and path.is_file()]


def name_of(word):
    """A program's name without its folder; None for one that lies in the overlays itself."""
    if any((machine / word.lstrip("/")).is_file() for machine in OVERLAYS.iterdir() if machine.is_dir()):
        return None
    return word.rpartition("/")[2]


def started_by_units():
    text = "\n".join(path.read_text() for path in files((".service", ".conf", ".rules")))
    words = re.findall(r"^Exec\w+=[-+!@:|]*([^\s\"]+)", text, re.M)
    words += re.findall(r"\b(?:RUN|PROGRAM|IMPORT)\{?\w*\}?\+?==?\"(\S+?)[\s\"]", text)
    return {name_of(word) for word in words} - {None}


def scripts():
    found = [path for path in OVERLAYS.rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!")]
    installed = [path for path in found if path.parent != OVERLAYS]
    assert len(installed) > 8
    return [*installed, TOP / "bundle/hook"]


def started_by_scripts():
    found = set()
    for path in scripts():
        text = path.read_text()
        interpreter = text.splitlines()[0].removeprefix("#!").split()[-1]
        found.add(name_of(interpreter))
        if interpreter == "/bin/sh":
            for sourced in re.findall(r"^\. (/\S+)$", text, re.M):
                text += (OVERLAYS / "common" / sourced[1:]).read_text()
            found |= {name_of(word) for word in programs(text)}
    return found - set(SHELL.split()) - {None}


def started_by_python():
    found = set()
    for path in PYTHON.rglob("*.py"):
        name = str(path.relative_to(PYTHON))
        if name.startswith(("sim/", "guard/")):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")):
                continue
            words = node.args[0]
            first = words.elts[0] if isinstance(words, ast.List | ast.Tuple) else words
            if isinstance(first, ast.Constant):
                found.add(name_of(first.value))
            else:
                assert name in CALLED_BY_NAME, f"{name}, line {node.lineno}: which program is that?"
                found |= CALLED_BY_NAME[name]
    carried = tomllib.loads((TOP / "bundle/migration.toml").read_text())["carry"]
    return found | {name_of(rule["then"][0]) for rule in carried if "then" in rule}


def test_the_reader_of_scripts_finds_programs():
    text = """
say() { echo "a; b" >&2; }
# not; me
x=$(one "$(two 'three; four')") "$(six | seven)" || eight
case $x in
nine-a | nine-b) if ! ten; then eleven 2>/dev/null & fi ;;
esac
eleven=$((1 + 2)) exec twelve <<END
thirteen; $(fourteen)
END
say it
"""
    expected = {"one", "two", "six", "seven", "eight", "ten", "eleven", "twelve", "fourteen"}
    assert programs(text) - set(SHELL.split()) == expected


@pytest.mark.parametrize("started_by", [started_by_units, started_by_scripts, started_by_python])
def test_the_image_has_every_program(recipes, started_by):
    packages = {"packagegroup-chargectl"}
    while more := {
        word
        for name in packages & set(recipes)
        for word in (recipes[name]["RDEPENDS"] or "").split()
        if word not in packages
    }:
        packages |= more
    assert packages >= FOR_PEOPLE
    started = started_by()
    assert started
    for program in sorted(started):
        package = "busybox" if program in BUSYBOX.split() else PACKAGE_OF.get(program)
        assert package, f"which package of the LTS has {program}?"
        assert package in packages, f"{program}: {package} is not in the image"


def test_the_table_has_nothing_that_is_not_started():
    started = started_by_units() | started_by_scripts() | started_by_python()
    assert set(PACKAGE_OF) == started - set(BUSYBOX.split())
