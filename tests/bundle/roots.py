"""Two root file systems in folders: the running system and a new image."""

import os
from pathlib import Path

from chargectl.config.load import shipped_content
from chargectl.declarations.types import ConfigFile
from chargectl.system.migration import install

REPOSITORY = Path(__file__).parents[2]
MANIFEST = (REPOSITORY / "bundle/migration.toml").read_text(encoding="utf-8")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
CUSTOMER = '{\n  // the owner\'s limit\n  "ports": [{"grid_current_limit": 10}]\n}\n'


class Device:
    """Two roots: the running system and a new image."""

    def __init__(self, folder: Path) -> None:
        self.old, self.new = folder / "old", folder / "new"
        for root, version in ((self.old, "1.0"), (self.new, "2.0")):
            write(root, "etc/chargectl-release", f"VERSION={version}\nMACHINE=m\nDEVELOPMENT_KEYS=no\n")
            write(root, "usr/share/chargectl/migration.toml", MANIFEST)
            write(root, "usr/share/chargectl/keyring/keyring.pem", CERTIFICATE)
            (root / "etc/rauc").mkdir()
            (root / "etc/rauc/keyring.pem").symlink_to("/usr/share/chargectl/keyring/keyring.pem")
            write(root, "etc/secc/customer.json", shipped_content(ConfigFile.CUSTOMER))
            write(root, "etc/secc/customer.json.shipped", f"// of {version}\n{{}}\n")
            write(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            write(root, "etc/group", "root:x:0:\n")
            write(root, "etc/shadow", "root:$6$factory$x:0:0:99999:7:::\n", 0o640)

    def manifest(self, extra: str) -> None:
        write(self.new, "usr/share/chargectl/migration.toml", MANIFEST + extra)

    def install(self) -> list[str]:
        return install(self.old, self.new)

    def text(self, path: str) -> str:
        return (self.new / path).read_text()


def write(root: Path, path: str, text: str, mode: int = 0o644) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a root that a write would change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        found[str(path)] = (content, status.st_mode, status.st_mtime_ns, status.st_uid)
    return found
