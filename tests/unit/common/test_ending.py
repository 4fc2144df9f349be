"""A process that is asked to end, by signals at any moment."""

import subprocess
import sys
import threading

from trove.common import ending

STORM = """
import signal, sys
from trove.common import ending

told = ending.Ending()
signal.signal(signal.SIGALRM, told.set)
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
for _ in range(5000):
    told.set()
    told.wait(0)
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_it_is_told_to_all_and_for_good():
    told = ending.Ending()
    assert (told.is_set(), told.wait(0)) == (False, False)
    waiting = [threading.Thread(target=told.wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    told.set()
    for thread in waiting:
        thread.join(60)
        assert not thread.is_alive()
    assert (told.is_set(), told.wait(), told.wait(0)) == (True, True, True)


def test_a_handler_that_interrupts_another_one_waits_for_nobody():
    subprocess.run([sys.executable, '-c', STORM], check=True, timeout=60)
