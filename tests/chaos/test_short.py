"""A short run: what is accepted ends, once, whatever is killed, stopped and mixed up meanwhile.

``make chaos`` is the long one, with every fault. CHAOS_SEED chooses another plan.
"""

import os

import pytest

from tests.chaos import faults, stage

pytestmark = pytest.mark.slow
SEED = os.environ.get('CHAOS_SEED', '1')
OPERATIONS = 40


def test_nothing_is_lost_duplicated_or_orphaned(capsys):
    code = stage.perform(SEED, OPERATIONS, faults.SHORT)
    printed = capsys.readouterr().out
    assert code == 0, printed
    figure = printed.splitlines()[-1]
    assert figure.endswith(f'lost=0 duplicated=0 orphaned=0 seed={SEED}')
    assert int(figure.split()[0].removeprefix('operations=')) >= OPERATIONS
