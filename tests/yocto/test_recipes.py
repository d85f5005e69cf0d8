"""Every recipe, read by the BitBake library."""

import ast
import re
import tomllib

import pytest

from tests.yocto.conftest import MACHINES, TOP, bitbake

LAYER = TOP / "meta-chargectl"


def own(recipes):
    """The recipes that are this repository's, without those that only stand in."""
    return {name: values for name, values in recipes.items() if "/tests/yocto/core/" not in values["FILE"]}


def test_all_recipes_are_read(recipes):
    files = [*LAYER.glob("recipes-*/*/*.bb"), *TOP.glob("recipes/*/*.bb")]
    assert sorted(values["FILE"] for values in own(recipes).values()) == sorted(map(str, files))


def test_all_appends_are_taken(recipes):
    taken = {append for values in recipes.values() for append in values["appends"]}
    assert taken == {str(path) for path in LAYER.glob("recipes-*/*/*.bbappend")}


def test_other_distributions_and_machines_can_take_the_layer_in(tmp_path):
    recipes = bitbake(tmp_path, "other", "parse", distro="other")
    # What is appended to is as if the layer were not there.
    for name in set(recipes) - set(own(recipes)):
        assert not (recipes[name]["SRC_URI"] or "").strip(), name
    assert recipes["chargectl-bundle"]["RAUC_BUNDLE_BUILD"]
    for name in ("chargectl-image", "chargectl-bundle", "chargectl-overlays", "packagegroup-chargectl"):
        assert not re.match(recipes[name]["COMPATIBLE_MACHINE"], "other"), name


def test_every_local_source_is_there(recipes):
    assert {name: values["missing"] for name, values in recipes.items() if values["missing"]} == {}


def test_no_recipe_has_the_name_of_an_override(recipes):
    """`FILES:chargectl` would be meant for the distribution then."""
    for name, values in own(recipes).items():
        assert name not in values["OVERRIDES"].split(":"), name


def test_every_download_is_pinned(recipes):
    for name, values in own(recipes).items():
        for address in (values["SRC_URI"] or "").split():
            if address.startswith("git:"):
                assert re.fullmatch("[0-9a-f]{40}", values["SRCREV"]), name
            elif not address.startswith("file:"):
                assert values["flags"]["SRC_URI"]["sha256sum"], name


def test_every_recipe_names_its_licence(recipes):
    for name, values in own(recipes).items():
        if name.startswith("packagegroup-"):
            continue
        assert values["LICENSE"] not in (None, "", "CLOSED"), name
        assert values["LIC_FILES_CHKSUM"], name


def test_the_licence_is_the_one_in_the_repository(recipes):
    import hashlib

    text = (TOP / "LICENSE").read_bytes()
    checksum = hashlib.md5(text, usedforsecurity=False).hexdigest()
    for name in ("python3-chargectl", "chargectl-overlays", "chargectl-image", "chargectl-bundle"):
        assert recipes[name]["LIC_FILES_CHKSUM"] == f"file://{TOP}/LICENSE;md5={checksum}"


def test_the_python_distribution_brings_what_it_imports(recipes):
    project = tomllib.loads((TOP / "src/chargectl/pyproject.toml").read_text())["project"]
    recipe = recipes["python3-chargectl"]
    assert recipe["PV"] == project["version"]
    package = {"python-periphery": "python3-periphery"}
    wanted = {dependency.split("==")[0] for dependency in project["dependencies"]}
    assert {package.get(name, f"python3-{name}") for name in wanted} <= set(recipe["RDEPENDS"].split())


# In which package of the LTS a module is that python3-core does not have (its python3-manifest.json).
PACKAGE_OF_MODULE = {
    "asyncio": "asyncio",
    "base64": "netclient",
    "binascii": "netclient",  # which needs it for base64
    "decimal": "numbers",
    "ctypes": "ctypes",
    "datetime": "datetime",
    "difflib": "difflib",
    "fcntl": "fcntl",
    "hashlib": "crypt",
    "hmac": "netclient",
    "http": "netclient",
    "json": "json",
    "logging": "logging",
    "math": "math",
    "secrets": "netclient",
    "shlex": "shell",
    "socket": "io",
    "ssl": "io",
    "threading": "threading",
    "tomllib": "tomllib",
    "urllib": "netclient",
    "uuid": "netclient",
    "xml": "xml",
}
IN_CORE = {
    "__future__",
    "abc",
    "argparse",
    "array",
    "bisect",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "dataclasses",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "gc",
    "glob",
    "grp",
    "heapq",
    "importlib",
    "io",
    "ipaddress",
    "itertools",
    "os",
    "pathlib",
    "pwd",
    "re",
    "select",
    "selectors",
    "shutil",
    "signal",
    "stat",
    "struct",
    "subprocess",
    "sys",
    "textwrap",
    "time",
    "traceback",
    "types",
    "typing",
    "warnings",
}
FROM_ELSEWHERE = {"v2g", "v2gexi", "chargectl", "cryptography", "jeepney", "paho", "periphery", "yaml"}


def imported_by(path):
    """The top-level names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("chargectl", ("sim", "guard")), ("v2g", ("build", "reference.py")), ("v2gexi", ("build", "generate"))],
)
def test_the_python_packages_have_every_module_that_is_imported(recipes, name, left_out):
    """The LTS splits Python's library into packages; one that is missing shows only on the board."""
    needed = recipes[f"python3-{name}"]["RDEPENDS"].split()
    source = TOP / "src" / name
    modules = set()
    for path in source.rglob("*.py"):
        if path.relative_to(source).parts[0] in left_out:
            continue
        modules |= set(imported_by(path))
    for module in sorted(modules - IN_CORE - FROM_ELSEWHERE):
        assert module in PACKAGE_OF_MODULE, f"which package of the LTS has {module}?"
        assert f"python3-{PACKAGE_OF_MODULE[module]}" in needed, module


def test_the_v2g_distribution_brings_what_it_needs(recipes):
    project = tomllib.loads((TOP / "src/v2g/pyproject.toml").read_text())["project"]
    recipe = recipes["python3-v2g"]
    assert recipe["PV"] == project["version"]
    wanted = {re.split("[=<>;]", dependency)[0] for dependency in project["dependencies"]}
    assert {f"python3-{name.lower()}" for name in wanted} <= set(recipe["RDEPENDS"].split())
    assert "python3-v2g" in recipes["python3-chargectl"]["RDEPENDS"].split()


def test_jeepney_is_the_release_that_the_desk_has(recipes):
    pins = dict(
        line.split("==") for line in (TOP / "requirements/run.txt").read_text().splitlines() if "==" in line
    )
    assert recipes["python3-jeepney"]["PV"] == pins["jeepney"]


@pytest.mark.spec(240)
def test_the_layout_of_the_emmc(recipes, machine):
    image = recipes["chargectl-image"]
    sizes = {name: int(image[f"EMMC_{name}_MIB"]) for name in ("ROOTFS", "SRV", "LOG")}
    if machine == "charge-control-c":
        assert sizes == {"ROOTFS": 1024, "SRV": 1024, "LOG": 128}
    assert image["EMMC_DISK_SIGNATURE"] == "0xc4a26ec1"
    assert int(image["IMAGE_ROOTFS_MAXSIZE"]) == sizes["ROOTFS"] * 1024
    text = (LAYER / "files/wic" / image["WKS_FILE"]).read_text()
    parts = [line for line in text.splitlines() if line.startswith("part ")]
    assert ["--no-table" in line for line in parts] == [True] + 5 * [False]
    assert ["--type logical" in line for line in parts[1:]] == [False, False, True, True, True]
    wanted = ["ROOTFS", "ROOTFS", "SRV", "LOG", "LOG"]
    assert [re.search(r"--fixed-size \$\{EMMC_(\w+)_MIB\}M", line).group(1) for line in parts[1:]] == wanted


def test_the_boot_loader_keeps_clear_of_its_environment():
    """U-Boot lies 1 KiB into the eMMC; its environment twice, before the first partition at 1 MiB."""
    settings = dict(
        line.split("=", 1)
        for line in (LAYER / "recipes-bsp/u-boot/files/chargectl.cfg").read_text().splitlines()
        if line.startswith("CONFIG_")
    )
    size = int(settings["CONFIG_ENV_SIZE"], 16)
    first, second = (int(settings[f"CONFIG_ENV_OFFSET{name}"], 16) for name in ("", "_REDUND"))
    assert first + size <= second
    assert second + size <= 1024 * 1024
    assert (first, second, size) == (0xC0000, 0xE0000, 0x2000)
    assert settings["CONFIG_HAS_BOARD_SIZE_LIMIT"] == "y"
    assert int(settings["CONFIG_BOARD_SIZE_LIMIT"]) == first - 1024


def test_the_boot_script_has_all_its_variables(machine):
    files = LAYER / "recipes-bsp/u-boot/files"
    text = "".join(
        line + "\n"
        for name in ("chargectl-boot.env", f"{machine}.env")
        for line in (files / name).read_text().splitlines()
        if not line.startswith("#")
    )
    set_here = set(re.findall(r"^(\w+)=", text, re.MULTILINE)) | set(
        re.findall(r"set(?:env|expr) (\w+)", text)
    )
    # `load` sets filesize; the ramdisk is optional.
    set_here |= {"filesize", "s", "ramdisk_file", "ramdisk_addr_r"}
    assert set(re.findall(r"\$\{(\w+)\}", text)) <= set_here


def test_the_kernel_is_asked_for_what_its_options_stand_on():
    """Without what it depends on an option is dropped, and the build only warns of it."""
    stands_on = {
        "ARM_IMX6Q_CPUFREQ": {"CPU_FREQ", "REGULATOR_ANATOP"},
        "BFQ_GROUP_IOSCHED": {"BLK_CGROUP", "IOSCHED_BFQ"},
        "DM_VERITY": {"BLK_DEV_DM", "MD"},
        "FAIR_GROUP_SCHED": {"CGROUP_SCHED"},
        "IMX_THERMAL": {"THERMAL"},
        "REGULATOR_PFUZE100": {"I2C", "REGULATOR"},
        "USB_STORAGE": {"BLK_DEV_SD", "SCSI"},
        "W1_MASTER_DS2482": {"I2C", "W1"},
    }
    files = LAYER / "recipes-kernel/linux/files"
    text = "".join((files / f"{name}.cfg").read_text() for name in ("board", "firmware"))
    asked = set(re.findall(r"^CONFIG_(\w+)=[ym]$", text, re.MULTILINE))
    assert set(stands_on) <= asked
    for option, others in stands_on.items():
        assert others <= asked, option


def test_the_root_file_system_is_checked_before_it_is_written():
    """systemd checks it only where the kernel mounted it read-only and /etc/fstab asks for a check."""
    script = (LAYER / "recipes-bsp/u-boot/files/chargectl-boot.env").read_text()
    words = re.search(r"setenv bootargs ((?:.*\\\n)*?.*);", script)[1].replace("\\\n", "").split()
    assert {"ro", "fsck.repair=yes"} <= set(words)
    assert "rw" not in words
    table = [line.split() for line in (TOP / "overlays/common/etc/fstab").read_text().splitlines()]
    root = next(line for line in table if line[1:2] == ["/"])
    assert "ro" not in root[3].split(",")
    assert root[5] == "1"


def test_the_serial_downloader_leads_to_a_disk():
    """What docs/how-to/flash.md does at U-Boot's prompt."""
    files = LAYER / "recipes-bsp/u-boot/files"
    settings = (files / "charge-control-c.cfg").read_text().splitlines()
    assert {"CONFIG_CI_UDC=y", "CONFIG_USB_GADGET_DOWNLOAD=y", "CONFIG_CMD_USB_MASS_STORAGE=y"} <= set(
        settings
    )
    tree = (files / "imx6ull-tarragon-master-u-boot.dtsi").read_text()
    port = re.search(r"&usbotg1 \{(.*?)\}", tree, re.S)[1]
    assert 'dr_mode = "peripheral"' in port
    # Two supplies of one cable would work against each other.
    assert "pinctrl_usb_pwr" not in port
    assert "ums 0 mmc 0" in (TOP / "docs/how-to/flash.md").read_text()


@pytest.mark.spec(256)
def test_bundles(recipes, machine):
    plain, pieces = recipes["chargectl-bundle"], recipes["chargectl-bundle-casync"]
    for bundle in (plain, pieces):
        assert bundle["RAUC_BUNDLE_COMPATIBLE"] == f"chargectl {machine}"
        assert bundle["RAUC_BUNDLE_FORMAT"] == "verity"
    assert plain["BUNDLE_EXTENSION"] == ".image"
    assert plain["flags"]["RAUC_SLOT_rootfs"]["adaptive"] == "block-hash-index"
    assert pieces["RAUC_CASYNC_BUNDLE"] == "1"
    assert not pieces["flags"]["RAUC_SLOT_rootfs"]["adaptive"]


def test_bundles_have_the_manifest_of_the_bundle_tool(recipes):
    """`bundle/make` and BitBake make the same of an image."""
    bundle = recipes["chargectl-bundle"]
    hooks, slot = bundle["flags"]["RAUC_BUNDLE_HOOKS"], bundle["flags"]["RAUC_SLOT_rootfs"]
    lines = {
        "compatible=@COMPATIBLE@": f"compatible={bundle['RAUC_BUNDLE_COMPATIBLE']}",
        "description=chargectl @VERSION@": f"description={bundle['RAUC_BUNDLE_DESCRIPTION']}",
        "filename=hook": f"filename={hooks['file']}",
        "hooks=install-check": f"hooks={hooks['hooks']}",
        "filename=rootfs.ext4": f"filename={slot['rename']}",
        "hooks=post-install": f"hooks={slot['hooks']}",
    }
    template = (TOP / "bundle/manifest.raucm.in").read_text().splitlines()
    values = {"@COMPATIBLE@": bundle["RAUC_BUNDLE_COMPATIBLE"], "@VERSION@": bundle["RAUC_BUNDLE_VERSION"]}
    for line, built in lines.items():
        assert line in template
        filled = line
        for name, value in values.items():
            filled = filled.replace(name, value)
        assert filled == built
    assert bundle["BUNDLE_ARGS"].split("'")[1] in (TOP / "bundle/make").read_text()


def test_bundles_look_for_the_file_that_the_image_makes(recipes):
    """Its name is made from these in both; only the image's recipe could say something else of itself."""
    image, bundle = recipes["chargectl-image"], recipes["chargectl-bundle"]
    assert image["IMAGE_NAME_SUFFIX"] == bundle["IMAGE_NAME_SUFFIX"]
    assert bundle["flags"]["RAUC_SLOT_rootfs"]["fstype"] in image["IMAGE_FSTYPES"].split()


def test_version_and_time_come_from_outside(tmp_path):
    recipes = bitbake(
        tmp_path, MACHINES[0], "parse", CHARGECTL_VERSION="9.8.7+gabc", CHARGECTL_EPOCH="1700000000"
    )
    bundle = recipes["chargectl-bundle"]
    assert bundle["RAUC_BUNDLE_VERSION"] == "9.8.7+gabc"
    assert bundle["RAUC_BUNDLE_BUILD"] == "2023-11-14T22:13:20Z"


# Modules that MicroPython's unix port has in C; the recipe freezes none in,
# and micropython-lib is in no image.
IN_MICROPYTHON = {"errno", "ffi", "gc", "os", "select", "socket", "struct", "sys", "time", "uctypes"}


def test_the_guard_needs_the_interpreter_alone(recipes):
    files = list((TOP / "src/chargectl/guard").glob("*.py"))
    imported = {name for path in files for name in imported_by(path)}
    assert imported - {path.stem for path in files} <= IN_MICROPYTHON
    assert recipes["chargectl-guard"]["RDEPENDS"].split() == ["micropython"]
    packages = (TOP / "tools/board/packages.txt").read_text().splitlines()
    assert "micropython" in packages, "the emulated board has the same"


def test_the_image_is_compared_with_known_vulnerabilities_unless_switched_off(recipes, tmp_path):
    assert "sbom-cve-check" in recipes["chargectl-image"]["IMAGE_CLASSES"].split()
    off = re.search(r'CHARGECTL_CVE_CHECK = "(.*)"', (TOP / "kas/no-cve.yml").read_text())[1]
    without = bitbake(tmp_path, MACHINES[0], "parse", CHARGECTL_CVE_CHECK=off)
    assert not without["chargectl-image"]["IMAGE_CLASSES"]
    assert "kas/no-cve.yml" in (TOP / "kas/offline.yml").read_text(), "the lists come from the network"


# What BusyBox understands only with an option that OE-Core leaves out.
BUSYBOX = {
    r"\bhead [^|]*-c": "FEATURE_FANCY_HEAD",
    r"\bod [^|]*-[At]": "DESKTOP",
    r"\bsync +[^;|&\s]": "FEATURE_SYNC_FANCY",
    r"\bdate [^|]*-I": "FEATURE_DATE_ISOFMT",
    r"\bdate [^|]*\+\S*%N": "FEATURE_DATE_NANO",
    r"\bdf [^|]*--": "FEATURE_DF_FANCY",
    r"\bsha256sum\b": "SHA256SUM",
    r"\btimeout +[0-9]": "TIMEOUT",
    r"\btail [^|]*-F": "FEATURE_FANCY_TAIL",
}


def test_busybox_understands_the_scripts():
    fragment = LAYER / "recipes-core/busybox/files/chargectl-scripts.cfg"
    switched_on = set(re.findall(r"^CONFIG_(\w+)=y$", fragment.read_text(), re.MULTILINE))
    scripts = [TOP / "bundle/hook"]
    for path in (TOP / "overlays").rglob("*"):
        if path.parent.name != "overlays" and path.is_file() and path.read_bytes().startswith(b"#!/bin/sh"):
            scripts.append(path)
    assert len(scripts) > 5
    text = "".join(
        line + "\n"
        for path in scripts
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
    )
    needed = {option for pattern, option in BUSYBOX.items() if re.search(pattern, text)}
    assert needed == switched_on
