"""Files on top of a system of the emulated board."""

from __future__ import annotations

from pathlib import Path

from tools.extra_files import write_extra


def test_files_and_links_are_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "extra"
    assert write_extra(folder, {"etc/old": "x", "etc/a/b": "y"}) == folder
    assert (folder / "etc/a/b").read_text() == "y"
    assert write_extra(folder, {"etc/a/b": "z"}, {"etc/wants/b": "../a/b", "etc/c": "/nowhere"}) == folder
    assert (folder / "etc/wants/b").read_text() == "z"
    assert (folder / "etc/c").readlink() == Path("/nowhere")
    assert not (folder / "etc/old").exists()


def test_nothing_to_add_is_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "extra"
    write_extra(folder, {"x": "y"})
    assert write_extra(folder, {}) is None
    assert not folder.exists()
