"""What the recipes really install, compared with what the emulated board gets."""

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.yocto.conftest import MACHINES, TOP, bitbake

RECIPES = (
    "python3-chargectl",
    "python3-v2gexi",
    "chargectl-guard",
    "chargectl-overlays",
    "chargectl-release",
    "rauc-conf",
    "mosquitto",
    "base-files",
)


def tree(folder):
    """Path, kind, mode and content of everything in it."""
    found: dict[str, tuple] = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = ("link", os.readlink(path))
        elif stat.S_ISDIR(mode):
            found[name] = ("folder", stat.S_IMODE(mode))
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = ("file", stat.S_IMODE(mode), content)
    return found


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys as `bundle/pki` makes them; only their names matter here."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "ca.pem").write_text("the certificates of those who may sign\n")
    return folder


@pytest.fixture(scope="module", params=MACHINES)
def installed(request, tmp_path_factory, keys):
    """Machine, and the tree of each recipe."""
    folders = bitbake(
        tmp_path_factory.mktemp("install"),
        request.param,
        "install",
        *RECIPES,
        CHARGECTL_PKI_DIR=str(keys),
        CHARGECTL_VERSION="1.2.3",
        CHARGECTL_EPOCH="1700000000",
    )
    return request.param, {name: Path(folder) for name, folder in folders.items()}


def test_overlays_are_those_of_the_emulated_board(installed, tmp_path):
    machine, folders = installed
    subprocess.run(["sh", str(TOP / "overlays/install"), str(tmp_path), machine], check=True)
    there, here = tree(tmp_path), tree(folders["chargectl-overlays"])
    # systemd makes these very links by itself in the Yocto image.
    assert there.pop("etc/resolv.conf") == ("link", "../run/systemd/resolve/stub-resolv.conf")
    logins = "etc/systemd/system/getty.target.wants"
    console = there.pop(f"{logins}/serial-getty@ttymxc3.service")
    assert console == ("link", "/usr/lib/systemd/system/serial-getty@.service")
    assert there.pop(logins) == ("folder", 0o755)
    assert here == there


def test_no_two_packages_own_a_file(installed):
    """BitBake refuses to make an image of packages that do."""
    _, folders = installed
    owner: dict[str, str] = {}
    for name, folder in folders.items():
        for path, entry in tree(folder).items():
            if entry[0] != "folder":
                assert path not in owner, f"{path}: {owner.get(path)} and {name}"
                owner[path] = name


def test_the_distribution_is_the_one_of_the_emulated_board(installed, tmp_path):
    """Modules and programs as the wheel has them, without the simulated board and the guard."""
    _, folders = installed
    root = folders["python3-chargectl"]
    site = next(root.glob("usr/lib/python3.*/site-packages"))
    modules = {name: entry for name, entry in tree(site / "chargectl").items() if entry[0] == "file"}
    source = TOP / "src/chargectl"
    wanted = {
        str(path.relative_to(source))
        for path in (*source.rglob("*.py"), source / "py.typed")
        if path.relative_to(source).parts[0] not in ("sim", "guard", "build", "dist")
    }
    assert set(modules) == wanted
    for name, (_, mode, content) in modules.items():
        assert mode == 0o644
        assert content == hashlib.sha256((source / name).read_bytes()).hexdigest()
    declared = tmp_path / "bin"
    declared.mkdir()
    entry_points = next(site.glob("chargectl-*.dist-info/entry_points.txt"))
    board = [sys.executable, str(TOP / "tools/board/entry_points.py"), str(entry_points), str(declared)]
    subprocess.run(board, check=True)
    programs = {path.name: path for path in (root / "usr/bin").iterdir()}
    assert set(programs) == {path.name for path in declared.iterdir()}
    for program in programs.values():
        assert stat.S_IMODE(program.stat().st_mode) == 0o755
        assert program.read_text().splitlines()[0] == "#!/usr/bin/env python3"
    manifest = root / "usr/share/chargectl/migration.toml"
    assert manifest.read_bytes() == (TOP / "bundle/migration.toml").read_bytes()


def test_the_guard(installed):
    _, folders = installed
    files = {name: entry for name, entry in tree(folders["chargectl-guard"]).items() if entry[0] == "file"}
    wanted = {
        f"usr/lib/chargectl/guard/{path.name}": ("file", 0o644, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in (TOP / "src/chargectl/guard").glob("*.py")
    }
    assert files == wanted
    assert "usr/lib/chargectl/guard/main.py" in files


def test_the_release(installed):
    machine, folders = installed
    text = (folders["chargectl-release"] / "etc/chargectl-release").read_text()
    lines = ["VERSION=1.2.3", "BUILD=2023-11-14T22:13:20Z", f"MACHINE={machine}", "DEVELOPMENT_KEYS=yes"]
    assert text.splitlines() == lines


def test_the_keyring_is_the_owners(installed, keys):
    _, folders = installed
    keyring = folders["rauc-conf"] / "usr/share/chargectl/keyring/keyring.pem"
    assert keyring.read_bytes() == (keys / "ca.pem").read_bytes()
    link = os.readlink(folders["chargectl-overlays"] / "etc/rauc/keyring.pem")
    assert link == "/usr/share/chargectl/keyring/keyring.pem"


def test_a_build_with_own_keys_says_so(tmp_path, keys):
    folders = bitbake(
        tmp_path,
        MACHINES[0],
        "install",
        "chargectl-release",
        CHARGECTL_PKI="own",
        CHARGECTL_PKI_DIR=str(keys),
    )
    text = Path(folders["chargectl-release"], "etc/chargectl-release").read_text()
    assert "DEVELOPMENT_KEYS=no" in text.splitlines()


def test_other_distributions_keep_their_files(tmp_path):
    """The appends hold for this distribution alone."""
    folders = bitbake(tmp_path, MACHINES[0], "install", "mosquitto", "base-files", distro="other")
    assert Path(folders["mosquitto"], "etc/mosquitto/mosquitto.conf").read_text() == "upstream\n"
    assert Path(folders["base-files"], "etc/fstab").read_text() == "upstream\n"


def test_the_codec_is_installed_with_its_engine_and_works(installed):
    _, folders = installed
    site = next(folders["python3-v2gexi"].glob("usr/lib/python3.*/site-packages"))
    assert not (site / "v2gexi" / "generate").exists()
    hello = "8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040"
    program = f"import v2gexi; print(v2gexi.encode(v2gexi.decode(bytes.fromhex('{hello}'), 'app')).hex())"
    said = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=os.environ | {"PYTHONPATH": str(site)},
        cwd=site,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == hello
