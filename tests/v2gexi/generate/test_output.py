"""The files that are written: the same twice, good C, stubs that mypy takes."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.v2gexi.generate.shown import SCHEMAS, tables_of
from v2gexi.generate.__main__ import generate, main
from v2gexi.generate.pack import pack, pack_strings
from v2gexi.generate.write_names import constants

ROOT = Path(__file__).parents[3]
HEADERS = ROOT / "src/v2gexi/c"
BOTH = [f"--set={name}={SCHEMAS / name}.xsd" for name in ("kiosk", "maze")]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    assert main([*BOTH, "--out", str(folder)]) == 0
    return folder


def test_two_runs_write_the_same(made: Path, tmp_path: Path):
    # A process of its own: the order of sets and dictionaries of strings differs from process to process.
    command = [sys.executable, "-m", "generate", *BOTH, "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "src/v2gexi", check=True, capture_output=True)
    names = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    assert names == ["c/names.h", "c/tables.c", "kiosk.py", "kiosk.pyi", "maze.py", "maze.pyi"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_check_names_what_would_change(made: Path, tmp_path: Path, capsys):
    shutil.copytree(made, tmp_path / "copy")
    check = [*BOTH, "--out", str(tmp_path / "copy"), "--check"]
    assert main(check) == 0
    (tmp_path / "copy/kiosk.pyi").write_text("")
    (tmp_path / "copy/c/names.h").unlink()
    capsys.readouterr()
    assert main(check) == 1
    told = capsys.readouterr().err.splitlines()
    assert [Path(line.split()[0]).name for line in told] == ["names.h", "kiosk.pyi"]
    assert not (tmp_path / "copy/c/names.h").exists()


def test_the_sizes_are_told(tmp_path: Path, capsys):
    assert main([*BOTH, "--out", str(tmp_path)]) == 0
    assert "6 of 6 files changed; " in (told := capsys.readouterr().out)
    assert "bytes of read-only data: productions " in told


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_c_files_compile_without_a_warning(made: Path):
    subprocess.run(["gcc", *STRICT, f"-I{HEADERS}", made / "c/tables.c"], check=True)
    subprocess.run(["gcc", *STRICT, "-x", "c", made / "c/names.h"], check=True)


def test_constants_differ():
    found = constants(tables_of("kiosk"))
    names = [name for name, _, _ in found]
    assert len(set(names)) == len(names)
    by_name = {name: qname for name, _, qname in found}
    assert by_name["V2GEXI_KIOSK_Order"] == ("urn:example:kiosk", "Order")
    assert by_name["V2GEXI_UNQUALIFIED_id"] == ("", "id")
    assert by_name["V2GEXI_XSI_type"][1] == "type"


def test_stubs_are_strictly_typed(made: Path, tmp_path: Path):
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nmypy_path = {ROOT}/src\nstrict = true\ncache_dir = {tmp_path}/cache\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config)]
    command += [str(made / "kiosk.pyi"), str(made / "maze.pyi")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_stubs_say():
    stub = generate(tables_of("kiosk"))["kiosk.pyi"]
    classes = {node.name: node for node in ast.parse(stub).body if isinstance(node, ast.ClassDef)}
    order = ast.unparse(classes["Order"])
    assert "Payment: PaymentType | None" in order
    assert "Ticket: list[TicketType]" in order
    assert "Comment: list[str]" in order
    assert "def __init__(self, *, id: str, priority: int | None=None, Ticket: list[TicketType]," in order
    assert "    Ticket: list[TicketType]  # 2 to 5\n" in stub
    assert 'CountryType: TypeAlias = Literal["AT", "CH", "DE"]' in stub
    assert ast.unparse(classes["BankCard"].bases[0]) == "CardType"
    assert "Digits" not in ast.unparse(classes["BankCard"]).split("def")[0]
    assert "\nCard = CardType\n" in stub
    assert "content: list[Element | AnyElement | str]" in ast.unparse(classes["NoteType"])


def test_a_slot_called_like_a_type_does_not_hide_it():
    stub = generate(tables_of("maze"))["maze.pyi"]
    assert "    Empty: _Empty\n" in stub
    assert "\n_Empty = Empty\n" in stub


def test_packing():
    flat, at = pack([(1, 2), (2, 3, 4), (3, 4), (), (5,)])
    assert flat == [1, 2, 2, 3, 4, 5]
    assert at == {(1, 2): 0, (2, 3, 4): 2, (3, 4): 3, (): 0, (5,): 5}
    kept, offsets = pack_strings(["Signature", "nature", "Säule", "ule"])
    assert kept == ["Signature", "Säule"]
    assert offsets == {"Signature": 0, "nature": 3, "Säule": 10, "ule": 13}
