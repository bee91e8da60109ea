#!/bin/sh
# Makes .venv and installs the monitor into it, and what else is named: ./install.sh -e '.[test]'
# PYTHON=python3.13 ./install.sh takes another Python than python3.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "maskdet needs Python 3.11 or newer; $python is $("$python" -V 2>&1 | cut -d' ' -f2)." >&2
    echo "Name another one: PYTHON=python3.13 ./install.sh" >&2
    exit 2
}

echo "1/3 Making .venv with $("$python" -V)"
"$python" -m venv .venv
pip() { # a function: the folder's own name may have blanks
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"
}

echo "2/3 Installing maskdet ${*:-(the monitor: 520 MB on disk)}"
# An OpenCV without windows from an earlier run would stand in the way of the one with windows.
pip uninstall --yes opencv-python-headless 2>/dev/null || true
if [ $# -eq 0 ]; then
    set -- -e .
    # venv of Python 3.11 brings it; what the monitor imports does not use it, and it is 10 MB.
    pip uninstall --yes setuptools 2>/dev/null || true
fi
# Only what is used is compiled, by the check below: a third of the time, and 40 MB less.
pip install --no-compile "$@" || {
    echo "The installation is not complete; the lines above say why: no network, a proxy, a full disk …" >&2
    echo "Run the same command again when that is over: it goes on with what is there." >&2
    exit 2
}

if ! .venv/bin/python -c 'import cv2' 2>/dev/null; then
    packages=$(.venv/bin/python -c 'from maskdet.system.native_libraries import missing_packages as m; print(*m())')
    echo "    OpenCV's window needs system libraries that are missing here: installing OpenCV without windows."
    echo "    For windows: apt-get install -y $packages, then run this again."
    pip uninstall --yes opencv-python
    pip install --no-compile 'opencv-python-headless>=5.0'
fi

echo "3/3 Trying it on the demo"
.venv/bin/python monitor.py --source demo --headless --device cpu --max-frames 12
echo "Done. See it run: .venv/bin/python monitor.py --source demo"
