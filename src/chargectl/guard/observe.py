"""What can be seen of portd and of the boot: files in the run folder, and who holds portd's lock."""

import libc
from policy import DEGRADED, HEALTHY
from report import error, name_of

_LOCKS = "/proc/locks"


class Sight:
    """The files in ``folder``. Nothing raises: what cannot be read is no sign of life."""

    def __init__(self, folder):
        self._heartbeat = folder + "/portd.heartbeat"
        self._lock = folder + "/portd.lock"
        self._folder = folder
        self._blind = False

    def look(self):
        """Return the heartbeat's identity and time (None: no file), portd's process, its mark, the boot."""
        found = libc.stat(self._heartbeat)
        beat, mark = None, ""
        if found:
            beat = (found[0], found[2])
            mark = _read(self._heartbeat).strip() if found[1] else ""
        return beat, self._holder(), mark, self._boot()

    def _boot(self):
        for said in (HEALTHY, DEGRADED):
            if libc.stat(self._folder + "/" + said):
                return said
        return ""

    def _holder(self):
        """The process that holds portd's lock, 0 if nobody does.

        The kernel's own list of locks tells without touching the lock: to try it would make a portd fail that
        starts at the same moment.
        """
        found, pid = libc.stat(self._lock), _read(self._lock).strip()
        if not found or not pid.isdigit():
            return 0
        try:
            with open(_LOCKS) as locks:
                lines = locks.read().split("\n")
        except OSError as problem:
            if not self._blind:
                error(f"{_LOCKS}: {name_of(problem)}: every portd that was started is taken to run")
            self._blind = True
            return int(pid)
        inode = f":{found[0][0]}"
        for line in lines:
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[4] == pid and words[5].endswith(inode):
                return int(pid)
        return 0


class Taken:
    """The file that tells a portd that its outputs were taken over: it holds that process's number."""

    def __init__(self, folder):
        self._path = folder + "/guard.taken"
        self._failed = False
        content = _read(self._path).strip()
        self.pid = int(content) if content.isdigit() else 0
        """What it says; at first what the guard before this one has written."""
        if not self.pid:
            self._write(0)

    def tell(self, pid):
        """Name the process, 0 for none. portd looks with every heartbeat."""
        if pid != self.pid and self._write(pid):
            self.pid = pid

    def _write(self, pid):
        try:
            with open(self._path, "w") as file:
                file.write(f"{pid}\n" if pid else "")
        except OSError as problem:
            if not self._failed:
                error(f"{self._path}: {name_of(problem)}: portd cannot be told when its outputs are taken")
            self._failed = True
            return False
        self._failed = False
        return True


def _read(path):
    try:
        with open(path) as file:
            return file.read(64)
    except (OSError, UnicodeError):
        return ""
