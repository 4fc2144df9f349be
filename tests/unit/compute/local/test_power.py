"""How much time an end is given."""

import pytest

from trove.compute.local import power


@pytest.mark.parametrize(
    ('elapsed', 'patience', 'verdicts'),
    [
        (0, 60, (False, False, False)),
        (10, 60, (True, False, False)),
        (30, 60, (True, True, False)),
        (60, 60, (True, True, True)),
        (0, 0, (True, True, True)),
        (2, 4, (False, True, False)),
    ],
)
def test_patience_ends_in_stages(elapsed, patience, verdicts):
    ending = power.Ending(elapsed, patience)
    assert (ending.is_agent_overdue, ending.is_urgent, ending.is_overdue) == verdicts
