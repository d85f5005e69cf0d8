"""What all tests share: the conformance marker and repeatable hypothesis runs."""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = ["pytester", "tests.conformance_plugin", "tests.broker", "tests.simboard"]

# No deadline: a busy machine is no bug. The same examples each time: a red run is red again when repeated.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
