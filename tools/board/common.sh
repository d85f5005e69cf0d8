# Sourced by the build scripts of the emulated board.
#
# What takes long is built once per set of inputs and kept in the cache, outside of the checkout: a folder per step,
# named after a hash of the files that step is made from. A step is complete when its folder has its final name.
set -euo pipefail
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
cache=${CHARGECTL_CACHE:-$HOME/.cache/chargectl}/board
mkdir -p "$cache"
# One build at a time, with all the scripts that it calls: finish removes what another might be reading.
if [ -z "${CHARGECTL_BOARD_LOCKED:-}" ]; then
    exec 8>"$cache/lock"
    flock 8
    export CHARGECTL_BOARD_LOCKED=1
fi
SUITE=trixie

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

fail() {
    echo "error: $*" >&2
    exit 1
}

# hash_of FILE...: 16 hexadecimal digits that change with any of the files' contents.
hash_of() { cat "$@" | sha256sum | cut -c1-16; }

debian_mirror() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# apt_source SUITE TYPE: a source line for that suite of Debian, with the mirror that this machine itself uses.
# CHARGECTL_DEBIAN_MIRROR (a URL) is for machines whose own mirror is not Debian's.
apt_source() {
    local suite=$1 type=$2 mirror=${CHARGECTL_DEBIAN_MIRROR:-}
    # APT's own view of its sources understands both of their formats; it is empty before the first update.
    [ -n "$mirror" ] || mirror=$(debian_mirror)
    [ -n "$mirror" ] || { apt-get -qq update && mirror=$(debian_mirror); }
    [ -n "$mirror" ] || fail "no Debian mirror in this machine's APT sources (Ubuntu has none):" \
        "set CHARGECTL_DEBIAN_MIRROR to the URL of one"
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    "$checkout/tools/need.sh" $key=debian-archive-keyring >&2
    echo "$type [signed-by=$key] ${mirror%/} $suite main"
}

# private_apt FOLDER LINE...: an APT of its own in FOLDER with only these source lines; prints the configuration file.
private_apt() {
    local root=$1
    shift
    mkdir -p "$root"/{lists/partial,archives/partial,etc/apt.conf.d,etc/preferences.d,etc/trusted.gpg.d}
    printf '%s\n' "$@" >"$root/etc/sources.list"
    : >"$root/status"
    cat >"$root/apt.conf" <<CONF
Dir::Etc "$root/etc";
Dir::Etc::sourcelist "$root/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "$root";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache "$root";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
CONF
    echo "$root/apt.conf"
}

# step NAME HASH: prints the folder of that step; returns 1 where it has still to be built.
step() {
    printf '%s/%s-%s\n' "$cache" "$1" "$2"
    [ -d "$cache/$1-$2" ]
}

# finish WORK FOLDER: the step's folder gets its final name; older ones of the same step go.
finish() {
    local work=$1 final=$2 name
    name=$(basename "$final")
    sync -f "$work"
    rm -rf "$final"
    mv "$work" "$final"
    find "$cache" -maxdepth 1 -type d -name "${name%-*}-????????????????" ! -name "$name" -exec rm -rf {} +
}
