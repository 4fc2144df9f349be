"""Databases that an agent asked for which was killed meanwhile."""

import contextlib

import pytest

from trove.common import exception
from trove.guestagent.datastore.postgresql import client, databases


class Engine:
    """A double of the client: the database comes to be behind our back, and the engine says so by an error."""

    def __init__(self, state):
        self._state = state
        self.statements = []

    @contextlib.contextmanager
    def session(self):
        yield self

    def query(self, statement, **_parameters):
        self.statements.append(statement)
        if statement.startswith('CREATE DATABASE'):
            raise client.EngineRefused(self._state)
        return []


@pytest.mark.parametrize('state', client.STATES_DATABASE_EXISTS)
def test_what_the_engine_finishes_meanwhile_is_taken_as_it_is(state):
    engine = Engine(state)
    databases.Databases(engine).ensure([{'name': 'shop'}])
    assert engine.statements[-1] == 'REVOKE ALL ON DATABASE "shop" FROM PUBLIC'


@pytest.mark.parametrize('state', client.STATES_DATABASE_EXISTS)
def test_who_creates_it_is_told(state):
    with pytest.raises(exception.DatabaseExists):
        databases.Databases(Engine(state)).create([{'name': 'shop'}])


def test_another_refusal_is_an_error():
    with pytest.raises(exception.GuestError):
        databases.Databases(Engine('53100')).ensure([{'name': 'shop'}])
