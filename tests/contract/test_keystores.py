"""The key stores against their contract, and what Barbican's does besides."""

import pytest
from oslo_config import cfg

from tests.fixtures import barbican_double, cloud_service, http_double
from trove.common import exception, plugs
from trove.keystore import barbican, base, none
from trove.testing import keystores as contract

SECRET, ANOTHER = contract.SECRET, contract.ANOTHER


class NoneWorld(contract.World):
    """Nothing at all."""

    keeps_secrets = False

    def store(self):
        return none.NoKeyStore(cfg.ConfigOpts())

    def count(self, instance_id):
        return 0


class BarbicanWorld(contract.World):
    """The store over a double of Barbican."""

    def __init__(self, folder, double):
        self.folder = folder
        self.double = double

    def store(self):
        return barbican.Barbican(cloud_service.configuration(self.folder, self.double.url))

    def count(self, instance_id):
        return sum(one['name'].startswith(f'trove-{instance_id}-') for one in self.double.secrets.values())


@pytest.fixture
def barbican_world(tmp_path):
    double = barbican_double.BarbicanDouble()
    double.start()
    yield BarbicanWorld(tmp_path, double)
    double.stop()


class TestNone(contract.KeyStoreContract):
    """Without a store."""

    @pytest.fixture
    def world(self):
        return NoneWorld()


class TestBarbican(contract.KeyStoreContract):
    """With Barbican."""

    @pytest.fixture
    def world(self, barbican_world):
        return barbican_world


def test_stores_are_plugs():
    assert plugs.load(base.GROUP, 'none', base.KeyStore) is none.NoKeyStore
    assert plugs.load(base.GROUP, 'barbican', base.KeyStore) is barbican.Barbican


# -- Barbican ----------------------------------------------------------------------------


def test_a_keep_that_was_cut_off_is_repeated_cleanly(barbican_world):
    store, double = barbican_world.store(), barbican_world.double
    store.keep('i-1', 'root', SECRET)
    double.plan(http_double.PASSED, http_double.LOST)
    with pytest.raises(base.KeyStoreBusy):
        store.keep('i-1', 'root', ANOTHER)
    assert barbican_world.store().fetch('i-1', 'root') == ANOTHER
    assert sorted(double.payloads('trove-i-1-root')) == sorted([SECRET, ANOTHER])
    store.keep('i-1', 'root', ANOTHER)
    assert double.payloads('trove-i-1-root') == [ANOTHER]


def test_the_former_secret_stays_when_the_new_one_is_refused(barbican_world):
    store, double = barbican_world.store(), barbican_world.double
    store.keep('i-1', 'root', SECRET)
    double.plan(http_double.PASSED, 403)
    with pytest.raises(base.KeyStoreError) as caught:
        store.keep('i-1', 'root', ANOTHER)
    assert 'canary' not in str(caught.value)
    assert double.payloads('trove-i-1-root') == [SECRET]


def test_secrets_of_others_are_left_alone(barbican_world):
    store, double = barbican_world.store(), barbican_world.double
    store.keep('i-1', 'root', SECRET)
    double.serve('POST', '/v1/secrets', {}, {}, {
        'name': 'somebody-else', 'mode': 'i-1', 'payload': 'x', 'payload_content_type': 'text/plain',
    })  # fmt: skip
    assert not store.forget('i-1')
    assert store.forget('i-1')
    assert [one['name'] for one in double.secrets.values()] == ['somebody-else']


@pytest.mark.parametrize(
    ('status', 'error'), [(500, base.KeyStoreBusy), (429, base.KeyStoreBusy), (403, base.KeyStoreError)]
)
def test_refusals_are_for_now_or_for_good(barbican_world, status, error):
    store = barbican_world.store()
    barbican_world.double.plan(*[status] * 8)
    with pytest.raises(error) as caught:
        store.fetch('i-1', 'root')
    assert type(caught.value) is error
    assert isinstance(caught.value, exception.ComputeError)


def test_a_service_that_is_away_is_for_now(barbican_world):
    store = barbican_world.store()
    barbican_world.double.stop()
    with pytest.raises(base.KeyStoreBusy):
        store.keep('i-1', 'root', SECRET)
    barbican_world.double.start()
