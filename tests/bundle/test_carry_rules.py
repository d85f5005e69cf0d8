"""`chargectl migrate`: configuration files, the keyring, what does not fit, what changes later."""

import json
import os
import stat

import pytest

from chargectl.system import migration_files
from chargectl.system.migration import MigrationError, late, pending
from chargectl.system.migration_record import TOO_LATE, close
from tests.bundle.miniroot import add_program
from tests.bundle.roots import CERTIFICATE, CUSTOMER, MANIFEST, Device, snapshot, write

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be given only by root")


# --- the configuration files


@pytest.mark.spec(263, 2)
def test_the_configuration_is_brought_to_the_new_keys_with_its_backup(device: Device) -> None:
    step = (
        '\n[[step]]\naction = "rename"\nfile = "customer.json"\nsince = "2.0"\nreason = "named anew"\n'
        'path = "ports[]/limit"\nto = "ports[]/grid_current_limit"\n'
    )
    device.manifest(step)
    old = CUSTOMER.replace("grid_current_limit", "limit")
    write(device.old, "etc/secc/customer.json", old, 0o640)
    write(device.old, "var/backups/customer.json", old)

    notes = device.install()

    assert device.text("etc/secc/customer.json") == CUSTOMER
    assert device.text("var/backups/customer.json") == CUSTOMER
    assert (device.old / "etc/secc/customer.json").read_text() == old
    assert stat.S_IMODE((device.new / "etc/secc/customer.json").stat().st_mode) == 0o640
    assert any("ports[0]/limit is now ports[0]/grid_current_limit" in note for note in notes)


def test_a_step_that_fails_fails_the_update(device: Device) -> None:
    step = (
        '\n[[step]]\naction = "add"\nfile = "customer.json"\nsince = "2.0"\nreason = "r"\n'
        'path = "ports/deeper"\nvalue = 1\n'
    )
    device.manifest(step)
    before = snapshot(device.new)

    with pytest.raises(MigrationError, match=r"/etc/secc/customer.json cannot be migrated: .*ports"):
        device.install()
    assert {p: v[0] for p, v in snapshot(device.new).items()} == {p: v[0] for p, v in before.items()}


@pytest.mark.spec(278, 263)
@pytest.mark.parametrize("broken", ["{ broken", "", "\xff{}", "{}" + " " * 300_000])
def test_a_file_that_cannot_be_used_is_replaced_by_its_backup_and_kept_aside(
    device: Device, broken: str
) -> None:
    data = broken.encode("latin-1")
    write(device.old, "etc/secc/customer.json", "")
    (device.old / "etc/secc/customer.json").write_bytes(data)
    write(device.old, "var/backups/customer.json", CUSTOMER)

    notes = device.install()

    assert device.text("etc/secc/customer.json") == CUSTOMER
    assert (device.new / "etc/secc/customer.json.corrupt").read_bytes() == data
    assert any(note.startswith("/etc/secc/customer.json ") for note in notes)


def test_without_a_backup_the_new_images_file_is_used_and_updates_go_on(device: Device) -> None:
    write(device.old, "etc/secc/customer.json", "{ broken")
    shipped = device.text("etc/secc/customer.json")

    notes = device.install()

    assert device.text("etc/secc/customer.json") == shipped
    assert device.text("etc/secc/customer.json.corrupt") == "{ broken"
    assert "/etc/secc/customer.json cannot be used; the new image's is used" in notes


# --- the keyring


@pytest.mark.spec(263)
def test_the_owners_keyring_stays_however_it_was_put_there(device: Device) -> None:
    link = device.old / "etc/rauc/keyring.pem"
    link.unlink()
    write(device.old, "etc/rauc/owner.cert", CERTIFICATE.replace("AA==", "BB=="))
    link.symlink_to("owner.cert")

    device.install()

    assert not (device.new / "etc/rauc/keyring.pem").is_symlink()
    assert "BB==" in device.text("etc/rauc/keyring.pem")
    assert "AA==" in device.text("usr/share/chargectl/keyring/keyring.pem")


def test_the_factorys_keyring_comes_with_the_image(device: Device) -> None:
    device.install()

    assert (device.new / "etc/rauc/keyring.pem").is_symlink()


def test_an_image_with_its_owners_keyring_brings_a_new_one(device: Device) -> None:
    for root, number in ((device.old, "BB=="), (device.new, "CC==")):
        (root / "etc/rauc/keyring.pem").unlink()
        write(root, "etc/rauc/keyring.pem", CERTIFICATE.replace("AA==", number))

    device.install()

    assert "CC==" in device.text("etc/rauc/keyring.pem")


def test_a_keyring_without_certificate_fails_the_update(device: Device) -> None:
    (device.old / "etc/rauc/keyring.pem").unlink()
    write(device.old, "etc/rauc/keyring.pem", "")

    with pytest.raises(MigrationError, match="holds no certificate"):
        device.install()


# --- what does not fit together


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("VERSION=2\nMACHINE=other\n", "the image is for other, this is m"),
        ("VERSION=2\nMACHINE=m\nDEVELOPMENT_KEYS=yes\n", "development keys"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(device: Device, release: str, said: str) -> None:
    write(device.new, "etc/chargectl-release", release)

    with pytest.raises(MigrationError, match=said):
        device.install()


def test_an_older_image_that_would_misread_the_configuration_is_refused(device: Device) -> None:
    newer = MANIFEST.replace("\nschema = 1\n", "\nschema = 7\n")
    write(device.old, "usr/share/chargectl/migration.toml", newer)

    with pytest.raises(MigrationError, match=r"schema 7, version 2\.0 knows only 1"):
        device.install()


def test_a_firmware_of_another_origin_can_be_followed(device: Device) -> None:
    (device.old / "etc/chargectl-release").unlink()
    (device.old / "usr/share/chargectl/migration.toml").unlink()
    write(device.old, "etc/secc/customer.json", CUSTOMER)

    assert device.install()[-1].endswith("from version unknown")
    assert device.text("etc/secc/customer.json") == CUSTOMER


def test_an_image_without_a_manifest_is_refused(device: Device) -> None:
    (device.new / "usr/share/chargectl/migration.toml").unlink()

    with pytest.raises(MigrationError, match="missing from the new image"):
        device.install()


@needs_root
@pytest.mark.spec(263)
def test_the_certificate_bundle_is_built_anew_inside_the_new_system(device: Device) -> None:
    for name in ("sh", "cat"):
        add_program(device.new, name, f"bin/{name}")
    write(device.old, "usr/local/share/ca-certificates/backend.crt", CERTIFICATE)
    program = write(
        device.new,
        "usr/sbin/update-ca-certificates",
        "#!/bin/sh\ncat /usr/local/share/ca-certificates/*.crt >/etc/bundle.crt\n",
        0o755,
    )

    device.install()
    assert device.text("etc/bundle.crt") == CERTIFICATE

    program.write_text("#!/bin/sh\necho 'no space left'\nexit 3\n")
    with pytest.raises(MigrationError, match="update-ca-certificates failed in the new system: no space"):
        device.install()


def test_a_write_that_fails_leaves_nothing_behind(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    write(device.old, "etc/secc/customer.json", CUSTOMER)
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    before = {path: value[0] for path, value in snapshot(device.new).items()}

    def full(descriptor: int, data: bytes) -> None:
        if data == b"tags":
            raise OSError(28, "No space left on device")
        os.write(descriptor, data)

    monkeypatch.setattr(migration_files, "_all", full)

    with pytest.raises(MigrationError, match=r"auth\.db cannot be carried: No space left"):
        device.install()
    after = {path: value[0] for path, value in snapshot(device.new).items() if value[0] is not None}
    assert after == {path: content for path, content in before.items() if content is not None}


# --- what changes between the install and the restart


@pytest.mark.spec(263)
def test_late_takes_over_what_changed_after_the_install(device: Device) -> None:
    write(device.old, "etc/secc/customer.json", "{}\n")
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    write(device.old, "etc/systemd/network/gone.network", "x")
    write(device.old, "etc/shadow", "root:$6$first$x:20400:0:99999:7:::\n")
    device.install()
    assert pending(device.new)

    write(device.old, "etc/secc/customer.json", CUSTOMER)
    write(device.old, "var/lib/ocppd/new/transactions.db", "1")
    (device.old / "etc/systemd/network/gone.network").unlink()
    write(device.old, "etc/shadow", "root:$6$second$x:20401:0:99999:7:::\n")
    notes = late(device.old, device.new)

    assert device.text("etc/secc/customer.json") == CUSTOMER
    assert device.text("var/lib/ocppd/new/transactions.db") == "1"
    assert not (device.new / "etc/systemd/network/gone.network").exists()
    assert "$6$second$" in device.text("etc/shadow")
    assert "/etc/secc/customer.json was changed after the install and is taken over" in notes
    assert not any("auth.db" in note for note in notes)
    assert not pending(device.new)


def test_late_touches_nothing_when_nothing_changed(device: Device) -> None:
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    device.install()
    written = (device.new / "var/lib/ocppd/auth.db").stat().st_ino

    assert [note for note in late(device.old, device.new) if "taken over" in note or "removed" in note] == []
    assert (device.new / "var/lib/ocppd/auth.db").stat().st_ino == written


def test_late_keeps_what_the_new_system_has_changed_itself(device: Device) -> None:
    write(device.old, "var/lib/ocppd/auth.db", "tags")
    device.install()
    write(device.new, "var/lib/ocppd/auth.db", "of the new one")
    write(device.old, "var/lib/ocppd/auth.db", "of the old one")

    notes = late(device.old, device.new)

    assert device.text("var/lib/ocppd/auth.db") == "of the new one"
    assert "/var/lib/ocppd/auth.db has changed in both systems; this one's stays" in notes


def test_late_happens_once_even_if_it_failed_and_a_failure_changes_nothing(device: Device) -> None:
    write(device.old, "etc/secc/customer.json", CUSTOMER)
    device.install()
    write(device.old, "etc/secc/customer.json", "{}")
    write(device.old, "etc/secc/extra/file", "x")
    write(device.new, "etc/secc/extra", "")

    with pytest.raises(MigrationError):
        late(device.old, device.new)
    assert device.text("etc/secc/customer.json") == CUSTOMER
    (device.new / "etc/secc/extra").unlink()
    assert late(device.old, device.new) == []
    assert device.text("etc/secc/customer.json") == CUSTOMER
    record = json.loads(device.text("var/lib/chargectl/migration.json"))
    assert record["late"].startswith("failed: /etc/secc/extra/file cannot be carried")


def test_late_is_repeated_until_a_start_is_accepted_and_not_later(device: Device) -> None:
    """One that was killed has left no word; the next try of the same system may be the first good one."""
    write(device.old, "etc/secc/customer.json", "{}\n")
    device.install()
    write(device.old, "etc/secc/customer.json", CUSTOMER)
    assert pending(device.new)

    assert close(device.new)
    assert not close(device.new), "once"

    assert not pending(device.new)
    assert late(device.old, device.new) == []
    assert device.text("etc/secc/customer.json") == "{}\n"
    assert json.loads(device.text("var/lib/chargectl/migration.json"))["late"] == TOO_LATE


def test_late_takes_over_from_the_version_that_it_came_from_only(device: Device) -> None:
    """By now the other slot may hold a newer system, with a configuration for that."""
    write(device.old, "etc/secc/customer.json", "{}\n")
    device.install()
    write(device.old, "etc/chargectl-release", "VERSION=3.0\nMACHINE=m\nDEVELOPMENT_KEYS=no\n")
    write(device.old, "etc/secc/customer.json", CUSTOMER)

    with pytest.raises(MigrationError, match=r"slot holds version 3\.0; this system came from 1\.0"):
        late(device.old, device.new)

    assert device.text("etc/secc/customer.json") == "{}\n"
    assert not pending(device.new)


def test_nothing_is_closed_on_a_flashed_system_or_a_finished_one(device: Device) -> None:
    assert not close(device.new)
    device.install()
    late(device.old, device.new)
    assert not close(device.new)
    assert json.loads(device.text("var/lib/chargectl/migration.json"))["late"] == "done"


LEFT = ".migrate-3-4711"
PLACES = ("etc", "etc/secc", "var/lib/ocppd/deep", "etc/mosquitto", "var/lib/chargectl")
"""Beside single files, in folders that are carried, and beside the record."""


def test_what_an_interrupted_migration_has_left_is_not_carried(device: Device) -> None:
    for place in PLACES:
        write(device.old, f"{place}/{LEFT}", "half")
    write(device.old, "etc/secc/.migrate-notes", "the owner's own")

    device.install()

    assert not list(device.new.rglob(LEFT))
    assert device.text("etc/secc/.migrate-notes") == "the owner's own"
    for path in device.old.rglob(".migrate-*"):
        path.unlink()
    (device.new / "etc/secc/.migrate-notes").unlink()


def test_late_removes_what_an_interrupted_one_has_left(device: Device) -> None:
    device.install()
    for place in PLACES:
        write(device.new, f"{place}/{LEFT}", "half")
    write(device.new, "etc/secc/.migrate-notes", "the owner's own")

    late(device.old, device.new)

    assert not list(device.new.rglob(LEFT))
    (device.new / "etc/secc/.migrate-notes").unlink()


def test_late_does_nothing_on_a_flashed_system(device: Device) -> None:
    assert late(device.old, device.new) == []
    assert not pending(device.new)
