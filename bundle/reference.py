"""Writes docs/reference/migration.md from bundle/migration.toml.

``python bundle/reference.py FILE [--check]``
"""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("migration.toml")
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from chargectl.config.migration import Action, Step  # noqa: E402
from chargectl.update.migration import Kind, Manifest, Rule, parse_manifest  # noqa: E402

KINDS = {
    Kind.TREE: "folder",
    Kind.CONFIGURATION: "folder; its configuration files are brought to this version",
    Kind.FILE: "file",
    Kind.PASSWORDS: "password fields of accounts that both systems have",
    Kind.KEYRING: "the owner's keyring, unless the new image brings another one than the factory's",
}


def reference(manifest: Manifest) -> str:
    """The page."""
    lines = [
        "# What an update carries",
        "",
        "<!-- Generated from bundle/migration.toml by `make bundle-reference`. Changes here are lost. -->",
        "",
        (
            "An update writes a whole system to the other slot. These files go along from the running "
            "one; everything else comes with the new image. Modes, times and extended attributes are kept, "
            "owners by name; symbolic links are carried as links and never followed."
        ),
        "",
        "| Path | Carried as | Why |",
        "| --- | --- | --- |",
        *(f"| `{rule.path}` | {_how(rule)} | {rule.reason} |" for rule in manifest.rules),
        "",
        "## Changes of the configuration files",
        "",
        (
            f"The keys of this version have schema {manifest.schema}. A version whose schema is smaller is "
            "not installed over it, because it would misread the files."
        ),
        "",
    ]
    if not manifest.steps:
        return "\n".join([*lines, "No key has changed since the first version.", ""])
    table = [
        f"| {_change(step)} | `{step.file.value}` | {step.since} | {step.reason} |" for step in manifest.steps
    ]
    head = ["| Change | File | Since version | Why |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *head, *table, ""])


def _how(rule: Rule) -> str:
    text = KINDS[rule.kind]
    if rule.leave:
        text += "; without " + ", ".join(f"`{name}`" for name in rule.leave)
    if rule.then:
        text += f"; then `{rule.then[0].rpartition('/')[2]}` runs"
    return text


def _change(step: Step) -> str:
    return {
        Action.RENAME: f"`{step.path}` is now `{step.to}`",
        Action.REMOVE: f"`{step.path}` is gone",
        Action.CHANGE: f"`{step.path}`: `{step.old}` is now `{step.value}`",
        Action.ADD: f"`{step.path}` is set to `{step.value}` where it is missing",
    }[step.action]


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    if not arguments or arguments[1:] not in ([], ["--check"]):
        sys.stderr.write(__doc__)
        return 2
    target = Path(arguments[0])
    text = reference(parse_manifest(SOURCE.read_text(encoding="utf-8")))
    if arguments[1:]:
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{target} is not what {SOURCE.name} says; run: make bundle-reference\n")
            return 1
        return 0
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
