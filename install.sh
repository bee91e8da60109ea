#!/bin/sh
# Makes .venv and installs requirements.txt into it, and what else is named: sh install.sh -e '.[test]'
set -eu
cd "$(dirname "$0")"
python3 -m venv .venv
pip="$PWD/.venv/bin/python -m pip --disable-pip-version-check"

# An OpenCV without windows from an earlier run would stand in the way of the one with windows.
$pip uninstall --quiet --yes opencv-python-headless 2>/dev/null || true
$pip install -r requirements.txt "$@"

if ! .venv/bin/python -c 'import cv2' 2>/dev/null; then
    packages=$(.venv/bin/python -c 'from maskdet.live.libraries import missing_packages as m; print(*m())')
    echo "OpenCV's window needs system libraries that are missing here: installing OpenCV without windows."
    echo "For windows: apt-get install -y $packages, then run this again."
    $pip uninstall --quiet --yes opencv-python
    $pip install 'opencv-python-headless>=5.0'
fi
