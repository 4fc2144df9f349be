"""The guest half of a vendor's package: alone with what a guest needs, and loading nothing of the server half."""

import json

import pytest

from tests.contract import test_guest_isolation as isolation
from tests.fixtures import vendor_environment

# As for a root stack: the guest's requirements, Trove and the vendor's package, the latter two without what they
# require. The copies are the whole search path but for the standard library.
COPY = """
import pathlib, sys
from trove.standalone import guest_environment
folder = pathlib.Path(sys.argv[1])
runs = lambda command: command[0].startswith(('/usr/bin/', str(folder)))
print(guest_environment.prepare(folder, 'trove', guest_environment.read_requirements(), runs)[0])
"""
MANAGER = 'plugs.load(dbaas.GROUP, sys.argv[1])'
STORE = "plugs.load('trove.storage', 'acme')"
ISOLATED = 'import sys; sys.path.insert(0, sys.argv[2])\n' + isolation.LOADED.replace(MANAGER, f'{MANAGER}\n{STORE}')


@pytest.fixture(scope='module')
def environment():
    made = vendor_environment.VendorEnvironment()
    try:
        made.install(made.build())
        yield made
    finally:
        made.remove()


@pytest.fixture(scope='module')
def loaded(environment):
    """Names of the modules that an agent loads for the vendor's datastore and store, from copies of what it needs."""
    assert STORE in ISOLATED
    folder = environment.folder / 'guest'
    assert environment.ask(COPY, str(folder)).strip() == str(folder / 'trove-guestagent')
    return json.loads(environment.ask_alone(ISOLATED, 'memcached', str(folder)))


def test_an_agent_loads_nothing_of_the_server_half(loaded):
    assert isolation.FORBIDDEN & {module.partition('.')[0] for module in loaded} == set()
    assert [module for module in loaded if module.startswith(isolation.FORBIDDEN_OF_OURS)] == []


def test_an_agent_loads_one_datastore_and_no_server_half_of_the_vendor(loaded):
    ours = 'trove.guestagent.datastore.'
    others = {module.removeprefix(ours).partition('.')[0] for module in loaded if module.startswith(ours)}
    assert others.isdisjoint({'mysql', 'postgresql', 'redis'})
    theirs = {module for module in loaded if module.startswith('acme_trove.')}
    assert {'acme_trove.memcached.manager', 'acme_trove.store'} <= theirs
    assert all(f'{module}.'.startswith(('acme_trove.memcached.', 'acme_trove.store.')) for module in theirs)
