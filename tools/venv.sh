#!/usr/bin/env bash
# tools/venv.sh FOLDER REQUIREMENTS: a virtual environment with the pinned packages and this checkout's chargectl and v2g.
set -euo pipefail
folder=$1 requirements=$2

if ! "$folder/bin/python" -c 'import pip' 2>/dev/null; then
    python=$("$(dirname "$0")/find-python.sh")
    echo "Making $folder with $("$python" --version)"
    "$python" -m venv --clear "$folder"
fi
echo "Installing into $folder: $requirements, chargectl and v2g (editable)"
pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5)
"${pip[@]}" -r "$requirements"
"${pip[@]}" --no-deps -e src/chargectl -e src/v2g
