"""Runs the BitBake library over the recipes and prints what it found as JSON, in the last line.

    python tests/yocto/bitbake.py BUILD_FOLDER MACHINE DISTRO parse
    python tests/yocto/bitbake.py BUILD_FOLDER MACHINE DISTRO install RECIPE...

A program of its own, because the library replaces the process's logger class. ``parse`` tells each recipe's
variables; ``install`` unpacks, compiles and installs recipes for real, and tells where each was put.
tests/yocto/core stands in for OE-Core and the other layers.
"""

import importlib
import json
import logging
import os
import re
import sys
import types
from pathlib import Path
from typing import Any

# The package leaves out the client of the hash server, which is asked for nothing here.
for absent in ("hashserv", "hashserv.client"):
    sys.modules.setdefault(absent, types.ModuleType(absent))

# By name, because it has no types.
bb: Any = importlib.import_module("bb")
for part in ("build", "cookerdata", "event", "fetch2", "parse"):
    importlib.import_module(f"bb.{part}")

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
TOLD = [
    "BUNDLE_ARGS",
    "BUNDLE_EXTENSION",
    "COMPATIBLE_MACHINE",
    "DEPENDS",
    "DISTRO",
    "EMMC_DISK_SIGNATURE",
    "EMMC_LOG_MIB",
    "EMMC_ROOTFS_MIB",
    "EMMC_SRV_MIB",
    "IMAGE_CLASSES",
    "IMAGE_FSTYPES",
    "IMAGE_INSTALL",
    "IMAGE_NAME_SUFFIX",
    "IMAGE_ROOTFS_MAXSIZE",
    "KERNEL_DEVICETREE",
    "LAYERDEPENDS_chargectl",
    "LIC_FILES_CHKSUM",
    "LICENSE",
    "MACHINE",
    "OVERRIDES",
    "PACKAGE_ARCH",
    "PN",
    "PV",
    "RAUC_BUNDLE_BUILD",
    "RAUC_BUNDLE_COMPATIBLE",
    "RAUC_BUNDLE_DESCRIPTION",
    "RAUC_BUNDLE_FORMAT",
    "RAUC_BUNDLE_SLOTS",
    "RAUC_BUNDLE_VERSION",
    "RAUC_CASYNC_BUNDLE",
    "RAUC_CERT_FILE",
    "RAUC_KEYRING_FILE",
    "RAUC_KEY_FILE",
    "SERIAL_CONSOLES",
    "SRC_URI",
    "SRCREV",
    "SUMMARY",
    "UBOOT_MACHINE",
    "WKS_FILE",
]
FLAGS = {
    "RAUC_BUNDLE_HOOKS": ("file", "hooks"),
    "RAUC_SLOT_rootfs": ("adaptive", "fstype", "hooks", "rename"),
    "SRC_URI": ("sha256sum",),
}
TASKS = ("do_unpack", "do_configure", "do_compile", "do_install")


def configuration(build: Path, machine: str, distro: str) -> Any:
    """The base configuration: the stand-in for OE-Core, and this layer."""
    conf = build / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    # As kas writes it.
    layers = f"{HERE / 'core'} {TOP / 'kas'}/../meta-chargectl"
    (conf / "bblayers.conf").write_text(f'BBPATH = "${{TOPDIR}}"\nBBFILES = ""\nBBLAYERS = "{layers}"\n')
    values = {"MACHINE": machine, "DISTRO": distro, "TOPDIR": str(build), "TEST_PYTHON": sys.executable}
    values["TEST_PYTHON_DIR"] = f"python{sys.version_info.major}.{sys.version_info.minor}"
    values |= {name: value for name, value in os.environ.items() if name.startswith("CHARGECTL_")}
    (conf / "local.conf").write_text("".join(f'{name} = "{value}"\n' for name, value in values.items()))
    settings = bb.cookerdata.CookerConfiguration()
    settings.env = dict(os.environ)
    os.chdir(build)
    builder = bb.cookerdata.CookerDataBuilder(settings, False)
    builder.parseBaseConfiguration()
    return builder


def recipe_files(data: Any) -> dict[Path, list[str]]:
    """Each recipe, and the files that append to it. Ends the program where one appends to nothing."""
    found = [
        path for pattern in data.getVar("BBFILES").split() for path in sorted(Path("/").glob(pattern[1:]))
    ]
    recipes: dict[Path, list[str]] = {path: [] for path in found if path.suffix == ".bb"}
    pattern = data.getVar("BBFILE_PATTERN_chargectl")
    if stray := [path for path in found if HERE not in path.parents and not re.match(pattern, str(path))]:
        raise SystemExit(f"the layer's BBFILE_PATTERN matches not all of its files: {stray}")
    for append in (path for path in found if path.suffix == ".bbappend"):
        if append.stem.endswith("%"):
            takers = [recipe for recipe in recipes if recipe.stem.startswith(append.stem[:-1])]
        else:
            takers = [recipe for recipe in recipes if recipe.stem == append.stem]
        if not takers:
            raise SystemExit(f"{append} appends to no recipe of tests/yocto/core")
        for recipe in takers:
            recipes[recipe].append(str(append))
    return recipes


def parse(builder: Any) -> dict[str, Any]:
    """Variables of each recipe by its name."""
    told: dict[str, Any] = {}
    for recipe, appends in recipe_files(builder.data).items():
        data = builder.parseRecipe(str(recipe), appends, "")
        name = data.getVar("PN")
        values = {variable: data.getVar(variable) for variable in TOLD}
        values["RDEPENDS"] = data.getVar(f"RDEPENDS:{name}")
        values["FILE"] = str(recipe)
        values["appends"] = appends
        values["flags"] = {
            variable: {flag: data.getVarFlag(variable, flag) for flag in flags}
            for variable, flags in FLAGS.items()
        }
        values["missing"] = [
            address
            for address in (values["SRC_URI"] or "").split()
            if address.startswith("file:") and not found_by_fetcher(data, address)
        ]
        told[name] = values
    return told


def found_by_fetcher(data: Any, address: str) -> bool:
    """Whether the fetcher finds that local file."""
    return all(os.path.exists(path) for path in bb.fetch2.Fetch([address], data).localpaths())


def install(builder: Any, names: list[str]) -> dict[str, str]:
    """The folder that each of these recipes was installed into."""
    folders = {}
    for recipe, appends in recipe_files(builder.data).items():
        name = bb.parse.vars_from_file(str(recipe), builder.data)[0]
        if name not in names:
            continue
        data = builder.parseRecipe(str(recipe), appends, "")
        for variable in ("T", "UNPACKDIR", "D"):
            Path(data.getVar(variable)).mkdir(parents=True, exist_ok=True)
        for task in TASKS:
            if data.getVarFlag(task, "noexec"):
                continue
            before, after = (
                (data.getVarFlag(task, flag) or "").split() for flag in ("prefuncs", "postfuncs")
            )
            for function in (*before, task, *after):
                bb.build.exec_func(function, data)
        folders[name] = data.getVar("D")
    if lost := set(names) - set(folders):
        raise SystemExit(f"no such recipe: {sorted(lost)}")
    return folders


def main() -> None:
    """Command line: see the module's text."""
    build, machine, distro, command, *names = sys.argv[1:]
    to_stderr = logging.StreamHandler()
    to_stderr.setLevel(logging.WARNING)
    logging.getLogger("BitBake").addHandler(to_stderr)
    builder = configuration(Path(build).resolve(), machine, distro)
    print("\n" + json.dumps(parse(builder) if command == "parse" else install(builder, names)))


if __name__ == "__main__":
    main()
