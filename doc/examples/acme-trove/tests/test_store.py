"""The store against its contract."""

import pytest
from oslo_config import cfg
from trove.testing import storage

from acme_trove import store as acme_store


class TestStore(storage.StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        conf = cfg.ConfigOpts()
        conf.register_opts(acme_store.OPTS, group=acme_store.GROUP)
        conf([], default_config_files=[])
        conf.set_override('folder', str(tmp_path / 'objects'), group=acme_store.GROUP)
        return acme_store.AcmeStore(conf)

    def test_a_draft_has_no_name(self, store, tmp_path):
        def looking():
            yield b'half'
            assert list((tmp_path / 'objects' / 'backups').iterdir()) == []

        store.save(storage.KEY, looking())
