"""The engine by its C interface: bytes as by Python, on several processors; damaged payloads; fuzzing."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import v2gexi
from tests.v2gexi.c.build import ENGINE, FUZZER, SANITIZERS, STRICT, compiled
from tests.v2gexi.c.seeds import Seed, all_seeds, foreign, generated, recorded, write
from v2gexi import schema

TRAP = ("-static", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
TARGETS = {
    "gcc": ("gcc", SANITIZERS, ()),
    "clang": ("clang", SANITIZERS, ()),
    "narrow": ("gcc", (*SANITIZERS, "-DV2GEXI_NARROW"), ()),
    "armhf": (
        "arm-linux-gnueabihf-gcc",
        (*TRAP, "-mcpu=cortex-a7", "-mno-unaligned-access"),
        ("qemu-arm", "-cpu", "cortex-a7"),
    ),
    "powerpc, big-endian": ("powerpc-linux-gnu-gcc", TRAP, ("qemu-ppc",)),
}
"""Compiler, its flags, what runs the program."""
WIDTHS = {"gcc": 64, "clang": 64, "narrow": 32, "armhf": 32, "powerpc, big-endian": 32}
FUZZ_RUNS = 20_000
LARGEST = 8192
"""Bytes that a message may need."""


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: make exi-c-programs")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


class Harness:
    """The harness for one target, compiled when it is first needed."""

    def __init__(self, name: str, folder: Path) -> None:
        compiler, flags, self._runner = TARGETS[name]
        need(compiler, *self._runner[:1])
        program = folder / name.split(",", maxsplit=1)[0]
        self._program = program if program.exists() else compiled(program, compiler, *flags)

    def run(self, *arguments: str | Path, seconds: float = 120) -> str:
        command = [*self._runner, str(self._program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


def packed(seeds: list[Seed], file: Path) -> Path:
    """Payloads as the harness reads them."""
    file.write_bytes(
        b"".join(struct.pack(">BBI", *each[:2], len(each.payload)) + each.payload for each in seeds)
    )
    return file


def by_python(seed: Seed, name: str) -> str:
    """What the harness prints, made by the other face: the payload, or where it is refused."""
    fragment = bool(seed.options)
    try:
        message = v2gexi.decode(seed.payload, name, fragment=fragment)
    except v2gexi.DecodeError as error:
        return f"refused {error.offset}"
    return "0 " + v2gexi.encode(message, name, fragment=fragment, lenient=True, literal=False).hex()


def from_c(line: str) -> str:
    status, position, payload = line.split()
    return f"0 {payload}" if status == "0" else f"refused {position}"


def test_the_c_interface_gives_the_bytes_that_python_gives(folder: Path) -> None:
    names = {number: name for name, number in schema.set_names().items()}
    seeds = list(recorded())
    lines = Harness("gcc", folder).run("transcode", packed(seeds, folder / "recorded")).splitlines()
    assert len(lines) == len(seeds) == 3764
    assert [from_c(line) for line in lines] == [by_python(seed, names[seed.set_number]) for seed in seeds]


@pytest.mark.parametrize("name", TARGETS)
def test_every_processor_gives_the_same(folder: Path, name: str) -> None:
    harness = Harness(name, folder)
    assert int(harness.run("sizes").split()[2]) == WIDTHS[name]
    seeds = all_seeds()
    lines = harness.run("transcode", packed(seeds, folder / "all")).splitlines()
    assert len(lines) == len(seeds)
    for line, seed in zip(lines, seeds, strict=True):
        status, _position, payload = line.split()
        if status == "0" and seed.options:
            assert bytes.fromhex(payload) == seed.payload
    expected = folder / "transcoded"
    if not expected.exists():
        expected.write_text("\n".join(lines))
    assert expected.read_text().splitlines() == lines


@pytest.mark.parametrize("name", TARGETS)
def test_no_damage_does_harm(folder: Path, name: str) -> None:
    """Every truncation and every flipped bit: refused, or a message that can be encoded and decoded again."""
    harness = Harness(name, folder)
    every = 40 if name in ("gcc", "clang", "narrow") else 400
    seeds = [*list(recorded())[::every], *list(generated())[::every], *list(foreign())[:: every // 10]]
    seeds = [each for each in seeds if len(each.payload) < 400]
    answer = harness.run("damage", packed(seeds, folder / "some"), seconds=240)
    found = re.fullmatch(r"(\d+) decoded, (\d+) refused\n", answer)
    assert found
    assert int(found[1]) + int(found[2]) == sum(2 * 9 * len(each.payload) for each in seeds)
    assert int(found[1]) > 0
    assert int(found[2]) > 0


def test_noise_does_no_harm(folder: Path) -> None:
    answer = Harness("gcc", folder).run("noise", "300000", "7")
    assert re.fullmatch(r"[1-9]\d+ decoded, [1-9]\d+ refused\n", answer)


@pytest.mark.parametrize("name", TARGETS)
def test_a_message_needs_less_than_eight_kilobytes(folder: Path, name: str) -> None:
    decoder, encoder, _ = map(int, Harness(name, folder).run("sizes").split())
    assert decoder <= LARGEST
    assert encoder <= LARGEST


@pytest.mark.parametrize("what", ["decode", "there and back"])
def test_fuzzing(folder: Path, what: str) -> None:
    need("clang")
    if not list(Path("/usr/lib").glob("llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a")):
        pytest.skip("clang has no libFuzzer: make exi-c-programs")
    flags = (*FUZZER, "-DFUZZ_DECODE") if what == "decode" else FUZZER
    target = compiled(folder / f"fuzz {what}", "clang", *flags, main="fuzz.c")
    seeds = folder / "seeds"
    write(seeds, all_seeds()[::5])
    corpus = folder / f"corpus {what}"
    corpus.mkdir()
    limits = [
        f"-runs={FUZZ_RUNS}",
        "-seed=15118",
        "-timeout=10",
        "-max_len=1300",
        f"-artifact_prefix={folder}/",
    ]
    command = [str(target), *limits, str(corpus), str(seeds)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {FUZZ_RUNS} runs" in done.stderr


def test_the_library_installs_and_the_example_runs(tmp_path: Path) -> None:
    need("gcc", "make", "ar", "pkg-config")
    build, prefix, staged = tmp_path / "build", "/opt/exi", tmp_path / "staged"
    make = ["make", "-s", "-C", str(ENGINE), f"BUILD={build}"]
    subprocess.run(
        [*make, f"PREFIX={prefix}", f"DESTDIR={staged}", "install"], check=True, capture_output=True
    )
    files = {str(file.relative_to(staged)) for file in staged.rglob("*") if not file.is_dir()}
    assert files == {
        "opt/exi/lib/libv2gexi.a",
        "opt/exi/lib/libv2gexi.so",
        "opt/exi/lib/libv2gexi.so.0",
        "opt/exi/lib/pkgconfig/v2gexi.pc",
        "opt/exi/include/v2gexi/v2gexi.h",
        "opt/exi/include/v2gexi/tables.h",
        "opt/exi/include/v2gexi/names.h",
    }
    environment = {
        **os.environ,
        "PKG_CONFIG_PATH": f"{staged}{prefix}/lib/pkgconfig",
        "PKG_CONFIG_SYSROOT_DIR": str(staged),
    }
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "v2gexi"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    example = tmp_path / "example"
    subprocess.run(
        ["gcc", *STRICT, str(ENGINE / "example.c"), *asked.stdout.split(), "-o", str(example)], check=True
    )
    environment["LD_LIBRARY_PATH"] = f"{staged}{prefix}/lib"
    payload = "80980217193a66b4de3f83d0d1001901860f0410c409003000"
    answer = subprocess.run(
        [str(example), payload], env=environment, check=True, capture_output=True, text=True
    )
    first, second = answer.stdout.splitlines()
    assert first == "the car wants 120 * 10^0 A"
    message = v2gexi.decode(bytes.fromhex(second), "iso2", check=True)
    assert message.Header.SessionID.hex() == "5c64e99ad378fe0f"
    assert message.Body.BodyElement.EVSEPresentCurrent.Value == 120
    assert v2gexi.encode(message, literal=False).hex() == second
    refused = subprocess.run(
        [str(example), payload[:30]], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("bit ")
    assert "ends within the message" in refused.stderr
