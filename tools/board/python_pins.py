#!/usr/bin/env python3
"""tools/board/python_pins.py PYPROJECT: the pinned packages that the daemons import, one line."""

import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    print(*tomllib.load(file)["project"]["dependencies"])
