"""The heartbeat file."""

import os

from chargectl.system.heartbeat import Heartbeat


def stop(path):
    """Set the file's time far back."""
    os.utime(path, (1, 1))


def test_each_beat_moves_the_modification_time(tmp_path):
    path = tmp_path / "run" / "chargectl" / "portd.heartbeat"
    heart = Heartbeat(path)
    for _ in range(3):
        assert heart.beat()
        assert path.stat().st_mtime > 1
        stop(path)
    heart.close()
    assert path.stat().st_mtime == 1
    assert heart.beat()
    assert path.stat().st_mtime > 1
    heart.close()


def test_a_removed_file_comes_back(tmp_path):
    path = tmp_path / "heartbeat"
    heart = Heartbeat(path)
    heart.beat()
    path.unlink()
    assert heart.beat()
    assert path.exists()
    heart.close()


def test_it_does_not_leave_files_open(tmp_path):
    path = tmp_path / "heartbeat"
    heart = Heartbeat(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        heart.beat()
        path.unlink()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    heart.close()


def test_failure_is_reported_once_and_so_is_the_recovery(tmp_path, caplog):
    blocker = tmp_path / "chargectl"
    blocker.write_text("a file where the folder belongs")
    heart = Heartbeat(blocker / "portd.heartbeat")
    with caplog.at_level("INFO"):
        assert not any(heart.beat() for _ in range(10))
        assert len(caplog.records) == 1
        assert f"heartbeat {blocker}/portd.heartbeat: " in caplog.text
        blocker.unlink()
        assert heart.beat()
        assert heart.beat()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    heart.close()


def test_it_does_not_follow_a_link(tmp_path):
    target = tmp_path / "target"
    target.write_text("")
    stop(target)
    link = tmp_path / "heartbeat"
    link.symlink_to(target)
    assert not Heartbeat(link).beat()
    assert target.stat().st_mtime == 1
