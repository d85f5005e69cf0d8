#!/usr/bin/env bash
# tools/find-python.sh: prints a Python 3.11 to 3.14 that can make virtual environments.
# $PYTHON names the one to take; otherwise the first of python3, python3.13, 3.12, 3.11, 3.14.
# Where there is none, apt-get is asked for one.
set -euo pipefail
here=$(dirname "$0")

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }
whole() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
answer() {
    "$1" -c 'import sys; print(sys.executable)'
    exit 0
}

if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || { echo "error: PYTHON=$PYTHON is no Python 3.11 to 3.14" >&2; exit 1; }
    candidates=("$PYTHON")
else
    candidates=(python3 python3.13 python3.12 python3.11 python3.14)
fi

for python in "${candidates[@]}"; do
    if fits "$python" && whole "$python"; then answer "$python"; fi
done
# One that fits but cannot make virtual environments: Debian packs that apart, one package a version.
for python in "${candidates[@]}"; do
    if fits "$python"; then
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        "$here/need.sh" "$version-venv" >&2
        if whole "$python"; then answer "$python"; fi
    fi
done
# None: the system's own, or where that is older a newer one beside it.
if [ -z "${PYTHON:-}" ]; then
    command -v python3 >/dev/null || "$here/need.sh" python3-venv >&2 || true
    for python in python3 python3.11 python3.12 python3.13; do
        fits "$python" || "$here/need.sh" "$python-venv" >&2 || true
        if fits "$python" && whole "$python"; then answer "$python"; fi
    done
fi
found=$(python3 --version 2>/dev/null || echo "no python3")
echo "error: Python 3.11 to 3.14 with its venv module is needed; here is: $found (PYTHON=... names another)" >&2
exit 1
