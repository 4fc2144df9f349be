"""The contract of datastores held against each of ours, on real engines."""

from tests.fixtures import engines
from trove.common import plugs
from trove.guestagent import dbaas
from trove.testing import datastores


class TestMySQL(datastores.DatastoreContract):
    world = engines.MySQL()


class TestMariaDB(datastores.DatastoreContract):
    world = engines.MariaDB()


class TestPercona(datastores.DatastoreContract):
    world = engines.Percona()


class TestPostgreSQL(datastores.DatastoreContract):
    world = engines.PostgreSQL()


class TestRedis(datastores.DatastoreContract):
    world = engines.Redis()


def test_all_of_ours_are_held_to_it():
    ours = {plug.name for plug in plugs.installed(dbaas.GROUP) if plug.distribution == 'trove'}
    held = {one.world.name for one in globals().values() if hasattr(one, 'world')}
    assert held == ours
