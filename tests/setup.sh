#!/usr/bin/env bash
# Installs what `make` needs and the machine lacks; quick and silent when nothing is missing.
#
#   tests/setup.sh build   a C compiler (SQLite is compiled in)
#   tests/setup.sh test    that, Node and npm, Chromium, minisign, nginx, and the pinned packages of tests/node and
#                          of the web page's source; Node itself is pinned in tests/node
#
# Debian packages are installed with apt-get, as root or through sudo; elsewhere the missing
# program is named and the script stops.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "set-up: $*"; }
stop() {
    echo "set-up stopped: $*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with its output kept away, and shows the end of it only when it fails.
quietly() {
    local log
    log="$(mktemp)"
    if ! "$@" >"$log" 2>&1; then
        tail -n 25 "$log" >&2
        rm -f "$log"
        stop "failed: $*"
    fi
    rm -f "$log"
}

apt_install() {
    have apt-get || stop "please install: $* (this machine has no apt-get)"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || stop "please install as root: apt-get install $*"
        as_root=(sudo)
    fi
    say "installing $*"
    if [ -z "${apt_updated:-}" ]; then
        quietly "${as_root[@]}" apt-get update -qq
        apt_updated=1
    fi
    # At this run level Debian installs a server without starting it: plays start their own.
    quietly "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@"
}

# The packages are pinned by the lock file, so its checksum says whether they are in place.
node_packages() {
    local folder="$1"
    local stamp="$folder/node_modules/.installed"
    local wanted
    wanted="$(cksum <"$folder/package-lock.json")"
    if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
        return 0
    fi
    say "installing the packages of $folder"
    quietly npm --prefix "$folder" ci --ignore-scripts --no-fund --no-audit
    echo "$wanted" >"$stamp"
}

# Older npm leaves out the link to a program that stands in an optional package.
pinned_node() {
    local link=tests/node/node_modules/.bin/node program
    [ -x "$link" ] && return 0
    for program in tests/node/node_modules/node-linux-*/bin/node; do
        [ -x "$program" ] || stop "no pinned Node for this machine: $(uname -sm)"
        ln -sfn "../${program#tests/node/node_modules/}" "$link"
    done
}

for_build() {
    have cargo || stop "Rust is missing: install a toolchain that has cargo, then run this again"
    have cc || apt_install build-essential
}

for_tests() {
    have node && have npm || apt_install nodejs npm
    have minisign || apt_install minisign
    [ -x /usr/sbin/nginx ] || apt_install nginx
    have chromium || apt_install chromium fonts-dejavu-core
    node_packages tests/node
    pinned_node
    node_packages plugins/webchat/web
    node_packages host/web
}

case "${1:-}" in
build) for_build ;;
test)
    for_build
    for_tests
    ;;
*) stop "say what for: build or test" ;;
esac
