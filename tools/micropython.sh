#!/usr/bin/env bash
# tools/micropython.sh: prints the path of a MicroPython (unix port, 1.24 or later) for the tests of the guard.
#
# That of the system if it has one; otherwise Debian's own package of the release named below, unpacked with the
# libraries that it needs into the cache (CHARGECTL_CACHE, by default ~/.cache/chargectl). Nothing is installed.
# The packages come from the mirror that this machine's apt is set up with, and are checked with Debian's keys.
set -euo pipefail
release=trixie

fail() {
    echo "error: micropython: $1" >&2
    exit 1
}
usable() { "$1" -c 'import sys, ffi; sys.exit(sys.implementation[1][:2] < (1, 24))' >/dev/null 2>&1; }

own=$(command -v micropython || true)
if [ -n "$own" ] && usable "$own"; then
    echo "$own"
    exit 0
fi

folder=${CHARGECTL_CACHE:-$HOME/.cache/chargectl}/micropython
if usable "$folder/bin/micropython"; then
    echo "$folder/bin/micropython"
    exit 0
fi

command -v apt-get >/dev/null || fail "there is no apt-get here: install MicroPython 1.24 or later"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "$keyring is missing: install MicroPython 1.24 or later, or debian-archive-keyring"
# shellcheck disable=SC2016  # apt's own fields
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | grep -v security | sort -u)
mirror=${mirror%%$'\n'*}
[ -n "$mirror" ] || fail "this machine's apt has no Debian mirror: install MicroPython 1.24 or later"

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/apt/{lists,cache/archives}/partial "$work"/apt/{state,parts}
: >"$work/apt/state/status"
echo "deb [signed-by=$keyring] $mirror $release main" >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<CONF
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "$work/apt/parts";
Dir::Etc::PreferencesParts "$work/apt/parts";
Dir::State "$work/apt/state";
Dir::State::Lists "$work/apt/lists";
Dir::State::Status "$work/apt/state/status";
Dir::Cache "$work/apt/cache";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt/apt.conf"
said=$(apt-get -qq update 2>&1 && apt-get -qq -y --download-only install micropython 2>&1) ||
    fail "Debian's package could not be had: $(tail -n 1 <<<"$said")"
mkdir -p "$work/root/bin"
for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
done
rm -rf "$work/apt" "$work"/root/usr/share/{doc,locale,man}
loader=$(cd "$work/root" && find usr/lib* -name 'ld-linux*.so.*' -print -quit)
libraries=$(cd "$work/root" && dirname "$(find usr/lib -name libffi.so.8 -print -quit)")
# The program runs on the libraries it was built for, whatever the machine's own are.
cat >"$work/root/bin/micropython" <<RUN
#!/bin/sh
here=\$(dirname "\$(dirname "\$0")")
exec "\$here/$loader" --library-path "\$here/$libraries" "\$here/usr/bin/micropython" "\$@"
RUN
chmod +x "$work/root/bin/micropython"
usable "$work/root/bin/micropython" || fail "Debian's package does not run here"
rm -rf "$folder"
mv -T "$work/root" "$folder" 2>/dev/null || usable "$folder/bin/micropython" || fail "$folder cannot be written"
echo "$folder/bin/micropython"
