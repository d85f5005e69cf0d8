#!/usr/bin/env bash
# tools/need.sh NAME...: makes sure that programs of the system are there, with apt-get where one is missing.
# A name is that of the program and of its Debian and Ubuntu package; PROGRAM=PACKAGE where the two differ.
# Says what it installs; ends with one clear line where it can install nothing.
set -euo pipefail
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

present() {
    case "$1" in
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        python3.*-venv) "${1%-venv}" -c 'import ensurepip, venv' 2>/dev/null ;;
        /*=*) [ -e "${1%=*}" ] ;;
        *) command -v "${1%=*}" >/dev/null ;;
    esac
}

missing=()
for name in "$@"; do
    present "$name" || missing+=("${name#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

fail() {
    echo "error: missing: ${missing[*]} ($1)" >&2
    exit 1
}

command -v apt-get >/dev/null || fail "there is no apt-get here: install them with the system's package manager"
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "run as root: apt-get install ${missing[*]}"
    as_root=(sudo)
    # Without a terminal nobody can type a password.
    [ -t 0 ] || as_root=(sudo -n)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 "$@" </dev/null; }
install() { apt install -y --no-install-recommends "${missing[@]}"; }

echo "Installing with apt-get: ${missing[*]}"
# The first try fails where the package lists are missing or old; what the second says counts.
install >/dev/null 2>&1 || { apt update && install; } || fail "apt-get could not install them, see above"
for name in "$@"; do
    present "$name" || fail "'$name' is not there even after apt-get installed ${missing[*]}"
done
