"""The stores against their contract, and what the one in a folder does besides."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from oslo_config import cfg

from tests.fixtures import vendor
from trove.common import exception, plugs
from trove.storage import base, local, options, stores
from trove.testing import storage as contract

KEY, CONTENT = contract.KEY, contract.CONTENT
WRITER = """
import itertools, sys
from oslo_config import cfg
from trove.storage import base, stores

conf = cfg.ConfigOpts()
conf(sys.argv[1:])

def chunks():
    yield b'half' * 1000
    print('half', flush=True)
    yield sys.stdin.buffer.read()

stores.make_store(conf).save(base.Key('backups', 'b-1.xbstream.zst'), chunks())
"""
TOO_LARGE = """
import resource, sys
from oslo_config import cfg
from trove.storage import base, stores

conf = cfg.ConfigOpts()
conf(sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    stores.make_store(conf).save(base.Key('backups', 'b-1.xbstream.zst'), [b'x' * 4000] * 2)
except base.StoreError as error:
    print(error)
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'store'


@pytest.fixture
def path(tmp_path, folder):
    """A configuration file."""
    path = tmp_path / 'trove.conf'
    path.write_text(f'[DEFAULT]\nstorage_strategy = local\n[local_store]\nfolder = {folder}\n')
    return path


@pytest.fixture
def conf(path):
    made = cfg.ConfigOpts()
    made([f'--config-file={path}'])
    return made


@pytest.fixture
def store(conf):
    return stores.make_store(conf)


def everything(folder):
    return sorted(str(one.relative_to(folder)) for one in folder.rglob('*'))


class TestLocal(contract.StoreContract):
    """In a folder."""

    @pytest.fixture
    def store(self, store):
        return store


# -- the socket --------------------------------------------------------------------------


def configured(**values):
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTS)
    conf([], default_config_files=[])
    for name, value in values.items():
        conf.set_override(name, value)
    return conf


def test_stores_are_plugs():
    assert plugs.load(base.GROUP, 'local', base.Store) is local.LocalStore


def test_without_a_name_there_is_no_store():
    stores.check(configured())
    with pytest.raises(exception.NotImplementedHere, match='storage_strategy'):
        stores.make_store(configured())


def test_a_store_that_is_not_installed_is_told():
    with pytest.raises(exception.PlugError, match=r"Plug 'swift' of 'trove.storage'.*installed: local"):
        stores.check(configured(storage_strategy='swift'))


def test_a_store_that_is_not_complete_is_told(tmp_path):
    source = 'from trove.storage import base\nclass Half(base.Store):\n    def find(self, key): pass\n'
    with vendor.site(tmp_path) as site:
        site.install(modules={'acme_store': source}, trove__storage={'acme': 'acme_store:Half'})
        with pytest.raises(exception.PlugError) as caught:
            stores.check(configured(storage_strategy='acme'))
    assert 'acme_store:Half of acme-trove 1.2 lacks __init__, delete, load, location, names, save' in str(caught.value)


# -- the folder --------------------------------------------------------------------------


def test_an_object_is_private_and_lies_under_its_name(store, folder):
    store.save(KEY, CONTENT)
    place = f'backups/{KEY.name}'
    assert everything(folder) == ['.drafts', 'backups', place, f'{place}/about.json', f'{place}/data']
    assert {one.stat().st_mode & 0o077 for one in folder.rglob('*')} == {0}


def test_a_killed_upload_is_not_restorable_and_is_swept_up(store, folder, path):
    command = [sys.executable, '-W', 'ignore', '-c', WRITER, f'--config-file={path}']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b'half\n'
        # While it is at work nobody takes its draft away.
        store.save(base.Key('backups', 'b-2'), [b'other'])
        assert len(os.listdir(folder / '.drafts')) == 1
        assert contract.is_absent(store)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdin.close()
    assert contract.is_absent(store)
    assert list(store.names('backups')) == ['b-2']
    store.save(KEY, CONTENT)
    assert os.listdir(folder / '.drafts') == []
    assert contract.loaded(store, KEY) == b''.join(CONTENT)


@pytest.mark.parametrize('wanted', [False, True], ids=['by the digest beside it', 'by the digest of the caller'])
@pytest.mark.parametrize('damage', ['changed', 'cut', 'longer', 'swapped'])
def test_a_damaged_object_is_never_given_whole(store, folder, damage, wanted):
    stored = store.save(KEY, [b'x' * 200_000])
    data = folder / 'backups' / KEY.name / 'data'
    content = data.read_bytes()
    damaged = {
        'changed': content[:-1] + b'y',
        'cut': content[:65536],
        'longer': content + b'x',
        'swapped': b'',
    }[damage]
    data.write_bytes(damaged)
    given = []
    with (
        pytest.raises(base.ObjectCorrupt, match=KEY.name),
        store.load(KEY, stored.digest if wanted else None) as chunks,
    ):
        for chunk in chunks:
            given.append(chunk)
    assert len(b''.join(given)) < len(damaged) or not damaged


def test_data_and_digest_that_were_exchanged_together_do_not_pass_the_callers_digest(store):
    stored = store.save(KEY, [b'mine'])
    contract.delete(store)
    store.save(KEY, [b'forged'])
    with pytest.raises(base.ObjectCorrupt), store.load(KEY, stored.digest) as chunks:
        next(chunks)


def test_an_unreadable_description_is_told(store, folder):
    store.save(KEY, CONTENT)
    (folder / 'backups' / KEY.name / 'about.json').write_text('{}')
    with pytest.raises(base.ObjectCorrupt):
        store.find(KEY)
    contract.delete(store)
    assert contract.is_absent(store)


def test_what_others_put_into_the_folder_is_no_object(store, folder):
    store.save(KEY, CONTENT)
    (folder / 'backups' / '.hidden').mkdir()
    (folder / '.drafts' / 'stranger').mkdir()
    assert list(store.names('backups')) == [KEY.name]
    store.delete(KEY)
    assert everything(folder) == ['.drafts', 'backups', 'backups/.hidden']


@pytest.mark.parametrize('call', ['find', 'delete', 'load', 'save'])
@pytest.mark.parametrize('link', ['backups', f'backups/{KEY.name}'])
def test_links_that_lead_out_of_the_folder_are_not_followed(store, folder, tmp_path, link, call):
    outside = tmp_path / 'outside' / KEY.name
    outside.mkdir(parents=True)
    (outside / 'data').write_bytes(b'secret')
    place = folder / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside.parent if link == 'backups' else outside)
    with pytest.raises(base.StoreError, match='leads elsewhere'):
        match call:
            case 'load':
                with store.load(KEY):
                    pass
            case 'save':
                store.save(KEY, CONTENT)
            case _:
                getattr(store, call)(KEY)
    assert everything(outside) == ['data']


def test_a_folder_that_cannot_be_used_is_told_without_its_path(tmp_path, folder, store):
    folder.write_text('no folder')
    with pytest.raises(base.StoreError) as caught:
        store.save(KEY, CONTENT)
    assert str(caught.value) == f'The store failed: looking for {KEY}: Not a directory'
    assert str(tmp_path) not in str(caught.value)


def test_a_full_disk_leaves_nothing(store, folder, path):
    command = [sys.executable, '-W', 'ignore', '-c', TOO_LARGE, f'--config-file={path}']
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f'The store failed: saving {KEY}: File too large\n'
    assert everything(folder) == ['.drafts']


def test_the_folder_may_be_reached_by_a_link(tmp_path, folder, store):
    (tmp_path / 'disk').mkdir()
    folder.symlink_to(pathlib.Path('disk'))
    store.save(KEY, CONTENT)
    assert contract.loaded(store, KEY) == b''.join(CONTENT)
