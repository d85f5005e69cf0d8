"""Change the pure cores' code bit by bit and see whether a test notices.

Every mutant is one small change to one expression or statement, made in a copy of the checkout; the tests of
the cores run against it in a child process of their own. A mutant that no test notices has survived: either
the change makes no difference, or a test is missing.

    python tools/mutate.py                                  all mutants (most of an hour)
    python tools/mutate.py --sample 100 --seed 1            the same hundred each time
    python tools/mutate.py src/chargectl/port/lock.py       those of one file
    python tools/mutate.py --line 120 src/chargectl/port/lock.py

The tests that run the changed line come first, those named after the module before others; only what survives
them meets the slow ones (invariants, exploration, sessions in fine steps). The exit code is 1 when a mutant
survived.
"""

# ruff: noqa: D102, D103 - a script: what it prints is its purpose

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401 - imported once here, not in each child
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("src/chargectl/port", "src/chargectl/pilot")
TESTS = ("tests/port", "tests/pilot")
EARLY = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
SLOW = ("test_invariants*.py", "test_exploration*.py", "test_sequences*.py")
COPIED = ("src", "tests", "pyproject.toml", "tools")

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One change: characters ``start`` to ``end`` of ``path`` become ``text``."""

    path: Path
    line: int
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


class Finder(ast.NodeVisitor):
    """Finds the places of one file that can be changed, and how."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.mutants: list[Mutant] = []
        self._starts = [0]
        # The positions of the tree count bytes; the cores are ASCII but for their texts.
        self._bytes = source.encode()
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.visit(ast.parse(source))

    def _offset(self, line: int, column: int) -> int:
        return len(self._bytes[: self._starts[line - 1] + column].decode())

    def _add(self, node: ast.expr | ast.stmt, text: str) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno, node.end_col_offset)
        self.mutants.append(Mutant(self.path, node.lineno, start, end, text))

    def _replace(self, node: ast.expr, changed: ast.expr) -> None:
        self._add(node, f"({ast.unparse(changed)})")

    # Annotations, decorators and class-level tuples of names say nothing at run time.
    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            if isinstance(node.target, ast.Attribute) and not isinstance(node.value, ast.Constant):
                self._add(node, f"{ast.unparse(node.target)} = None")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_Assert(self, node: ast.Assert) -> None:
        return

    def visit_Raise(self, node: ast.Raise) -> None:
        self._add(node, "pass")

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, ast.Name) and target.id == "__slots__" for target in node.targets):
            return
        if all(isinstance(target, ast.Attribute) for target in node.targets):
            self._add(node, "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._add(node, "pass")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._add(node, "pass")
            self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._add(node, "pass")
            return
        if not isinstance(node.value, ast.Constant):
            self._add(node.value, "None")
        self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        if isinstance(test, ast.Name | ast.Attribute | ast.Call):
            self._add(test, f"(not {ast.unparse(test)})")

    def visit_Compare(self, node: ast.Compare) -> None:
        for index, operator in enumerate(node.ops):
            other = COMPARISONS.get(type(operator))
            if other is not None:
                operators = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                self._replace(node, ast.Compare(node.left, operators, node.comparators))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._replace(node, ast.BoolOp(other, node.values))
        for index in range(len(node.values)):
            left = [*node.values[:index], *node.values[index + 1 :]]
            self._replace(node, ast.BoolOp(node.op, left) if len(left) > 1 else left[0])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace(node, node.operand)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = ARITHMETIC.get(type(node.op))
        if other is not None:
            self._replace(node, ast.BinOp(node.left, other(), node.right))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._add(node, str(not value))
        elif isinstance(value, int | float):
            self._add(node, repr(value + 1))
            self._add(node, repr(value - 1))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        return


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of one file, each text once."""
    source = path.read_text()
    return list(dict.fromkeys(Finder(path, source).mutants))


def tests_by_line(copy: Path) -> dict[str, dict[int, list[str]]]:
    """By file and line the quick tests that run it; an empty name stands for the import of the file."""
    quick = [str(path.relative_to(ROOT)) for path in _files() if not _is_slow(path)]
    data, settings = copy / "coverage.data", copy / "coverage.ini"
    settings.write_text("[run]\ndynamic_context = test_function\n")
    run = [sys.executable, "-m", "coverage", "run", f"--data-file={data}", f"--rcfile={settings}"]
    run += ["-m", "pytest", "-q", *quick]
    done = subprocess.run(run, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("the tests fail without any mutant:\n" + done.stdout[-3000:])
    import coverage

    store = coverage.CoverageData(str(data))
    store.read()
    return {name: store.contexts_by_lineno(name) for name in store.measured_files()}


def stages(mutant: Mutant, contexts: list[str]) -> Iterator[list[str]]:
    """Groups of tests for one mutant: those that run its line, the likeliest first; then the slow ones."""
    room = mutant.path.parent.name
    tests = sorted({_node(context) for context in contexts if context})
    if "" in contexts:
        tests = [str(path.relative_to(ROOT)) for path in _files() if not _is_slow(path)]
    near = [test for test in tests if f"/{room}/test_{mutant.path.stem[:5]}" in test]
    yield near
    yield [test for test in tests if test not in near]
    yield [str(path.relative_to(ROOT)) for path in _files() if _is_slow(path)]


def _node(context: str) -> str:
    """From ``tests.port.test_lock.test_x`` to ``tests/port/test_lock.py::test_x``."""
    names = context.split(".")
    module = next(index for index, name in enumerate(names) if name.startswith("test_")) + 1
    return "/".join(names[:module]) + ".py::" + "::".join(names[module:])


def _files() -> list[Path]:
    return [path for folder in TESTS for path in sorted((ROOT / folder).glob("test_*.py"))]


def _is_slow(path: Path) -> bool:
    return any(path.match(pattern) for pattern in SLOW)


def survives(copy: Path, tests: list[str], limit_s: float) -> bool:
    """Run ``tests`` in a child; True when all pass. A mutant that runs forever was noticed."""
    child = os.fork()
    if child == 0:
        _test_and_exit(copy, tests)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _test_and_exit(copy: Path, tests: list[str]) -> None:
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.chdir(copy)
        sys.path[:0] = [str(copy / "src"), str(copy)]
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", EARLY, *tests]))
    finally:
        os._exit(code)


def show(mutant: Mutant, source: str) -> Iterator[str]:
    """The mutant as a diff."""
    changed = mutant.apply(source).splitlines()
    lines = difflib.unified_diff(source.splitlines(), changed, n=0, lineterm="")
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders; all cores by default")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line", type=int, help="only mutants that start on this line")
    parser.add_argument(
        "--limit", type=float, default=120.0, metavar="S", help="seconds for one mutant's tests"
    )
    parser.add_argument("--themed-only", action="store_true", help="leave the slow tests out")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Mutant]:
    found: list[Mutant] = []
    for path in options.paths or [ROOT / room for room in ROOMS]:
        files = sorted(path.resolve().rglob("*.py")) if path.is_dir() else [path.resolve()]
        for file in files:
            found += mutants_of(file)
    if options.line is not None:
        found = [mutant for mutant in found if mutant.line == options.line]
    if options.sample is not None and options.sample < len(found):
        found = sorted(random.Random(options.seed).sample(found, options.sample), key=found.index)
    return found


def main() -> int:
    """Make the mutants, test them, print the survivors and the score."""
    options = arguments()
    mutants = chosen(options)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder).resolve()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        # A mutant may have the size and the second of the file before it: no cached bytecode.
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        lines = tests_by_line(copy)
        survivors = 0
        for number, mutant in enumerate(mutants, 1):
            if sys.stderr.isatty():
                print(f"\r{number}/{len(mutants)}", end="", file=sys.stderr)
            target = copy / mutant.path.relative_to(ROOT)
            original = target.read_text()
            target.write_text(mutant.apply(original))
            last = original.count("\n", 0, mutant.end) + 1
            reached = lines.get(str(target), {})
            contexts = [name for line in range(mutant.line, last + 1) for name in reached.get(line, ())]
            noticed = False
            for number_of_stage, tests in enumerate(stages(mutant, contexts)):
                if tests and not (options.themed_only and number_of_stage == 2):
                    noticed = noticed or not survives(copy, tests, options.limit)
            target.write_text(original)
            if not noticed:
                survivors += 1
                place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
                print(place if contexts else place + " (not reached)")
                print("\n".join(f"    {line}" for line in show(mutant, original)), flush=True)
    noticed_count = len(mutants) - survivors
    share = 100 * noticed_count / max(len(mutants), 1)
    print(f"{len(mutants)} mutants, {noticed_count} noticed, {survivors} survived: {share:.1f} %")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
