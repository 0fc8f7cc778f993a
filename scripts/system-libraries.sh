#!/usr/bin/env bash
# Looks for what pip cannot install: OpenGL through EGL, Python's venv module and, with --tests, a virtual X screen.
# On Debian and its children the missing packages are installed when that needs no password, else named.
set -euo pipefail

with_tests=no
[[ ${1:-} == --tests ]] && with_tests=yes

# Elsewhere OpenGL comes with the system or with the graphics driver.
[[ $(uname -s) == Linux ]] || exit 0

libraries=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
packages=()

need_library() {  # file name, Debian package
    grep -qF "$1 " <<<"$libraries" || packages+=("$2")
}

has_driver() {  # Mesa's, or a vendor's own
    compgen -G '/usr/lib*/dri/*_dri.so' >/dev/null || compgen -G '/usr/lib/*/dri/*_dri.so' >/dev/null ||
        compgen -G '/usr/lib*/libgallium-*.so' >/dev/null || compgen -G '/usr/lib/*/libgallium-*.so' >/dev/null ||
        grep -qF 'libEGL_nvidia.so.0 ' <<<"$libraries"
}

need_library libEGL.so.1 libegl1
need_library libGL.so.1 libgl1
has_driver || packages+=(libgl1-mesa-dri)
# Debian splits venv from its Python; any other Python that is new enough will do.
if ! bash "$(dirname "$0")/find-python.sh" >/dev/null 2>&1; then
    packages+=(python3 python3-venv)
fi
if [[ $with_tests == yes ]]; then
    command -v Xvfb >/dev/null || packages+=(xvfb)
    # GLFW opens these at run time.
    need_library libX11.so.6 libx11-6
    need_library libXcursor.so.1 libxcursor1
    need_library libXi.so.6 libxi6
    need_library libXinerama.so.1 libxinerama1
    need_library libXrandr.so.2 libxrandr2
fi

((${#packages[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing from the system (Debian's names): ${packages[*]}" >&2
    echo "Install their equivalents and run this again. Fedora: dnf install mesa-libEGL mesa-libGL mesa-dri-drivers" \
        "xorg-x11-server-Xvfb; Arch: pacman -S mesa libglvnd xorg-server-xvfb" >&2
    exit 1
fi

install=(apt-get install -y --no-install-recommends "${packages[@]}")
if (($(id -u) == 0)); then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "Missing system libraries. Install them with this command, then run make again:" >&2
    echo "    sudo ${install[*]}" >&2
    exit 1
fi

echo "Installing system libraries: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A fresh image has no package lists yet; a machine in use rarely needs them fetched again.
if ! "${as_root[@]}" "${install[@]}" >"$log" 2>&1; then
    "${as_root[@]}" apt-get update >"$log" 2>&1 && "${as_root[@]}" "${install[@]}" >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "apt-get could not install ${packages[*]}: see the lines above" >&2
        exit 1
    }
fi
