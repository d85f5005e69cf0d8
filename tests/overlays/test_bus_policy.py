"""Who may talk to RAUC: real dbus-daemon with its own settings, RAUC's policy and the image's."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rauc_rig import RaucRig, require, which

SETTINGS = Path("/usr/share/dbus-1/system.conf")
THEIRS = Path("/usr/share/dbus-1/system.d/de.pengutronix.rauc.conf")
OURS = "etc/dbus-1/system.d/chargectl.conf"
UPDATED, OTHER = "nobody", "daemon"
"""Users of this machine that stand for chargectl-updated and for any other service."""
INSTALLER = "de.pengutronix.rauc.Installer"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"


@pytest.fixture(scope="module")
def rig(installed: Path) -> Iterator[RaucRig]:
    require()
    for needed in (SETTINGS, THEIRS):
        if not needed.exists():
            pytest.skip(f"{needed} is not installed on this machine")
    if which("dbus-send") is None:
        pytest.skip("dbus-send is not installed")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for policies in ("usr", "etc"):
            (folder / policies).mkdir()
        (folder / "usr/rauc.conf").write_bytes(THEIRS.read_bytes())
        ours = (installed / OURS).read_text()
        assert 'user="chargectl-updated"' in ours
        (folder / "etc/chargectl.conf").write_text(ours.replace("chargectl-updated", UPDATED))
        made = RaucRig(folder / "rig")
        (made.root / "bus.conf").write_text(settings(folder, made.root / "bus"))
        with made:
            yield made


def settings(folder: Path, address: Path) -> str:
    """The system bus's settings with the two folders of policies, in their order, and an address here."""
    text = SETTINGS.read_text()
    for tag in ("user", "fork", "pidfile", "servicehelper", "standard_system_servicedirs", "syslog"):
        text = re.sub(rf"<{tag}/>|<{tag}>.*?</{tag}>", "", text, flags=re.S)
    text = re.sub(r"<include .*?</include>", "", text, flags=re.S)
    text, count = re.subn(r"<listen>.*?</listen>", f"<listen>unix:path={address}</listen>", text)
    assert count == 1
    for name, here in (("system.d", "usr"), ("/etc/dbus-1/system.d", "etc")):
        assert f"<includedir>{name}</includedir>" in text
        text = text.replace(f"<includedir>{name}</includedir>", f"<includedir>{folder / here}</includedir>")
    return text


def call(rig: RaucRig, user: str, member: str, *arguments: str) -> str:
    """What the bus answers: the reply, or the error's name first."""
    done = subprocess.run(
        [
            *("setpriv", f"--reuid={user}", "--clear-groups", "dbus-send", f"--bus={rig.address}"),
            *("--print-reply", "--dest=de.pengutronix.rauc", "/", member, *arguments),
        ],
        text=True,
        capture_output=True,
        check=False,
        timeout=30,
    )
    return (done.stderr.removeprefix("Error ") or done.stdout).strip()


@pytest.mark.parametrize(
    ("member", "arguments"),
    [
        (f"{INSTALLER}.GetSlotStatus", ()),
        (f"{INSTALLER}.GetPrimary", ()),
        ("org.freedesktop.DBus.Properties.Get", (f"string:{INSTALLER}", "string:Operation")),
    ],
)
def test_updated_may_ask(rig: RaucRig, member: str, arguments: tuple[str, ...]) -> None:
    assert call(rig, UPDATED, member, *arguments).startswith("method return")
    assert call(rig, OTHER, member, *arguments).startswith(DENIED)


def test_updated_may_have_something_installed(rig: RaucRig) -> None:
    """dbus-send cannot write the second argument: that RAUC misses it shows that RAUC was asked."""
    assert call(rig, OTHER, f"{INSTALLER}.InstallBundle", "string:/x").startswith(DENIED)
    assert "InvalidArgs" in call(rig, UPDATED, f"{INSTALLER}.InstallBundle", "string:/x")


@pytest.mark.parametrize(
    ("member", "arguments"),
    [("Mark", ("string:bad", "string:booted")), ("Install", ("string:/nowhere",)), ("Info", ("string:/x",))],
)
def test_which_slot_is_started_is_not_updateds_to_say(
    rig: RaucRig, member: str, arguments: tuple[str, ...]
) -> None:
    for user in (UPDATED, OTHER):
        assert call(rig, user, f"{INSTALLER}.{member}", *arguments).startswith(DENIED)


def test_root_may_do_everything(rig: RaucRig) -> None:
    answer = call(rig, "root", f"{INSTALLER}.Mark", "string:good", "string:booted")
    assert answer.startswith("method return")
