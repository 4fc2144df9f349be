import pytest

from trove.datastore import views


@pytest.mark.parametrize(('text', 'items'), [(None, []), ('', []), ('a', ['a']), ('a,b,', ['a', 'b'])])
def test_comma_lists(text, items):
    assert views.split(text) == items
