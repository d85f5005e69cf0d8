"""The migration manifest as data: what it may say, and which release may follow which."""

import tomllib
from pathlib import Path

import pytest

from chargectl.config.load import shape_of
from chargectl.config.migration import Action
from chargectl.config.values import judge
from chargectl.declarations.types import ConfigFile
from chargectl.update.migration import (
    Kind,
    ManifestError,
    Release,
    objections,
    parse_manifest,
    parse_release,
)

SHIPPED = (Path(__file__).parents[2] / "bundle/migration.toml").read_text(encoding="utf-8")

RULE = '[[carry]]\npath = "/etc/secc"\nkind = "tree"\nreason = "because"\n'
STEP = """
[[step]]
action = "rename"
file = "customer.json"
path = "a[]/b"
to = "a[]/c"
since = "2.0"
reason = "because"
"""
HEAD = "format = 1\nschema = 1\n"


@pytest.mark.spec(263, 2, 283)
def test_the_shipped_manifest_names_what_must_survive() -> None:
    manifest = parse_manifest(SHIPPED)

    kinds = {rule.path: rule.kind for rule in manifest.rules}
    assert kinds["/etc/secc"] is Kind.CONFIGURATION
    assert kinds["/etc/shadow"] is Kind.PASSWORDS
    assert kinds["/etc/rauc/keyring.pem"] is Kind.KEYRING
    for path in (
        "/etc/systemd/network",
        "/usr/local/share/ca-certificates",
        "/var/lib/ocppd",
        "/etc/ssh",
        "/root/.ssh",
        "/var/cache/usb-autorun/executed.list",
        "/var/backups",
        "/etc/machine-id",
        "/var/lib/systemd/timesync/clock",
    ):
        assert path in kinds
    secc = next(rule for rule in manifest.rules if rule.path == "/etc/secc")
    assert secc.leaves("customer.json.shipped")
    assert not secc.leaves("customer.json")
    ssh = next(rule for rule in manifest.rules if rule.path == "/etc/ssh")
    assert ssh.leaves("sshd_config.d")
    assert not ssh.leaves("ssh_host_ed25519_key")


def test_no_shipped_step_undoes_what_this_version_allows() -> None:
    for step in parse_manifest(SHIPPED).steps:
        place = shape_of(step.file).lookup(step.path.replace("[]", "[0]").replace("*", "any"))
        if step.action in (Action.RENAME, Action.REMOVE):
            assert place is None or place.key is None, f"{step.path} is declared and would be taken away"
        elif step.action is Action.CHANGE:
            assert place is not None
            assert place.key is not None
            assert judge(place.key, step.old).replaced, f"{step.path}: {step.old} is still allowed"


def test_a_whole_manifest_is_read() -> None:
    manifest = parse_manifest(HEAD + RULE + 'leave = ["*.shipped"]\nthen = ["/bin/true", "x"]\n' + STEP)

    (rule,), (step,) = manifest.rules, manifest.steps
    assert (rule.path, rule.kind, rule.leave, rule.then) == (
        "/etc/secc",
        Kind.TREE,
        ("*.shipped",),
        ("/bin/true", "x"),
    )
    assert (step.action, step.file, step.path, step.to) == (
        Action.RENAME,
        ConfigFile.CUSTOMER,
        "a[]/b",
        "a[]/c",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 2\nschema = 1\n", "format is 2; allowed: 1"),
        ("format = 1\nschema = 0\n", "schema is 0"),
        ("format = 1\nschema = true\n", "schema is True"),
        (HEAD + "surprise = 1\n", "there is no surprise"),
        (HEAD + "x = [", "migration.toml: "),
        (HEAD + RULE.replace("/etc/secc", "etc"), "path is 'etc'"),
        (HEAD + RULE.replace("/etc/secc", "/"), "path is '/'"),
        (HEAD + RULE.replace("/etc/secc", "/etc/../root"), "without . and .."),
        (HEAD + RULE.replace("tree", "copy"), "kind is 'copy'; allowed: tree, file"),
        (HEAD + RULE.replace("because", " "), "reason is ' '"),
        (HEAD + RULE + 'then = ["true"]\n', "absolute path"),
        (HEAD + RULE + "leave = [1]\n", "array of texts"),
        (HEAD + RULE.replace("tree", "file") + 'leave = ["x"]\n', "leave only"),
        (HEAD + RULE + RULE, "more than one rule"),
        (HEAD + RULE + RULE.replace("/etc/secc", "/etc/secc/x"), "more than one rule"),
        (HEAD + STEP.replace("rename", "move"), "action is 'move'; allowed: rename, remove, change, add"),
        (HEAD + STEP.replace("customer.json", "other.json"), "file is 'other.json'"),
        (HEAD + STEP.replace('to = "a[]/c"\n', ""), "to is missing"),
        (HEAD + STEP.replace("a[]/c", "a/c"), "same free places"),
        (HEAD + STEP.replace("a[]/b", "a[/b"), "no key path"),
        (
            HEAD + STEP.replace('"rename"', '"add"').replace('to = "a[]/c"', "value = 1"),
            "without [] and *",
        ),
    ],
)
def test_what_it_cannot_say_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_shipped_file_is_plain_toml() -> None:
    assert tomllib.loads(SHIPPED)["format"] == 1


def test_a_release_file_is_read_and_an_empty_one_too() -> None:
    text = "VERSION=1.4\nBUILD=2026-11-01T00:00:00Z\nMACHINE=charge-control-c\nDEVELOPMENT_KEYS=yes\nX=1\n"

    assert parse_release(text) == Release("1.4", "2026-11-01T00:00:00Z", "charge-control-c", True)
    assert parse_release("") == Release()


def release(**values: object) -> Release:
    return Release(**{"version": "1", "build": "b", "machine": "m", **values})  # type: ignore[arg-type]


def test_a_successor_is_welcome_from_any_origin() -> None:
    assert objections(release(), release(version="2"), 1, 1) == []
    assert objections(release(), release(version="2"), 1, 2) == []
    assert objections(Release(), release(development_keys=True), 0, 1) == []
    assert objections(release(development_keys=True), release(development_keys=True), 1, 1) == []
    assert objections(release(development_keys=True), release(), 1, 1) == []


@pytest.mark.parametrize(
    ("new", "schemas", "said"),
    [
        (release(machine="other"), (1, 1), "the image is for other, this is m"),
        (release(development_keys=True), (1, 1), "development keys"),
        (release(version="0.9"), (2, 1), "schema 2, version 0.9 knows only 1"),
    ],
)
def test_what_must_not_follow_is_told(new: Release, schemas: tuple[int, int], said: str) -> None:
    (found,) = objections(release(), new, *schemas)
    assert said in found
