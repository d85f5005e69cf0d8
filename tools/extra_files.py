"""Files that a system of the emulated board gets on top of those of the checkout."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path


def write_extra(
    folder: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None
) -> Path | None:
    """Make ``folder`` anew with files (path to text) and symbolic links (path to target).

    Returns it for :func:`tools.board.build.slot`; None when there is nothing to add.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for path, target in (links or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(target)
    return folder if folder.exists() else None
