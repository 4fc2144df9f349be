"""The long run: ``make chaos``. The last line printed is the figure.

CHAOS_SEED, CHAOS_OPERATIONS and CHAOS_CLOUD choose it.
"""

import os
import signal
import sys

from tests.chaos import ground, stage

if __name__ == '__main__':
    # What runs is stopped also when the run itself is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = os.environ.get('CHAOS_SEED') or str(int.from_bytes(os.urandom(4)))
    operations = int(os.environ.get('CHAOS_OPERATIONS') or 500)
    sys.exit(stage.perform(seed, operations, kind=os.environ.get('CHAOS_CLOUD') or ground.Simulated.name))
