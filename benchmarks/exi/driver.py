"""Compiles and runs measure.c: v2gexi's engine, and libcbv2g where it is there.

libcbv2g is looked for in ``CHARGECTL_CBV2G``, a shared library of all its message sets built with -O2, and
``CHARGECTL_CBV2G_INCLUDE``, the folder of its headers (the one that holds ``cbv2g/``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from benchmarks.exi.messages import MESSAGES, Message

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "src" / "v2gexi" / "c"
BINDING = "python"
FLAGS = ("-std=c99", "-O2", "-fPIC")
"""As libcbv2g is built."""


def say(text: str) -> None:
    """Why something was left out."""
    print(f"v2gexi: {text}", file=sys.stderr)


def engine_sources() -> list[Path]:
    """The engine without Python, as the package builds it."""
    project = tomllib.loads((ENGINE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    names = project["tool"]["setuptools"]["ext-modules"][0]["sources"]
    return [ENGINE.parent / name for name in names if not Path(name).name.startswith(BINDING)]


def engine_library(folder: Path, compiler: str = "gcc", *flags: str) -> Path:
    """The engine and the tables of all message sets as a shared library in ``folder``."""
    library = folder / f"libv2gexi-{Path(compiler).name}.so"
    include = ["-I", str(ENGINE), "-I", str(ENGINE / "include")]
    _run(compiler, *FLAGS, *flags, *include, "-shared", "-o", library, *engine_sources())
    return library


@dataclass(frozen=True)
class Peer:
    """libcbv2g."""

    library: Path
    include: Path

    @classmethod
    def find(cls) -> Peer | None:
        """What the environment says; None, and a line that says so, where it says nothing."""
        library, include = (os.environ.get(name) for name in ("CHARGECTL_CBV2G", "CHARGECTL_CBV2G_INCLUDE"))
        if library and include:
            return cls(Path(library).resolve(), Path(include).resolve())
        say("libcbv2g left out: CHARGECTL_CBV2G or CHARGECTL_CBV2G_INCLUDE is not set")
        return None


class Driver:
    """The compiled measure.c, in ``folder``."""

    def __init__(self, folder: Path, peer: Peer | None) -> None:
        self._folder = folder
        self._program = folder / "measure"
        self._library = [str(peer.library)] if peer else []
        sources = [HERE / "measure.c", HERE / "codec_v2gexi.c", *engine_sources()]
        flags = ["-I", str(ENGINE), "-I", str(ENGINE / "include")]
        if peer:
            sources.append(HERE / "codec_cbv2g.c")
            flags += ["-DWITH_CBV2G", "-I", str(peer.include)]
        _run("gcc", *FLAGS, *flags, *sources, "-ldl", "-o", self._program)
        self._messages = folder / "messages"
        self._messages.write_text("".join(_line(message) for message in MESSAGES))

    def sizes(self) -> list[tuple[str, str, int]]:
        """Codec, what (the message set of a document; decoder or encoder), and its bytes of memory."""
        rows = (line.split() for line in _run(self._program, "sizes").splitlines())
        return [(codec, what, int(size)) for codec, what, size in rows]

    def one_message(self, message: Message) -> list[str]:
        """The command that decodes one message and encodes it again."""
        path = self._folder / message.label.replace("/", "-")
        path.write_text(_line(message))
        return [str(self._program), "verify", str(path)]

    def times(self, rounds: int) -> dict[tuple[str, str, str], float]:
        """Median nanoseconds by codec, operation and message."""
        said = _run(self._program, "time", self._messages, str(rounds), *self._library)
        rows = (line.split() for line in said.splitlines())
        return {(codec, operation, label): float(ns) for codec, operation, label, ns, _ in rows}

    def instructions(self) -> dict[tuple[str, str, str], float]:
        """Instructions likewise; nothing, and a line that says so, without valgrind."""
        if not which("valgrind"):
            say("instructions left out: there is no valgrind")
            return {}
        out = self._folder / "callgrind"
        _run(
            "valgrind",
            "--quiet",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            self._program,
            "count",
            self._messages,
            *self._library,
        )
        counted: dict[tuple[str, str, str], float] = {}
        for path in self._folder.glob(f"{out.name}.*"):
            text = path.read_text()
            trigger = re.search(r"^desc: Trigger: Client Request: (\S+) (\S+) (\S+) (\d+)$", text, re.M)
            total = re.search(r"^totals: (\d+)$", text, re.M)
            if trigger and total:
                codec, operation, label, times = trigger.groups()
                counted[codec, operation, label] = int(total[1]) / int(times)
        return counted


def code_size(library: Path) -> int:
    """Bytes of code and constant tables (.text, .rodata, .data.rel.ro) of a shared library."""
    sections = re.findall(r"^(\.text|\.rodata|\.data\.rel\.ro)\s+(\d+)", _run("size", "-A", library), re.M)
    return sum(int(size) for _, size in sections)


def _line(message: Message) -> str:
    """As measure.c reads it."""
    return f"{message.set} {message.name} {message.hex}\n"


def _run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(words[0]).name}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
