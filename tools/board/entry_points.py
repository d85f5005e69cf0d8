#!/usr/bin/env python3
"""tools/board/entry_points.py ENTRY_POINTS FOLDER: the programs that a wheel's entry_points.txt declares."""

import configparser
import pathlib
import sys

declared = configparser.ConfigParser()
declared.read(sys.argv[1])
for name, target in declared["console_scripts"].items():
    module, function = target.split(":")
    program = pathlib.Path(sys.argv[2], name)
    program.write_text(
        f"#!/usr/bin/python3\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
    )
    program.chmod(0o755)
