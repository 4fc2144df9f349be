"""What the agent says of its database."""

import pytest

from trove.common import states
from trove.guestagent.datastore import status


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'phase')


def make(path):
    return status.Status(path, lambda: states.HEALTHY)


def test_phases_of_a_good_prepare(path):
    said = make(path)
    assert said.current() == states.NEW
    with said.preparing():
        assert said.current() == states.BUILDING
        assert not said.is_prepared
    assert said.current() == states.HEALTHY
    assert make(path).is_prepared


def test_failed_prepare_may_be_repeated(path):
    said = make(path)
    with pytest.raises(ValueError), said.preparing():
        raise ValueError
    assert make(path).current() == states.FAILED
    with said.preparing():
        assert said.current() == states.BUILDING
    assert said.current() == states.HEALTHY


def test_prepare_of_a_prepared_database_does_not_undo_it(path):
    said = make(path)
    with said.preparing():
        pass
    with pytest.raises(ValueError), said.preparing():
        assert said.current() == states.HEALTHY
        raise ValueError
    assert said.current() == states.HEALTHY


def test_transient_status_ends_with_its_work(path):
    said = make(path)
    with said.preparing():
        pass
    with pytest.raises(ValueError), said.saying(states.RESTARTING):
        assert said.current() == states.RESTARTING
        raise ValueError
    assert said.current() == states.HEALTHY
