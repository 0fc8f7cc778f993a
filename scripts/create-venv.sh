#!/usr/bin/env bash
# Makes the virtual environment and installs this package in it, editable, with the tools of its developers.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${1:-.venv}
started=$SECONDS
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    python=$(bash scripts/find-python.sh)
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi
pip=("$venv/bin/python" -m pip)  # twice quiet below: only errors are shown

has_nvidia_gpu() {
    [[ -e /dev/nvidia0 || -e /dev/dxg ]] || nvidia-smi -L >/dev/null 2>&1
}

# PyTorch's standard build for Linux brings gigabytes of CUDA libraries. Where no GPU could use them, its CPU build is
# taken instead, if one of pip's configured sources offers it: such versions end in +cpu.
install_small_torch() {
    local requirement version
    requirement=$(grep -oE '"torch[^"]*"' pyproject.toml | head -n 1 | tr -d '"')
    version=$("${pip[@]}" index versions torch 2>/dev/null | grep -oE '[0-9][0-9.]*\+cpu' | head -n 1) || true
    if [[ -z $version ]]; then
        echo "pip's sources offer no CPU build of PyTorch: taking the standard one, a download of several GB" \
            "(to avoid it, set PIP_EXTRA_INDEX_URL to the CPU index that PyTorch's install page names)"
        return
    fi
    echo "Installing PyTorch $version (no NVIDIA GPU here, so without CUDA)"
    "${pip[@]}" install -qq "$requirement" "torch==$version" || echo "That failed: taking the standard build instead"
}

if [[ $(uname -s) == Linux ]] && ! has_nvidia_gpu &&
    ! "$venv/bin/python" -c 'import importlib.metadata as m; m.version("torch")' 2>/dev/null; then
    install_small_torch
fi
echo "Installing Art'Em VR and what it stands on (a minute or two the first time)"
"${pip[@]}" install -qq -e '.[dev]'
echo "Installed in $((SECONDS - started)) s"
