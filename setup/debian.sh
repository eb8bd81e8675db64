#!/bin/sh
# Installs those of the Debian packages named as arguments whose use isn't there yet.
#
#   setup/debian.sh python3-venv chromium
#
# What counts is the thing used, not the package: a Python from elsewhere that can make environments needs no
# python3-venv. Installs as root or by sudo; where neither is to be had, says what somebody else has to run.
set -eu

works() {
    case $1 in
        python3-venv) "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null ;;
        chromium) [ -x /usr/bin/chromium ] ;;
        fonts-noto-cjk) [ -n "$(find /usr/share/fonts -name 'NotoSansCJK*' -print -quit 2>/dev/null)" ] ;;
        *) [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    esac
}

missing=
for package in "$@"; do
    works "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: this is not Debian; install what it calls$missing, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root='env DEBIAN_FRONTEND=noninteractive'
elif command -v sudo >/dev/null; then
    as_root='sudo env DEBIAN_FRONTEND=noninteractive'
else
    echo "setup: Debian packages are missing and this user can't install them; as root, run:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
fi

echo "setup: installing Debian packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # both are lists of words
if ! { $as_root apt-get update && $as_root apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1
then
    cat "$log" >&2
    echo "setup: apt-get could not install$missing; what it said is above." >&2
    exit 1
fi
