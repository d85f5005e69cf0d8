"""``python -m v2gexi``: the command."""

import sys


def main() -> int:
    """Run the command; returns its exit code."""
    from v2gexi.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
