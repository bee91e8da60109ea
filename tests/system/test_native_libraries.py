"""Native code is silent, messages are not."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os, threading
from maskdet.system.console import say
from maskdet.system.native_libraries import silent_stderr

first_in, second_in, first_out, main_done = (threading.Event() for _ in range(4))

def first():
    with silent_stderr():
        first_in.set()
        second_in.wait()
    first_out.set()

def second():
    first_in.wait()
    with silent_stderr():
        second_in.set()
        first_out.wait()
        main_done.wait()  # silent until then
        os.write(2, b"native two\\n")
        say("message within")

threads = [threading.Thread(target=first), threading.Thread(target=second)]
for one in threads:
    one.start()
first_in.wait()
os.write(2, b"native one\\n")
say("message meanwhile")
main_done.set()
for one in threads:
    one.join()
say("message after")
os.write(2, b"native after\\n")
with silent_stderr():
    os.write(2, b"native three\\n")
    say("message again")
"""


def test_messages_get_through_while_native_code_is_silent():
    """Two threads that overlap, as the first to begin ends first; then once more."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)
    first, second, *later = done.stderr.splitlines()
    assert {first, second} == {"message meanwhile", "message within"}  # of two threads
    assert later == ["message after", "native after", "message again"]


def test_python_does_not_warn_of_the_file_that_stays_open():
    code = (
        "from maskdet.system import native_libraries\n"
        "with native_libraries.silent_stderr(): pass\n"
        "native_libraries._silence._messages = None"
    )
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_without_stderr_goes_on():
    code = (
        "import os; os.close(2)\n"
        "from maskdet.system.native_libraries import silent_stderr\n"
        "with silent_stderr(): pass\n"
        "print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX's")
def test_the_message_of_native_code_is_that_of_its_own_work():
    """In several threads, without a file being written, and what Python prints meanwhile."""
    code = (
        "import os, resource, sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from maskdet.system.native_libraries import with_messages\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "def work(number):\n"
        "    os.write(2, b'other\\n' + b'bad: %d\\n' % number * (number % 3 == 0))\n"
        "    if number == 5: print('by python', file=sys.stderr)\n"
        "    return number\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    of = lambda n: with_messages(lambda: work(n), ('bad',))\n"
        "    found = list(pool.map(of, range(30)))\n"
        "assert found == [(n, f'bad: {n}' if n % 3 == 0 else '') for n in range(30)], found\n"
        "os.write(2, b'after\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, set(done.stderr.splitlines())) == (0, {"by python", "after"})


def test_without_stderr_native_work_is_done_nevertheless():
    code = (
        "import os; os.close(2)\n"
        "from maskdet.system.native_libraries import with_messages\n"
        "print(with_messages(lambda: 7, ('bad',)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "(7, '')\n"
