"""Lines for the journal: on stderr, with the level in front as the journal expects it (sd-daemon(3))."""

import errno
import sys


def error(text):
    """Something is wrong."""
    _write("3", text)


def warning(text):
    """Something may become wrong."""
    _write("4", text)


def note(text):
    """Something has changed."""
    _write("6", text)


def name_of(problem):
    """An OSError's number by name."""
    return errno.errorcode.get(problem.errno, f"error {problem.errno}")


def _write(level, text):
    try:
        sys.stderr.write(f"<{level}>{text}\n")
    except OSError:
        return  # Nobody reads it; the outputs matter more.
