#!/usr/bin/env bash
# Prints the first Python on PATH (or $PYTHON) that is new enough and can make virtual environments.
set -euo pipefail

for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
echo "Python 3.11 or newer with its venv module is needed: install it" \
    "(Debian 12: apt install python3 python3-venv), or name one with PYTHON=/path/to/python3" >&2
exit 1
