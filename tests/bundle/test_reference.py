"""docs/reference/migration.md says what bundle/migration.toml says."""

import subprocess
import sys

from tests.bundle.miniroot import REPOSITORY


def test_the_reference_is_what_the_manifest_says() -> None:
    page = REPOSITORY / "docs/reference/migration.md"
    words = [sys.executable, str(REPOSITORY / "bundle/reference.py"), str(page)]

    done = subprocess.run([*words, "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
