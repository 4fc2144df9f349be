"""Nonsense that arrives instead of a sealed message is refused, whatever it is."""

import hypothesis
import pytest
from hypothesis import strategies as st

from trove.common import sealing


# How long an example takes says nothing here: the machine is busy with other tests.
@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
@hypothesis.given(st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.lists(st.text())))
def test_anything_else_is_refused(text):
    with pytest.raises(sealing.Refused, match=r'refused: malformed$'):
        sealing.Sealed.read(text)
