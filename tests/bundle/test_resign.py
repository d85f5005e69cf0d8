"""The release manager's tools: development keys, bundles made and signed anew."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bundle.board import COMPATIBLE, file_in
from tests.bundle.miniroot import REPOSITORY
from tests.rauc_rig import make_filesystem, require, run, which

BUNDLE = REPOSITORY / "bundle"
FILES = {
    "etc/chargectl-release": "VERSION=1.0\nBUILD=2026-01-01T00:00:00Z\nDEVELOPMENT_KEYS=yes\n",
    "etc/rauc/theirs.pem": "x",
    "etc/secc/customer.json": "{}\n",
    "usr/share/old": "old\n",
}


def tool(
    name: str, *words: str | Path, check: bool = True, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [BUNDLE / name, *map(str, words)], capture_output=True, text=True, check=False, cwd=cwd
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require()
    folder = tmp_path_factory.mktemp("resign")
    for name in ("theirs", "mine"):
        tool("pki", folder / name, *(["--tests"] if name == "mine" else []))
    make_filesystem(folder / "root.ext4", FILES, 8, filler_bytes=300_000)
    tool(
        "make",
        "--image",
        folder / "root.ext4",
        "--version",
        "1.0",
        *keys(folder / "theirs"),
        "--out",
        folder / "in.image",
    )
    return folder


def keys(pki: Path, name: str = "bundle") -> list[str | Path]:
    return ["--cert", pki / f"{name}.pem", "--key", pki / f"{name}.key"]


def resign(
    work: Path, out: str, *more: str | Path, check: bool = True, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    words = [work / "in.image", work / out, "--keyring", work / "theirs/ca.pem", *keys(work / "mine")]
    return tool("resign", *words, *more, check=check, cwd=cwd)


def extract(work: Path, bundle: str, ca: str = "mine") -> Path:
    content = work / f"content-{bundle}"
    run("rauc", "extract", f"--keyring={work / ca / 'ca.pem'}", work / bundle, content)
    return content / "rootfs.ext4"


def info(work: Path, bundle: str, ca: str) -> str:
    return run("rauc", "info", f"--keyring={work / ca / 'ca.pem'}", work / bundle)


def test_a_bundle_says_what_it_is_for_and_carries_an_index_of_its_blocks(work: Path) -> None:
    said = info(work, "in.image", "theirs")

    assert "chargectl charge-control-c'" in said
    assert re.search(r"Build: +\t?'2026-01-01T00:00:00Z'", said)
    for text in ("Bundle Format: \tverity", "install-check", "post-install", "block-hash-index"):
        assert text in said


def test_an_image_with_development_keys_is_told_loudly(work: Path) -> None:
    words = [
        "--image",
        work / "root.ext4",
        "--version",
        "1",
        *keys(work / "mine"),
        "--out",
        work / "loud.image",
    ]

    assert "DEVELOPMENT KEYS" in tool("make", *words).stderr
    assert "DEVELOPMENT KEYS" in tool("pki", work / "mine").stderr


def test_keys_that_are_there_are_kept(work: Path) -> None:
    before = {path.name: path.read_bytes() for path in (work / "mine").iterdir()}

    tool("pki", work / "mine", "--tests")

    assert {path.name: path.read_bytes() for path in (work / "mine").iterdir()} == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in (work / "mine").glob("*.key"))


@pytest.mark.spec(273)
def test_a_bundle_is_changed_and_signed_anew_with_ones_own_keys(work: Path) -> None:
    overlay = work / "overlay"
    (overlay / "usr/bin").mkdir(parents=True)
    program = overlay / "usr/bin/my tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (overlay / "etc/secc").mkdir(parents=True)
    (overlay / "etc/secc/customer.json").write_text("{ }\n")
    (overlay / "usr/bin/link").symlink_to("my tool")
    (overlay / "data").write_bytes(os.urandom(9_000_000))

    more: list[str | Path] = ["--overlay", overlay, "--remove", "/usr/share/old", "--version", "1.0-acme"]
    said = resign(work, "out.image", "--ca", work / "mine/ca.pem", *more).stdout
    image = extract(work, "out.image")

    assert "1.0-acme" in info(work, "out.image", "mine")
    assert file_in(image, "usr/bin/my tool") == ""  # debugfs takes the name only in quotes
    inode = run("debugfs", "-R", 'stat "/usr/bin/my tool"', image)
    assert re.search(r"Mode:  0755.*\nGeneration.*\nUser: +0 +Group: +0 ", inode)
    assert 'Fast link dest: "my tool"' in run("debugfs", "-R", "stat /usr/bin/link", image)
    assert file_in(image, "etc/secc/customer.json") == "{ }\n"
    assert file_in(image, "usr/share/old") == ""
    assert file_in(image, "etc/rauc/keyring.pem") == (work / "mine/ca.pem").read_text()
    assert "VERSION=1.0-acme\n" in file_in(image, "etc/chargectl-release")
    # The other keys are development keys too, and their authority says so.
    assert "DEVELOPMENT_KEYS=yes\n" in file_in(image, "etc/chargectl-release")
    run("e2fsck", "-fn", image)
    assert run("md5sum", image).split()[0] in said
    with pytest.raises(AssertionError, match="signature verification failed"):
        info(work, "out.image", "theirs")


@pytest.mark.parametrize("given", ["files", "files/", "files//", "./files/", "{}/files", "{}/files/", "link"])
def test_an_overlay_may_be_named_in_any_way(work: Path, tmp_path: Path, given: str) -> None:
    (tmp_path / "files/etc").mkdir(parents=True)
    (tmp_path / "files/etc/mine").write_text("mine\n")
    (tmp_path / "link").symlink_to("files")

    resign(work, "named.image", "--overlay", given.format(tmp_path), cwd=tmp_path)

    image = extract(work, "named.image")
    try:
        assert file_in(image, "etc/mine") == "mine\n"
        assert "files" not in run("debugfs", "-R", "ls -p /", image)
    finally:
        shutil.rmtree(image.parent)


def test_new_folders_keep_their_modes_and_names(work: Path, tmp_path: Path) -> None:
    """One of the image stays as it is: a umask on the desk must not close /etc for the daemons."""
    overlay = tmp_path / "files"
    for name, mode in (("etc", 0o700), ("secret", 0o700), ("shared", 0o1777), ("odd * [a] name", 0o750)):
        (overlay / name).mkdir(parents=True)
        (overlay / name / "file").write_text(name)
        (overlay / name).chmod(mode)
    (tmp_path / "odd").mkdir()

    resign(work, "modes.image", "--overlay", overlay, cwd=tmp_path)

    image = extract(work, "modes.image")
    expected = {"etc": "0755", "secret": "0700", "shared": "01777", "odd * [a] name": "0750"}
    for name, shown in expected.items():
        said = run("debugfs", "-R", f'stat "/{name}"', image)
        assert re.search(rf"Type: directory +Mode: +{shown}\b", said), said
        assert re.search(r"User: +0 +Group: +0 ", said)
        assert run("debugfs", "-R", f'cat "/{name}/file"', image) == name
    run("e2fsck", "-fn", image)


@pytest.mark.spec(273)
def test_a_program_may_change_the_mounted_image(work: Path) -> None:
    program = work / "change"
    program.write_text('#!/bin/sh\nset -eu\necho changed >"$1/etc/changed"\n')
    program.chmod(0o755)

    resign(work, "run.image", "--run", program)
    assert file_in(extract(work, "run.image"), "etc/changed") == "changed\n"

    program.write_text("#!/bin/sh\nexit 3\n")
    failed = resign(work, "failed.image", "--run", program, check=False)
    assert failed.returncode == 1
    assert "nothing was made" in failed.stderr
    assert not (work / "failed.image").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--keyring", "mine/ca.pem"], "cannot be verified with"),
        (["--ca", "theirs/ca.pem"], "mine"),
        (["--ca", "root.ext4"], "holds no certificate"),
        (["--remove", "/no/such"], "/no/such is not in the image"),
        (["--version", "1 0"], "--version is '1 0'"),
        (["--overlay", "nowhere"], "is no folder"),
    ],
)
def test_what_cannot_be_done_is_told_and_makes_nothing(work: Path, more: list[str], said: str) -> None:
    files = ("mine/ca.pem", "theirs/ca.pem", "root.ext4", "nowhere")
    words = [str(work / word) if word in files else word for word in more]

    done = resign(work, "never.image", *words, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()
    if said != "mine":
        assert said in done.stderr
    assert not (work / "never.image").exists()
    assert not list(work.glob(".resign-*"))


@pytest.mark.spec(256)
def test_a_casync_bundle_has_its_chunks_in_a_store_beside_it(work: Path) -> None:
    if which("casync") is None:
        pytest.skip("casync is not installed")
    make_filesystem(work / "casync.ext4", FILES, 24, filler_bytes=12_000_000)
    out: list[str | Path] = [
        "--out",
        work / "c.image",
        "--casync",
        work / "c.raucb",
        "--ca",
        work / "mine/ca.pem",
    ]

    tool(
        "make",
        "--image",
        work / "casync.ext4",
        "--version",
        "1.0",
        *keys(work / "mine"),
        *out,
        "--squashfs",
        "-comp gzip",
    )

    assert "rootfs.ext4.caibx" in info(work, "c.raucb", "mine")
    chunks = list((work / "c.castr").rglob("*.cacnk"))
    assert len(chunks) > 100
    assert (work / "c.raucb").stat().st_size < (work / "c.image").stat().st_size // 20


def test_signers_are_fit_for_what_they_are_made_for(work: Path) -> None:
    def usage(name: str) -> str:
        return run(
            "openssl", "x509", "-in", work / "mine" / f"{name}.pem", "-noout", "-ext", "extendedKeyUsage"
        )

    assert "Code Signing" in usage("bundle")
    assert "Code Signing" not in usage("usb")
    for name in ("bundle", "usb"):
        run(
            "openssl",
            "verify",
            "-purpose",
            "smimesign",
            "-CAfile",
            work / "mine/ca.pem",
            work / f"mine/{name}.pem",
        )
    for name in ("tls", "foreign", "expired", "future"):
        with pytest.raises(AssertionError):
            run(
                "openssl",
                "verify",
                "-purpose",
                "smimesign",
                "-CAfile",
                work / "mine/ca.pem",
                work / f"mine/{name}.pem",
            )


@pytest.mark.parametrize("name", ["make", "resign", "pki"])
def test_each_tool_explains_itself_and_refuses_what_it_does_not_know(name: str) -> None:
    assert f"bundle/{name} " in tool(name, "--help").stdout
    assert tool(name, "--no-such-thing", check=False).returncode == 2


def test_the_compatible_of_a_bundle_is_that_of_the_machine() -> None:
    for machine in ("charge-control-c", "charge-control-c-qemu"):
        settings = (REPOSITORY / f"overlays/{machine}/etc/rauc/system.conf").read_text()
        assert f"compatible=chargectl {machine}\n" in settings
        # Only the two systems are slots: the log partitions must survive an update.
        assert re.findall(r"device=(\S+)", settings) == [
            "/dev/disk/by-partuuid/c4a26ec1-01",
            "/dev/disk/by-partuuid/c4a26ec1-02",
        ]
    assert COMPATIBLE.endswith("-qemu")
