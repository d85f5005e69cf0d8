"""A station without TLS and Plug & Charge does not pay for them; cores do no input and output."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src"
FORBIDDEN = {"socket", "time", "threading", "asyncio", "subprocess", "random", "secrets", "os", "pathlib"}


@pytest.mark.parametrize(
    "modules",
    [
        "v2g.sdp, v2g.net.sdp, v2g.net.streams",
        "v2g.security.tls, v2g.net.tls_layer, v2g.security.trust_store, v2g.security.contract_keys",
        "v2g.security.signatures, v2g.security.pki.maker, v2g.security.pki.describe, v2g.cli.pki",
    ],
)
def test_cryptography_is_loaded_when_it_is_needed(modules: str) -> None:
    program = f"import sys, {modules}\nassert 'cryptography' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": str(SOURCES)})


@pytest.mark.spec(344)
@pytest.mark.parametrize("command", ["chargectl.daemons.iso15118d", "chargectl.daemons.iso15118d_service"])
def test_the_boards_station_has_nothing_simulated(command: str) -> None:
    program = (
        f"import sys, {command}\n"
        "rooms = ('v2g.desk', 'v2g.modem', 'chargectl.sim')\n"
        "made_up = [each for each in sys.modules if each.startswith(rooms)]\n"
        "assert 'v2g.net.charger' in sys.modules or 'service' not in sys.argv[1], 'not what it was'\n"
        "assert not made_up, made_up"
    )
    subprocess.run([sys.executable, "-c", program, command], check=True, env={"PYTHONPATH": str(SOURCES)})


@pytest.mark.parametrize(
    "name",
    [
        "sdp",
        "common/effects",
        "security/signatures",
        "security/signed",
        "security/suites",
        "security/contract_keys",
        "security/client_hello",
        "security/chains",
    ],
)
def test_cores_are_pure(name: str) -> None:
    tree = ast.parse((SOURCES / "v2g" / f"{name}.py").read_text())
    imported = {
        each.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for each in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & FORBIDDEN
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "open" not in calls
