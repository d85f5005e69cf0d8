"""The files that kas reads: their form, the pinned commits, and that they fit the layer."""

import importlib
import os
import re
import subprocess
import tomllib

import pytest

from tests.yocto.conftest import MACHINES, TOP, need

FILES = [TOP / "kas.yml", *sorted((TOP / "kas").glob("*.yml"))]
LOCK = TOP / "kas.lock.yml"
# The layer that carries each collection of LAYERDEPENDS.
CARRIER = {
    "core": ("openembedded-core", "meta"),
    "meta-python": ("meta-openembedded", "meta-python"),
    "networking-layer": ("meta-openembedded", "meta-networking"),
    "openembedded-layer": ("meta-openembedded", "meta-oe"),
    "rauc": ("meta-rauc", None),
}


def load(path):
    need("yaml")
    return importlib.import_module("yaml").safe_load(path.read_text())


@pytest.mark.parametrize("path", [*FILES, LOCK], ids=lambda path: path.name)
def test_form(path):
    need("kas.configschema")
    schema = importlib.import_module("kas.configschema").CONFIGSCHEMA
    importlib.import_module("jsonschema").validate(load(path), schema)


def test_every_foreign_layer_is_pinned():
    repos = load(TOP / "kas.yml")["repos"]
    pinned = load(LOCK)["overrides"]["repos"]
    assert set(pinned) == {name for name, repo in repos.items() if "url" in repo}
    for name, pin in pinned.items():
        assert re.fullmatch("[0-9a-f]{40}", pin["commit"]), name


def test_branches_are_those_of_the_lts():
    """BitBake counts for itself; everything else follows the release that the layer is for."""
    kas = load(TOP / "kas.yml")
    layer = (TOP / "meta-chargectl/conf/layer.conf").read_text()
    release = re.search(r'^LAYERSERIES_COMPAT_chargectl = "(\w+)"$', layer, re.MULTILINE).group(1)
    assert kas["defaults"]["repos"]["branch"] == release
    other = {name: repo["branch"] for name, repo in kas["repos"].items() if "branch" in repo}
    assert other == {"bitbake": "2.18"}


def test_layers_are_those_that_the_layer_depends_on():
    layer = (TOP / "meta-chargectl/conf/layer.conf").read_text()
    depends = re.search(r'^LAYERDEPENDS_chargectl = "(.*)"$', layer, re.MULTILINE).group(1).split()
    repos = load(TOP / "kas.yml")["repos"]
    offered = {
        (name, layer)
        for name, repo in repos.items()
        if "url" in repo
        for layer, state in (repo.get("layers") or {None: None}).items()
        if state != "disabled"
    }
    assert {CARRIER[name] for name in depends} == offered


def test_machines_distribution_and_targets_exist():
    for path in FILES:
        config = load(path)
        if "machine" in config:
            assert config["machine"] in MACHINES
            assert (TOP / f"meta-chargectl/conf/machine/{config['machine']}.conf").exists()
        if "distro" in config:
            assert (TOP / f"meta-chargectl/conf/distro/{config['distro']}.conf").exists()
        if "target" in config:
            assert list(TOP.glob(f"recipes/*/{config['target']}.bb")), config["target"]


def said_by_make(target, *words, **environment):
    """What `make TARGET` would run."""
    done = subprocess.run(
        ["make", "-n", "-B", target, *words],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        | environment,
    )
    return done.stdout


def passed_by_make(*words, **environment):
    """The variables of ours that `make image` sets for kas."""
    return dict(re.findall(r"\b(CHARGECTL_\w+)=(\S*)", said_by_make("image", *words, **environment)))


def test_what_make_passes_is_let_through():
    """Every variable that make/yocto.mk sets for the build is one that kas hands on to BitBake."""
    passed = set(passed_by_make())
    assert passed == {"CHARGECTL_VERSION", "CHARGECTL_EPOCH", "CHARGECTL_PKI", "CHARGECTL_PKI_DIR"}
    assert passed <= set(load(TOP / "kas.yml")["env"])


def test_a_version_is_passed_whether_it_was_asked_for_or_not():
    """An empty one would reach the bundle, which no board installs."""
    distribution = tomllib.loads((TOP / "src/chargectl/pyproject.toml").read_text())["project"]["version"]
    default = passed_by_make()["CHARGECTL_VERSION"]
    assert re.fullmatch(re.escape(distribution) + r"\+20\d{6}", default)
    assert f"build-slot {default} " in said_by_make("board-image"), "both boards call themselves alike"
    assert passed_by_make("VERSION=1.4.0")["CHARGECTL_VERSION"] == "1.4.0"


def test_without_a_history_the_layer_has_a_version_and_a_time(tmp_path):
    passed = passed_by_make(GIT_DIR=str(tmp_path))
    distribution = tomllib.loads((TOP / "src/chargectl/pyproject.toml").read_text())["project"]["version"]
    assert passed["CHARGECTL_VERSION"] == distribution
    assert "CHARGECTL_EPOCH" not in passed
    layer = (TOP / "meta-chargectl/conf/layer.conf").read_text()
    assert f'CHARGECTL_VERSION ??= "{distribution}"' in layer


def test_included_files_exist():
    for path in FILES:
        for name in load(path)["header"].get("includes", []):
            assert (TOP / name) in FILES


def test_targets_of_make_exist():
    for recipe in re.findall(r"--target (\S+)", (TOP / "make/yocto.mk").read_text()):
        assert list(TOP.glob(f"recipes/*/{recipe}.bb")), recipe


def test_development_keys_are_told_from_an_owners(tmp_path):
    """The image says which it was built with, so nobody has to remember."""
    keys = [TOP / "kas/keys", tmp_path]
    missing = subprocess.run(keys, capture_output=True, text=True, check=False)
    assert missing.returncode == 1
    assert missing.stderr.startswith(f"error: {tmp_path}/ca.pem is missing")
    subprocess.run([TOP / "bundle/pki", tmp_path], check=True, capture_output=True)
    assert subprocess.check_output(keys, text=True) == "development\n"
    make = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-noenc", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Somebody"),
    ]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    assert subprocess.check_output(keys, text=True) == "own\n"


def test_an_image_needs_no_key_and_a_bundle_does(tmp_path):
    """The key may lie in a token, where `bundle/make` finds it."""
    subprocess.run([TOP / "bundle/pki", tmp_path], check=True, capture_output=True)
    for path in tmp_path.iterdir():
        if path.name != "ca.pem":
            path.unlink()
    assert subprocess.check_output([TOP / "kas/keys", tmp_path], text=True) == "development\n"
    bundle = re.findall(r"^kas/keys \S+ (.*) >", said_by_make("bundle"), re.MULTILINE)
    assert bundle == ["bundle.pem bundle.key"]
    keys = [TOP / "kas/keys", tmp_path, *bundle[0].split()]
    done = subprocess.run(keys, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/bundle.pem is missing")


def run_host_check(tmp_path, **programs):
    """kas/host, where only these programs are found besides the shell's."""
    for name, text in programs.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    return subprocess.run(
        ["bash", TOP / "kas/host"], capture_output=True, text=True, check=False, env=environment
    )


def test_a_machine_that_cannot_build_is_told_everything_at_once(tmp_path):
    done = run_host_check(
        tmp_path, id="echo 0", locale="echo C", df="printf 'x\\na b c %s\\n' $((5 * 1024 * 1024))"
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert any("another user" in line for line in lines)
    assert any("en_US.UTF-8" in line and "locale-gen" in line for line in lines)
    if not (TOP / "build/tmp").exists():
        assert any("5 GB are free" in line for line in lines)
    assert all(line.startswith("error: ") for line in lines)
