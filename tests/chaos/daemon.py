"""Runs a daemon of Trove whose clock can be turned from outside.

``python -m tests.chaos.daemon NAME ARGUMENTS`` is ``python -m trove.cmd.NAME ARGUMENTS``. Every daemon
reads the time from ``trove.common.clock``; here it goes wrong by the seconds that a file of its own tells.
"""

import datetime
import importlib
import os
import pathlib
import sys
import time

VARIABLE = 'TROVE_TEST_CLOCK'


def turn_clock() -> None:
    """Let the clock of this process be wrong by what the file says, whenever it is read."""
    from trove.common import clock

    path = pathlib.Path(os.environ[VARIABLE])

    def offset() -> float:
        return float(path.read_text(encoding='ascii')) if path.exists() else 0.0

    class TurnedClock(clock.Clock):
        def time(self) -> float:
            return time.time() + offset()

    def utcnow() -> datetime.datetime:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=offset())
        return now.replace(tzinfo=None, microsecond=0)

    clock.Clock = TurnedClock  # type: ignore[misc]
    clock.utcnow = utcnow


def main() -> None:
    """Become the daemon."""
    name = sys.argv.pop(1)
    # The daemon patches its process first, before anything of it is imported.
    importlib.import_module('trove.cmd.patch')
    turn_clock()
    importlib.import_module(f'trove.cmd.{name}').main()


if __name__ == '__main__':
    main()
