"""`v2g modem`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.v2g.netns import needs_netns
from v2g.cli import modem
from v2g.modem import veth
from v2g.net.interfaces import NoSuchInterfaceError, interface_index

ROOT = Path(__file__).parents[3]
RUN = """
import argparse, signal, sys
from v2g.cli import modem
# As at a terminal: who runs these tests in the background may have them ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
parser = argparse.ArgumentParser(prog="v2g")
modem.add_parser(parser.add_subparsers())
sys.exit(modem.run(parser.parse_args(["modem", *sys.argv[1:]])))
"""


def _parsed(*arguments):
    parser = argparse.ArgumentParser(prog="v2g")
    modem.add_parser(parser.add_subparsers())
    return parser.parse_args(["modem", *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss", "2"], "'2' is no part from 0 to 1"),
        (["--loss", "x"], "'x' is no part from 0 to 1"),
        (["--join-ms=-1"], "'-1' is no whole number from 0 to 1000000"),
        (["--delay-ms", "1.5"], "'1.5' is no whole number from 0 to 1000000"),
        (["--delay-ms", "9" * 20], "is no whole number from 0 to 1000000"),
        (["--delay-ms", "\u00b2"], "is no whole number from 0 to 1000000"),
        (["--attenuation", "101"], "'101' is no whole number of dB from 0 to 100"),
        (["--apart", "a,b"], "'a,b' is not of the form NAME,NAME,DB"),
        (["--profiles", "some"], "invalid choice: 'some'"),
    ],
)
def test_bad_options(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        _parsed(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dead", "nobody"], "there is no interface nobody among v2g-ev, v2g-evse"),
        (["--apart", "v2g-ev,nobody,20"], "there is no interface nobody among v2g-ev, v2g-evse"),
        (["--ev", "one", "--evse", "one"], "one is named twice"),
    ],
)
def test_bad_names(capsys, arguments, message):
    assert modem.run(_parsed(*arguments)) == 2
    assert capsys.readouterr().err == f"v2g modem: {message}\n"


def test_not_root(monkeypatch, capsys):
    monkeypatch.setattr("v2g.modem.veth.os.geteuid", lambda: 1000)
    assert modem.run(_parsed()) == 2
    assert capsys.readouterr().err == "v2g modem: v2g-ev: making interfaces needs root\n"


@contextlib.contextmanager
def ending(command):
    """Whatever happens, the program does not outlive its test."""
    try:
        yield
    finally:
        command.kill()


@needs_netns
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_makes_interfaces_until_it_is_told_to_end(number):
    names = [f"vt{os.getpid()}{kind}0" for kind in "wxyz"]
    arguments = ["--ev", names[0], "--evse", names[1], "--evse", names[2], "--listen", names[3]]
    arguments += ["--apart", f"{names[0]},{names[2]},off", "--dead", names[2]]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    with command, ending(command):
        assert command.stdout
        lines = [command.stdout.readline() for _ in range(5)]
        assert lines == [
            f"{names[0]}: a car's modem 00:B0:52:00:00:10\n",
            f"{names[1]}: a charger's modem 00:B0:52:00:00:11\n",
            f"{names[2]}: a charger's modem 00:B0:52:00:00:12\n",
            f"{names[3]}: a listener's modem 00:B0:52:00:00:13\n",
            "Ctrl-C ends it\n",
        ]
        for name in names:
            assert interface_index(name)
        command.send_signal(number)
        assert command.wait(30) == 0
    for name in names:
        with pytest.raises(NoSuchInterfaceError):
            interface_index(name)


@needs_netns
def test_a_name_that_is_taken(capsys):
    assert modem.run(_parsed("--ev", "lo")) == 2
    assert capsys.readouterr().err == "v2g modem: lo: there is an interface of this name already\n"


@needs_netns
def test_what_a_killed_run_has_left(capsys):
    name = f"vt{os.getpid()}k0"
    left = veth.create(name)
    try:
        assert modem.run(_parsed("--ev", name)) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"v2g modem: {name}: there is its modem's end already: ")
        assert line.endswith(f"'ip link delete {name}-m' removes both ends")
        assert interface_index(name)
    finally:
        left.remove()
