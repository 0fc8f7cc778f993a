#!/usr/bin/env bash
# Fetches what the OpenXR tests run against, into FOLDER: Monado, a runtime that needs no headset, and Mesa's software
# OpenGL and Vulkan, so that it needs no graphics card either. tests/xr/monado.py starts programs with it.
#     scripts/fetch-openxr-runtime.sh [FOLDER]
# The packages are Debian's, from the mirror that this machine uses. They are unpacked, not installed: that takes no
# root rights, and the system keeps its own libraries.
set -euo pipefail

suite=trixie  # the first Debian with a Monado that the tests can steer
oldest=25     # that Monado
packages=(monado-service libopenxr1-monado mesa-vulkan-drivers libgl1 libegl1 libgl1-mesa-dri libc6)
needed_mb=1500  # for the packages and what is in them, side by side

folder=${1:-${ARTEM_VR_OPENXR_RUNTIME:-${XDG_CACHE_HOME:-$HOME/.cache}/artem-vr/openxr}}

fail() {
    echo "No OpenXR runtime for the tests: $1" >&2
    exit 1
}

is_installed() {
    local package version
    for package in monado-service libopenxr1-monado; do
        version=$(dpkg-query -W -f='${Version}' "$package" 2>/dev/null) || return 1
        dpkg --compare-versions "$version" ge "$oldest" || return 1
    done
}

if (($# == 0)) && is_installed; then
    echo "OpenXR runtime for the tests: the system's own Monado"
    exit 0
fi
if [[ -x $folder/root/usr/bin/monado-service ]]; then
    echo "OpenXR runtime for the tests: $folder"
    exit 0
fi
if [[ -e $folder && -n $(ls -A "$folder") ]]; then
    fail "$folder holds something else"
fi

[[ $(uname -sm) == "Linux x86_64" ]] || fail "the packages are for Linux on x86_64, and this is $(uname -sm)"
for command in apt-get dpkg-deb; do
    command -v "$command" >/dev/null || fail "$command is needed to fetch it; installing Monado $oldest or newer will do"
done
folder=$(realpath -m "$folder")
# It is made beside the folder and then renamed: what carries the name is whole, whoever else makes it meanwhile.
mkdir -p "$(dirname "$folder")" 2>/dev/null || fail "$(dirname "$folder") cannot be made"
free_mb=$(df -Pm "$(dirname "$folder")" | awk 'NR == 2 { print $4 }')
((free_mb >= needed_mb)) || fail "$folder needs $needed_mb MB for a while, and $free_mb MB are free"
work=$(mktemp -d "$folder.XXXXXX" 2>/dev/null) || fail "$(dirname "$folder") cannot be written to"
trap 'rm -rf "$work"' EXIT

# The label is known where package lists have been fetched; elsewhere the usual name of a mirror's folder has to do.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
    awk 'NF == 2 && $2 == "Debian" || $1 ~ /\/debian\/?$/ { print $1; exit }') || true
[[ -n $mirror ]] || fail "apt's sources name no mirror of Debian"
keys=$(compgen -G '/usr/share/keyrings/debian-archive-keyring.[gp]*' | head -n 1) || true
[[ -n $keys ]] || fail "the package debian-archive-keyring is not installed"

# An apt of its own, which knows this one suite and takes nothing for installed.
apt=$work/apt
mkdir -p "$apt"/{lists,cache/archives}/partial "$work/root"
touch "$apt/status"
echo "deb [arch=amd64 signed-by=$keys] $mirror $suite main" >"$apt/sources.list"
options=(
    -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o APT::Architecture=amd64 -o APT::Install-Recommends=false -o APT::Sandbox::User="$(id -un)"
    -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
    -o Debug::NoLocking=true
)
run_apt() {
    # A failed update of the lists is only a warning to apt, unless told otherwise.
    if ! apt-get "${options[@]}" -o APT::Update::Error-Mode=any -qq "$@" >"$apt/log" 2>&1; then
        fail "$mirror does not give it: $(grep -m 1 '^[EW]:' "$apt/log" || tail -n 1 "$apt/log")"
    fi
}

echo "Fetching an OpenXR runtime for the tests into $folder (Monado and Mesa of $mirror, 0.2 GB; unpacked 0.6 GB)"
started=$SECONDS
run_apt update
run_apt install --yes --download-only "${packages[@]}"
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$work/root" 2>"$apt/log" || fail "$(tail -n 1 "$apt/log")"
done
rm -rf "$apt" "$work"/root/usr/share/{doc,i18n,info,locale,man,perl,perl5}
chmod 755 "$work"
if ! mv -T "$work" "$folder" 2>/dev/null && [[ ! -x $folder/root/usr/bin/monado-service ]]; then
    fail "$folder could not be put in place"
fi
echo "Fetched in $((SECONDS - started)) s"
