"""Compiles the harness and the fuzz targets.

python -m tests.v2gexi.c.build fuzz|fuzz-decode|harness PROGRAM
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ENGINE: Final = HERE.parents[2] / "src/v2gexi/c"
STRICT: Final = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-O1")
SANITIZERS: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FUZZER: Final = ("-O2", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")


def sources() -> list[str]:
    """The engine, without the binding for Python and the example."""
    return [
        str(file)
        for file in sorted(ENGINE.glob("*.c"))
        if not file.name.startswith("python_") and file.name != "example.c"
    ]


def compiled(program: Path, compiler: str, *flags: str, main: str = "harness.c") -> Path:
    """Compile into a program; its path."""
    include = [f"-I{ENGINE}", f"-I{ENGINE / 'include'}", f"-I{HERE}"]
    files = [str(HERE / main), str(HERE / "transcode.c"), *sources()]
    command = [compiler, *STRICT, *flags, *include, *files, "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{compiler} {' '.join(flags)}:\n{done.stderr}")
    return program


def main() -> None:
    """Compile what the arguments say."""
    what, program = sys.argv[1], Path(sys.argv[2])
    if what == "harness":
        compiled(program, "gcc", *SANITIZERS)
    elif what == "fuzz":
        compiled(program, "clang", *FUZZER, main="fuzz.c")
    else:
        compiled(program, "clang", *FUZZER, "-DFUZZ_DECODE", main="fuzz.c")


if __name__ == "__main__":
    main()
