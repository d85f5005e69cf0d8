"""`chargectl migrate` between two root file systems in folders: what is carried, and how."""

import contextlib
import os
import shutil
import socket
import stat
from pathlib import Path

import pytest

from chargectl.cli.main import main
from chargectl.system.migration import MigrationError, install, late
from chargectl.system.migration_root import Root
from tests.bundle.roots import CUSTOMER, Device, snapshot, write

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be given only by root")


@pytest.mark.spec(263, 2, 283)
def test_what_the_owner_put_there_is_in_the_new_system(device: Device) -> None:
    files = {
        "etc/secc/customer.json": CUSTOMER,
        "etc/systemd/network/40-own.network": "[Match]\n",
        "etc/systemd/network/br0.network.d/a.conf": "[Network]\n",
        "var/lib/ocppd/auth.db": "tags",
        "root/.ssh/authorized_keys": "ssh-ed25519 AAAA owner\n",
        "etc/ssh/ssh_host_ed25519_key": "PRIVATE",
        "var/cache/usb-autorun/executed.list": "d41d8cd98f00b204e9800998ecf8427e\n",
        "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "etc/hostname": "hall-3\n",
    }
    for path, text in files.items():
        write(device.old, path, text)
    write(device.new, "etc/ssh/sshd_config", "new")
    write(device.old, "etc/ssh/sshd_config", "old")
    write(device.new, "etc/machine-id", "uninitialized\n")

    device.install()

    assert {path: device.text(path) for path in files} == files
    assert device.text("etc/ssh/sshd_config") == "new"
    assert device.text("etc/secc/customer.json.shipped").startswith("// of 2.0")


@pytest.mark.spec(263)
def test_the_running_system_is_only_read(device: Device) -> None:
    write(device.old, "etc/secc/customer.json", CUSTOMER)
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    write(device.old, "etc/secc/leds.json", "{ broken")
    before = snapshot(device.old)

    device.install()
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    late(device.old, device.new)

    after = snapshot(device.old)
    assert {path: value[0] for path, value in after.items()} == {p: value[0] for p, value in before.items()}
    assert set(after) == set(before)


@pytest.mark.spec(263)
def test_a_changed_password_goes_along_and_the_file_stays_the_new_images(device: Device) -> None:
    write(device.old, "etc/shadow", "root:$6$owner$secret:20400:0:99999:7:::\nghost:$6$a$b:1::::::\n", 0o600)
    write(device.new, "etc/shadow", "root:$6$factory$x:0:0:99999:7:::\nsvc:!*:20000::::::\n", 0o640)

    notes = device.install()

    assert device.text("etc/shadow") == "root:$6$owner$secret:20400:0:99999:7:::\nsvc:!*:20000::::::\n"
    assert stat.S_IMODE((device.new / "etc/shadow").stat().st_mode) == 0o640
    assert not any("secret" in note for note in notes)


@pytest.mark.spec(263)
def test_modes_times_and_attributes_are_kept(device: Device) -> None:
    key = write(device.old, "etc/ssh/ssh_host_rsa_key", "PRIVATE", 0o600)
    clock = write(device.old, "var/lib/systemd/timesync/clock", "")
    os.utime(clock, (1_900_000_000, 1_900_000_000))
    try:
        os.setxattr(key, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")

    device.install()

    copy = device.new / "etc/ssh/ssh_host_rsa_key"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert os.getxattr(copy, "user.note") == b"kept"
    assert (device.new / "var/lib/systemd/timesync/clock").stat().st_mtime == 1_900_000_000


@needs_root
@pytest.mark.spec(263)
def test_owners_go_by_name_where_their_numbers_differ(device: Device) -> None:
    write(device.old, "etc/passwd", "root:x:0:0::/:/bin/sh\nocppd:x:990:990::/:/bin/sh\n")
    write(device.old, "etc/group", "root:x:0:\nchargectl:x:991:\n")
    write(device.new, "etc/passwd", "root:x:0:0::/:/bin/sh\nocppd:x:880:880::/:/bin/sh\n")
    write(device.new, "etc/group", "root:x:0:\nchargectl:x:881:\n")
    file = write(device.old, "var/lib/ocppd/auth.db", "tags")
    os.chown(file.parent, 990, 991)
    os.chown(file, 990, 12345)

    device.install()

    folder, copy = (device.new / "var/lib/ocppd").stat(), (device.new / "var/lib/ocppd/auth.db").stat()
    assert (folder.st_uid, folder.st_gid) == (880, 881)
    assert (copy.st_uid, copy.st_gid) == (880, 0)


def test_a_folder_that_the_new_image_has_keeps_its_own_permissions(device: Device) -> None:
    (device.old / "etc/secc").chmod(0o777)
    (device.new / "etc/secc").chmod(0o750)

    device.install()

    assert stat.S_IMODE((device.new / "etc/secc").stat().st_mode) == 0o750


# --- links and other things that are no files


@pytest.mark.spec(263)
def test_links_are_carried_as_links_and_never_followed(device: Device, tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/secret", "not yours")
    (device.old / "etc/secc/out").symlink_to(outside)
    (device.old / "etc/secc/folder").symlink_to(outside.parent)

    device.install()

    assert os.readlink(device.new / "etc/secc/out") == str(outside)
    assert (device.new / "etc/secc/folder").is_symlink()


def test_a_link_in_the_new_image_leads_nowhere_outside_of_it(device: Device, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    shutil.rmtree(device.new / "var", ignore_errors=True)
    (device.new / "var").symlink_to(f"../../../../../..{tmp_path}/outside")
    write(device.old, "var/lib/ocppd/auth.db", "tags")

    with contextlib.suppress(MigrationError):
        device.install()
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_parent_that_is_a_link_is_resolved_inside_its_root(device: Device) -> None:
    write(device.old, "data/lib/ocppd/auth.db", "tags")
    shutil.rmtree(device.old / "var", ignore_errors=True)
    (device.old / "var").symlink_to("/data")

    device.install()

    assert device.text("var/lib/ocppd/auth.db") == "tags"


def test_pipes_and_sockets_are_told_and_left(device: Device) -> None:
    os.mkfifo(device.old / "etc/secc/pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(device.old / "etc/secc/socket")[:100])
        notes = device.install()

    assert not (device.new / "etc/secc/pipe").exists()
    assert any("/etc/secc/pipe is neither" in note for note in notes)


@pytest.mark.parametrize("path", ["etc/secc", "var/lib/ocppd"])
def test_a_folder_that_became_something_else_fails_the_update(device: Device, path: str) -> None:
    shutil.rmtree(device.old / path, ignore_errors=True)
    (device.old / path).parent.mkdir(parents=True, exist_ok=True)
    (device.old / path).symlink_to("/srv/elsewhere")

    with pytest.raises(MigrationError, match=f"/{path} is no folder in the running system"):
        device.install()


def test_a_file_where_the_new_image_has_a_folder_fails_the_update(device: Device) -> None:
    write(device.old, "etc/secc/extra", "x")
    (device.new / "etc/secc/extra").mkdir()

    with pytest.raises(MigrationError, match="/etc/secc/extra cannot be carried: is a folder"):
        device.install()


# --- the command


@pytest.mark.spec(263)
def test_the_command_says_what_happened_and_fails_with_one_line(
    device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["migrate", "--from", str(device.old), "--to", str(device.new)]

    assert main(words) == 0
    assert "files carried from version 1.0" in capsys.readouterr().out
    assert main([*words, "--late"]) == 0

    (device.new / "usr/share/chargectl/migration.toml").write_text("format = 9\n")
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said == "chargectl migrate: the new image's migration.toml: format is 9; allowed: 1\n"


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="No such file"):
        install(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    ("link", "target", "expected"),
    [
        ("a", "/b", "/b"),
        ("a", "../../../b", "/b"),
        ("c/a", "../b", "/b"),
        ("c/a", "b", "/c/b"),
    ],
)
def test_links_end_inside_the_root(tmp_path: Path, link: str, target: str, expected: str) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / link).symlink_to(target)

    with Root(tmp_path) as root:
        assert root.resolved(f"/{link}") == expected


def test_a_ring_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with Root(tmp_path) as root:
        with pytest.raises(OSError, match="symbolic links"):
            root.resolved("/a")
        with pytest.raises(OSError, match="symbolic links"):
            root.folder("/a/c")
