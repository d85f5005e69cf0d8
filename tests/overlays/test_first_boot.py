"""chargectl-first-boot: what each device gets of its own, once, whatever interrupts it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

PASSWORD = "zebematado"
"""The one that the user guide prints (Table 44)."""

pytestmark = pytest.mark.usefixtures("as_root")


@pytest.fixture
def root(overlays: Path, tmp_path: Path) -> Path:
    """The root file system of a new device."""
    for folder in ("etc/ssh", "etc/mosquitto", "run", "usr/share/chargectl"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/shadow").write_text(
        "daemon:*:19000:0:99999:7:::\nroot:*:19000:0:99999:7:::\nx:!:1::::::\n"
    )
    (tmp_path / "etc/shadow").chmod(0o640)
    (tmp_path / "etc/group").write_text("root:x:0:\nshadow:x:42:\nmosquitto:x:886:\n")
    name = "usr/share/chargectl/initial-root-password.hash"
    (tmp_path / name).write_bytes((overlays / "common" / name).read_bytes())
    return tmp_path


def command(overlays: Path, root: Path, name: str = "first-boot") -> list[str]:
    return ["sh", str(overlays / "common/usr/lib/chargectl" / name), str(root)]


def first_boot(overlays: Path, root: Path) -> str:
    result = subprocess.run(command(overlays, root), text=True, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    return result.stderr


def content(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            path.stat().st_uid,
            path.stat().st_gid,
            path.read_bytes(),
        )
        for path in sorted((root / "etc").rglob("*"))
        if path.is_file()
    }


def credentials(root: Path) -> dict[str, str]:
    lines = (root / "etc/chargectl/credentials").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def check_complete(root: Path) -> None:
    """Everything is there and fits together."""
    found = credentials(root)
    assert found["MQTT_USER"] == found["WEB_USER"] == "owner"
    for name in ("MQTT_PASSWORD", "WEB_PASSWORD"):
        assert re.fullmatch("[a-zA-Z2-9]{20}", found[name])
    assert found["MQTT_PASSWORD"] != found["WEB_PASSWORD"]
    for kind in ("ed25519", "ecdsa"):
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        public = subprocess.run(
            ["ssh-keygen", "-y", "-P", "", "-f", str(key)], capture_output=True, text=True, check=True
        ).stdout
        assert public.split()[:2] == key.with_suffix(".pub").read_text().split()[:2]
    assert re.fullmatch(r"owner:\$[67]\$.*\n", (root / "etc/mosquitto/passwd").read_text())
    leftovers = [path.name for path in (root / "etc").rglob("*") if path.name.endswith((".new", ".plain"))]
    assert leftovers == []


@pytest.mark.spec(301)
def test_a_new_device(overlays: Path, root: Path) -> None:
    output = first_boot(overlays, root)
    check_complete(root)
    files = content(root)
    modes = {name: (oct(mode & 0o7777), gid) for name, (mode, _, gid, _) in files.items()}
    assert modes["etc/chargectl/credentials"] == ("0o600", 0)
    assert modes["etc/mosquitto/passwd"] == ("0o640", 886)
    assert modes["etc/shadow"] == ("0o640", 42)
    assert modes["etc/ssh/ssh_host_ed25519_key"] == modes["etc/ssh/ssh_host_ecdsa_key"] == ("0o600", 0)
    for secret in (credentials(root)["MQTT_PASSWORD"], credentials(root)["WEB_PASSWORD"], PASSWORD):
        assert secret not in output
    # root has the printed password, and has to change it with the first login.
    fields = next(line for line in (root / "etc/shadow").read_text().splitlines() if line[:5] == "root:")
    name, hash_, changed, *rest = fields.split(":")
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", hash_.split("$")[2], PASSWORD],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (name, hash_, changed) == ("root", made.stdout.strip(), "0")
    assert rest == ["0", "99999", "7", "", "", ""]
    others = [line for line in (root / "etc/shadow").read_text().splitlines() if line[:5] != "root:"]
    assert others == ["daemon:*:19000:0:99999:7:::", "x:!:1::::::"]


def test_a_second_boot_changes_nothing(overlays: Path, root: Path) -> None:
    first_boot(overlays, root)
    before = content(root)
    assert first_boot(overlays, root) == ""
    assert content(root) == before


def test_two_devices_have_nothing_in_common(overlays: Path, root: Path, tmp_path: Path) -> None:
    first_boot(overlays, root)
    other = content(root)
    for name in ("etc/chargectl/credentials", "etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ecdsa_key"):
        (root / name).unlink()
    (root / "etc/mosquitto/passwd").unlink()
    first_boot(overlays, root)
    now = content(root)
    for name in ("etc/chargectl/credentials", "etc/mosquitto/passwd", "etc/ssh/ssh_host_ed25519_key"):
        assert now[name][3] != other[name][3]


def test_what_an_update_brought_along_stays(overlays: Path, root: Path) -> None:
    (root / "etc/chargectl").mkdir()
    (root / "etc/chargectl/credentials").write_text(
        "MQTT_USER=owner\nMQTT_PASSWORD=old one\nWEB_PASSWORD=w\n"
    )
    (root / "etc/mosquitto/passwd").write_text("owner:$7$101$a$b\nanother:$7$101$c$d\n")
    shadow = "root:$6$salt$ownhash:20000:0:99999:7:::\n"
    (root / "etc/shadow").write_text(shadow)
    for kind in ("ed25519", "ecdsa"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(root / f"etc/ssh/ssh_host_{kind}_key")],
            check=True,
        )
    before = content(root)
    first_boot(overlays, root)
    assert content(root) == before


def test_a_password_that_came_alone_is_kept(overlays: Path, root: Path) -> None:
    (root / "etc/chargectl").mkdir()
    (root / "etc/chargectl/credentials").write_text("MQTT_PASSWORD=of the last system\n")
    first_boot(overlays, root)
    assert credentials(root)["MQTT_PASSWORD"] == "of the last system"
    assert len(credentials(root)["WEB_PASSWORD"]) == 20


@pytest.mark.parametrize("field", ["", "*", "x"])
def test_no_account_without_a_password(overlays: Path, root: Path, field: str) -> None:
    (root / "etc/shadow").write_text(f"root:{field}:19000:0:99999:7:::\n")
    first_boot(overlays, root)
    assert (root / "etc/shadow").read_text().startswith("root:$6$")


def test_without_an_account_for_root_nothing_is_claimed(overlays: Path, root: Path) -> None:
    (root / "etc/shadow").write_text("daemon:*:19000:0:99999:7:::\n")
    result = subprocess.run(command(overlays, root), text=True, capture_output=True, check=False)
    assert result.returncode == 1
    assert "has no line for root" in result.stderr
    assert "printed password" not in result.stderr
    assert (root / "etc/shadow").read_text() == "daemon:*:19000:0:99999:7:::\n"


@pytest.mark.parametrize("field", ["$6$a$b", "$y$j9T$a$b", "!$6$a$b", "!", "!*", "!!"])
def test_a_password_or_a_locked_one_stays(overlays: Path, root: Path, field: str) -> None:
    (root / "etc/shadow").write_text(f"root:{field}:19000:0:99999:7:::\n")
    first_boot(overlays, root)
    assert (root / "etc/shadow").read_text() == f"root:{field}:19000:0:99999:7:::\n"


def test_damaged_host_keys_are_made_anew(overlays: Path, root: Path) -> None:
    first_boot(overlays, root)
    key = root / "etc/ssh/ssh_host_ed25519_key"
    key.write_bytes(key.read_bytes()[:100])
    (root / "etc/ssh/ssh_host_ecdsa_key.pub").unlink()
    first_boot(overlays, root)
    check_complete(root)


@pytest.mark.parametrize("missing", ["ssh-keygen", "mosquitto_passwd", "awk"])
def test_what_fails_stops_nothing_else(overlays: Path, root: Path, tmp_path: Path, missing: str) -> None:
    """Without host keys the broker has its password file all the same; the next boot makes the rest."""
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / missing).write_text("#!/bin/sh\nexit 1\n")
    (shims / missing).chmod(0o755)
    result = subprocess.run(
        command(overlays, root),
        text=True,
        capture_output=True,
        check=False,
        env={"PATH": f"{shims}:/usr/sbin:/usr/bin"},
    )
    assert result.returncode == 1
    assert ": failed" in result.stderr
    made = {
        "ssh-keygen": (root / "etc/ssh/ssh_host_ed25519_key").exists(),
        "mosquitto_passwd": (root / "etc/mosquitto/passwd").exists(),
        "awk": "root:$6$" in (root / "etc/shadow").read_text(),
    }
    assert made == {name: name != missing for name in made}
    assert len(credentials(root)["WEB_PASSWORD"]) == 20
    assert len((root / "etc/shadow").read_text().splitlines()) == 3
    first_boot(overlays, root)
    check_complete(root)


STEPS = ("ssh-keygen", "mosquitto_passwd", "awk", "chown", "chmod", "sync", "mv", "rm", "cat", "mkdir")
"""Programs by which the script changes anything: the power fails before each run of each."""

SHIM = """#!/bin/sh
exec 9>>"$COUNTER"
flock 9
echo >&9
count=$(wc -l <"$COUNTER")
exec 9>&-
[ "$FAIL_AT" != "$count" ] || kill -KILL 0
exec {real} "$@"
"""


def interrupted(overlays: Path, root: Path, shims: Path, fail_at: str) -> tuple[bool, int]:
    """Run until the given step; returns whether it was killed there, and how many steps were made."""
    (shims / "counter").write_text("")
    process = subprocess.Popen(
        command(overlays, root),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": f"{shims}:/usr/sbin:/usr/bin", "COUNTER": str(shims / "counter"), "FAIL_AT": fail_at},
    )
    return process.wait() == -signal.SIGKILL, len((shims / "counter").read_text())


def test_killed_anywhere_the_next_boot_completes_it(
    overlays: Path, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file that is there is complete, and stays: a password that somebody has read is never another."""
    shims = tmp_path_factory.mktemp("shims")
    for name in STEPS:
        real = shutil.which(name, path="/usr/sbin:/usr/bin")
        (shims / name).write_text(SHIM.format(real=real))
        (shims / name).chmod(0o755)
    new = tmp_path_factory.mktemp("new")
    shutil.copytree(root, new, dirs_exist_ok=True)
    killed, steps = interrupted(overlays, new, shims, "never")
    assert not killed
    assert steps > 30
    for step in range(1, steps + 1):
        device = tmp_path_factory.mktemp("device")
        shutil.copytree(root, device, dirs_exist_ok=True)
        assert interrupted(overlays, device, shims, str(step))[0]
        left = {
            name: (device / name).read_bytes()
            for name in (
                "etc/chargectl/credentials",
                "etc/ssh/ssh_host_ed25519_key",
                "etc/ssh/ssh_host_ecdsa_key",
                "etc/mosquitto/passwd",
            )
            if (device / name).exists()
        }
        assert len((device / "etc/shadow").read_text().splitlines()) == 3
        first_boot(overlays, device)
        check_complete(device)
        assert {name: (device / name).read_bytes() for name in left} == left
        shutil.rmtree(device)


def test_no_secret_is_an_argument(overlays: Path, root: Path, tmp_path: Path) -> None:
    """Arguments can be read by every user of a system: every program that is started is looked at."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-s", "4096", "-e", "trace=execve", "-o", str(trace), *command(overlays, root)],
        check=True,
        capture_output=True,
    )
    text = trace.read_text()
    assert "ssh-keygen" in text
    for secret in credentials(root).values():
        if secret != "owner":
            assert secret not in text


def policy(overlays: Path, root: Path) -> str:
    result = subprocess.run(
        command(overlays, root, "password-policy"), text=True, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return (root / "run/chargectl-ssh/password.conf").read_text()


@pytest.mark.spec(301)
def test_the_printed_password_is_for_the_serial_console_only(overlays: Path, root: Path) -> None:
    first_boot(overlays, root)
    assert policy(overlays, root) == "PasswordAuthentication no\n"
    # Somebody makes it last by setting only the day of its change.
    shadow = root / "etc/shadow"
    shadow.write_text(re.sub(r"^(root:[^:]*):0:", r"\1:20000:", shadow.read_text(), flags=re.M))
    assert policy(overlays, root) == "PasswordAuthentication no\n"
    # Or sets it again, with another salt: the change is demanded as long as the day is 0.
    shadow.write_text("root:$6$other$hash:0:0:99999:7:::\n")
    assert policy(overlays, root) == "PasswordAuthentication no\n"
    shadow.write_text("root:$6$own$hash:20000:0:99999:7:::\n")
    assert policy(overlays, root) == "PasswordAuthentication yes\n"


@pytest.mark.parametrize(
    "line", ["root::20000:", "root:*:20000:", "root:!$6$a$b:20000:", "root:$6$a$b::", ""]
)
def test_without_a_password_of_the_owner_none_is_accepted(overlays: Path, root: Path, line: str) -> None:
    (root / "etc/shadow").write_text(f"{line}0:99999:7:::\n")
    assert policy(overlays, root) == "PasswordAuthentication no\n"
