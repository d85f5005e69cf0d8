"""Runs the benchmarks: ``python -m benchmarks [NAME...] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.figure import Figure

PREFIX = "bench_"
ON_REQUEST = ("board", "update_sizes")
"""Boot the emulated board or build its system, for up to half an hour: only when named (make board-bench)."""


def names(folder: Path) -> list[str]:
    """The benchmarks in ``folder``, without the prefix of their files."""
    return sorted(path.stem.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*.py"))


def measure(name: str) -> tuple[str, tuple[Figure, ...]]:
    """Title and figures of one benchmark."""
    module = import_module(f"{__package__}.{PREFIX}{name}")
    title = (module.__doc__ or name).strip().splitlines()[0]
    return title, tuple(module.figures())


def lines(title: str, figures: Sequence[Figure]) -> list[str]:
    """The figures as aligned text."""
    width = max((len(figure.name) for figure in figures), default=0)
    shown = [title]
    for figure in figures:
        against = f" (against {figure.against})" if figure.against else ""
        shown.append(f"  {figure.name:<{width}}  {figure.value:>12,.4g} {figure.unit}{against}")
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, or all; 0 when each of them could be measured."""
    known = names(Path(__file__).parent)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure; asserts nothing.")
    parser.add_argument(
        "name",
        nargs="*",
        help=f"one of: {', '.join(known) or 'none so far'}; default: all but {', '.join(ON_REQUEST)}",
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.name) - set(known)):
        parser.error(f"no benchmark {', '.join(unknown)}: there are {', '.join(known) or 'none'}")

    print(
        f"Python {platform.python_version()}, {platform.machine()}, {platform.system()} {platform.release()}"
    )
    measured: dict[str, list[dict[str, str | float]]] = {}
    failed = False
    for name in options.name or [name for name in known if name not in ON_REQUEST]:
        try:
            title, figures = measure(name)
        except Exception as error:  # noqa: BLE001  # one benchmark that fails leaves the others their run
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        print("\n".join(lines(title, figures)), flush=True)
        measured[name] = [vars(figure) for figure in figures]
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
