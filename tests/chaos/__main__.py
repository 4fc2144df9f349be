"""The long run: ``make chaos``. CHAOS_SEED and CHAOS_OPERATIONS choose it; the last line printed is the figure."""

import os
import signal
import sys

from tests.chaos import stage

if __name__ == '__main__':
    # What runs is stopped also when the run itself is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = os.environ.get('CHAOS_SEED') or str(int.from_bytes(os.urandom(4)))
    sys.exit(stage.perform(seed, int(os.environ.get('CHAOS_OPERATIONS') or 500)))
