"""The suites of ``trove.testing`` as a vendor runs them: outside of the tree, on a package of one's own.

The packages and their tests are those of the pages for contributors. One that keeps its promises passes; one that
breaks several fails in the tests of these and in no others.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.fixtures import vendor

OF_EXTENSION = vendor.blocks_of('adding-a-resource.rst', 'python')['"""Tests of parts over HTTP."""']
OF_PLUGIN = vendor.blocks_of('adding-a-table.rst', 'python')['"""Tests of the tables of parts."""']
OF_VALKEY = vendor.blocks_of('adding-a-datastore.rst', 'python')['"""Tests of Valkey."""']
OF_DATASTORE = r"""
import socket

from trove.testing import datastores, guests


class Memcached(guests.World):
    name = program = 'memcached'
    mark = guests.Mark('set mark 0 0 2\r\n42', 'get mark', ['VALUE mark 0 2', '42', 'END'])
    override = guests.Override('conn-limit', '333', 'stats settings')
    memory_bytes = 64 * 1024 * 1024
    keeps_data = False

    def connect(self, guest, user, password, database, is_local):
        client = socket.create_connection((guest.address, 11211), timeout=5)

        def run(statement):
            client.sendall(f'{statement}\r\n'.encode())
            return client.recv(65536).decode().splitlines()

        return guests.Login(run, client.close)

    def memory(self, query):
        return int(dict(line.split()[1:3] for line in query('stats settings')[:-1])['maxbytes'])


class TestMemcached(datastores.DatastoreContract):
    world = Memcached()
"""
FAILED = re.compile(r'^(?:FAILED|ERROR) \S+::(\w+)', re.MULTILINE)


@pytest.fixture
def package(tmp_path):
    """The package of the pages, installed in a folder that is not on the path of this process."""
    return vendor.install_pages(vendor.Site(tmp_path))


@pytest.fixture
def run(tmp_path):
    """``run(source)`` runs a test module with pytest; returns the names of the tests that failed, and the output."""

    def run(source):
        path = tmp_path / 'test_acme.py'
        path.write_text(source)
        command = [sys.executable, '-m', 'pytest', '-q', '-rfE', '-p', 'no:cacheprovider', '--rootdir', tmp_path, path]
        environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
        environment.pop('PYTEST_ADDOPTS', None)
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=900
        )
        failed = set(FAILED.findall(done.stdout))
        assert done.returncode == int(bool(failed)), done.stdout + done.stderr
        return failed, done.stdout

    return run


def spoil(path, *changes):
    """Replace texts of a file, each of which must be there."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def test_an_extension_that_keeps_its_promises_passes(package, run):
    failed, told = run(OF_EXTENSION)
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 15


def test_an_extension_that_breaks_promises_fails(package, run):
    spoil(
        package / 'api.py',
        # Readers may make parts, and what has no schema is an accident.
        ("        policy.authorize(req.context, 'acme:part:create')\n", ''),
        ("schemas = {'create': PART}", 'schemas = {}'),
        # What no rule is declared for is refused to everybody.
        ("policy.authorize(req.context, 'acme:part:index')", "policy.authorize(req.context, 'acme:part:read')"),
        ("'See parts.'", "' '"),
        # The instances of others are polished as well.
        ('            models.find(session, req.context, id)\n', '            pass\n'),
        ('2026-11-21T00:00:00Z', 'last week'),
    )
    failed, told = run(OF_EXTENSION)
    assert failed == {
        'test_its_fields_are_well_formed',
        'test_its_rules_are_new_and_described',
        'test_instances_of_others_are_not_reached',
        'test_a_reader_cannot_write',
        'test_only_declared_rules_are_asked',
        'test_an_administrator_is_refused_nothing',
        'test_strange_bodies_are_refused',
    }, told
    assert "'POST /acme-parts': '202 Accepted'" in told, 'an assertion that fails shows its values'


def test_a_plugin_that_keeps_its_promises_passes(package, run):
    failed, told = run(OF_PLUGIN)
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 14


def test_a_plugin_that_breaks_promises_fails(package, run):
    spoil(package / 'tables.py', ('mappers.map_record(', 'mappers.registry.map_imperatively('))
    spoil(package / 'migrate_repo' / 'migrate.cnf', ('acme_version', 'migrate_version'))
    # The second time it meets its own table.
    step = 'metadata.create_all(migrate_engine, checkfirst=True)'
    ours = "migrate_engine.execute('CREATE TABLE IF NOT EXISTS operations (id INTEGER PRIMARY KEY)')"
    spoil(package / 'migrate_repo' / 'versions' / '001_parts.py', (step, f'{step}\n    {ours}'))
    failed, told = run(OF_PLUGIN)
    assert {
        'test_its_names_are_its_own',
        'test_alone_it_makes_nothing_of_ours',
        'test_mapping_again_does_no_harm',
    } <= failed, told
    assert 'test_each_version_leads_to_the_next' not in failed, told


@pytest.fixture
def cache(tmp_path):
    """A datastore that is a cache, installed as a package is."""
    if shutil.which('memcached') is None:
        pytest.skip('memcached is not installed')
    vendor.install_memcached(vendor.Site(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_datastore_without_users_databases_and_root_passes(cache, run):
    failed, told = run(OF_DATASTORE)
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 20


@pytest.mark.slow
def test_a_datastore_that_breaks_promises_fails(cache, run):
    spoil(
        cache / 'acme_manager.py',
        # It forgets what the tenant has set.
        ("''.join(f'--{name}={value}\\n' for name, value in sorted(overrides.items()))", "''"),
    )
    spoil(cache / 'acme_description.py', ('has_users = has_root = False', 'has_users = False'))
    spoil(cache / 'config.template', ('(flavor.ram / 4) | int', '64'))
    failed, told = run(OF_DATASTORE)
    assert failed >= {
        'test_overrides_are_applied',
        'test_it_has_what_it_declares',
        'test_start_with_another_template_gives_the_engine_its_memory',
    }, told


@pytest.mark.slow
def test_the_datastore_of_the_page_passes(tmp_path, run):
    if shutil.which('redis-server') is None:
        pytest.skip('redis-server is not installed')
    vendor.install_valkey(vendor.Site(tmp_path))
    program = "program = 'valkey-server'"
    assert program in OF_VALKEY
    # Redis does as well: it speaks the same language and is what other tests need.
    failed, told = run(
        OF_VALKEY.replace(program, "program = 'redis-server'\n    settings = {'server_program': 'redis-server'}")
    )
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 25
