"""oelint-adv, the style checker of BitBake recipes, has nothing to say."""

import json
import os
import subprocess
import sysconfig

from tests.yocto.conftest import TOP, need

# What meta-rauc's class and this layer name.
CONSTANTS = [
    "BUNDLE_ARGS",
    "BUNDLE_BASENAME",
    "BUNDLE_EXTENSION",
    "BUNDLE_LINK_NAME",
    "BUNDLE_NAME",
    "CASYNC_BUNDLE_BASENAME",
    "CASYNC_BUNDLE_LINK_NAME",
    "CASYNC_BUNDLE_NAME",
    "CHARGECTL_DRAM_CFG",
    "CHARGECTL_EPOCH",
    "CHARGECTL_MACHINES",
    "CHARGECTL_PKI",
    "CHARGECTL_PKI_DIR",
    "CHARGECTL_TOP",
    "CHARGECTL_VERSION",
    "MICROPYTHON_MODULES",
    "RAUC_BUNDLE_BUILD",
    "RAUC_BUNDLE_COMPATIBLE",
    "RAUC_BUNDLE_DESCRIPTION",
    "RAUC_BUNDLE_FORMAT",
    "RAUC_BUNDLE_HOOKS",
    "RAUC_BUNDLE_SLOTS",
    "RAUC_BUNDLE_VERSION",
    "RAUC_CASYNC_BUNDLE",
    "RAUC_CERT_FILE",
    "RAUC_KEYRING_FILE",
    "RAUC_KEY_FILE",
    "RAUC_SLOT_rootfs",
]

SUPPRESSED = {
    "oelint.vars.homepageping": "needs the network",
    "oelint.file.underscores": "a version in the file's name; it comes from CHARGECTL_VERSION",
    "oelint.var.mandatoryvar.HOMEPAGE": "this repository is the home",
    "oelint.var.mandatoryvar.SRC_URI": "chargectl-release has no source",
    "oelint.var.licenseremotefile": "the licence lies in this repository",
    "oelint.file.includerelpath": "recipes/ lies beside the layer and is in no BBPATH",
    "oelint.file.requirenotfound": "looked for below recipes/, but found through BBPATH",
    "oelint.vars.fileextrapaths": "the sources lie in this repository",
    "oelint.vars.outofcontext": "as before",
    "oelint.vars.layerconf": "CHARGECTL_TOP, as OE-Core's COREBASE",
    "oelint.var.filesoverride": "the package is these files and nothing else",
    "oelint.var.badimagefeature.tools-debug": "the developers' image is for that",
    "oelint.vars.specific": "takes the file system's name for an override of a package",
}


def test_nothing_to_say(tmp_path):
    need("oelint_adv")
    constants = tmp_path / "constants.json"
    constants.write_text(json.dumps({"variables": {"known": CONSTANTS}}))
    suffixes = (".bb", ".bbappend", ".conf", ".inc")
    files = [
        str(path)
        for folder in ("meta-chargectl", "recipes")
        for path in sorted((TOP / folder).rglob("*"))
        if path.suffix in suffixes
    ]
    assert len(files) > 20
    command = [
        os.path.join(sysconfig.get_path("scripts"), "oelint-adv"),
        *("--quiet", "--release", "wrynose", "--hide", "info", "--jobs", "1", f"--constantmods=+{constants}"),
        *(word for rule in SUPPRESSED for word in ("--suppress", rule)),
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
