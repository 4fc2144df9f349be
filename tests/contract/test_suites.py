"""The suites of ``trove.testing`` as a vendor runs them: outside of the tree, on a package of one's own.

The package and its tests are the example that the pages for contributors include. One that keeps its promises passes;
one that breaks several fails in the tests of these and in no others.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.fixtures import vendor

FAILED = re.compile(r'^(?:FAILED|ERROR) \S+::(\w+)', re.MULTILINE)


@pytest.fixture
def package(tmp_path):
    """The package of the example, installed in a folder that is not on the path of this process."""
    return vendor.install_example(vendor.Site(tmp_path))


@pytest.fixture
def run(tmp_path):
    """``run(test)`` runs a test of the example with pytest; returns the tests that failed, and the output."""

    def run(test):
        file, *names = test.split('::')
        path = '::'.join([str(shutil.copy(vendor.EXAMPLE / 'tests' / file, tmp_path)), *names])
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
    failed, told = run('test_notes.py::TestExtension')
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 15


def test_an_extension_that_breaks_promises_fails(package, run):
    notes = package / 'notes'
    spoil(
        notes / 'service.py',
        # Readers may write notes, and what has no schema is an accident.
        ("        policy.authorize(req.context, 'acme:note:create')\n", ''),
        ("schemas = {'create': schema.CREATE, 'update': schema.UPDATE}", 'schemas = {}'),
        # What no rule is declared for is refused to everybody.
        ("policy.authorize(req.context, 'acme:note:index')", "policy.authorize(req.context, 'acme:note:read')"),
    )
    spoil(notes / 'policies.py', ("'See notes.'", "' '"))
    # Notes are written about the instances of others as well.
    spoil(notes / 'models.py', ('        instance_models.find(session, context, instance_id)\n', ''))
    spoil(notes / 'extension.py', ('2026-11-29T00:00:00Z', 'last week'))
    failed, told = run('test_notes.py::TestExtension')
    assert failed == {
        'test_its_fields_are_well_formed',
        'test_its_rules_are_new_and_described',
        'test_instances_of_others_are_not_reached',
        'test_a_reader_cannot_write',
        'test_only_declared_rules_are_asked',
        'test_an_administrator_is_refused_nothing',
        'test_strange_bodies_are_refused',
    }, told
    assert "'POST /acme-notes': '201 Created'" in told, 'an assertion that fails shows its values'


def test_a_plugin_that_keeps_its_promises_passes(package, run):
    failed, told = run('test_notes.py::TestTables')
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= 14


def test_a_plugin_that_breaks_promises_fails(package, run):
    spoil(package / 'notes' / 'tables.py', ('mappers.map_record(', 'mappers.registry.map_imperatively('))
    spoil(package / 'migrate_repo' / 'migrate.cnf', ('acme_version', 'migrate_version'))
    # The second time it meets its own table.
    step = 'metadata.create_all(migrate_engine, checkfirst=True)'
    ours = "migrate_engine.execute('CREATE TABLE IF NOT EXISTS operations (id INTEGER PRIMARY KEY)')"
    spoil(package / 'migrate_repo' / 'versions' / '001_notes.py', (step, f'{step}\n    {ours}'))
    failed, told = run('test_notes.py::TestTables')
    assert {
        'test_its_names_are_its_own',
        'test_alone_it_makes_nothing_of_ours',
        'test_mapping_again_does_no_harm',
    } <= failed, told
    assert 'test_each_version_leads_to_the_next' not in failed, told


@pytest.mark.slow
@pytest.mark.parametrize(
    ('test', 'least'),
    [('test_memcached.py', 20), ('test_provider.py', 30), ('test_store.py', 15)],
)
def test_all_else_of_the_example_keeps_its_promises(package, run, test, least):
    if test == 'test_memcached.py' and shutil.which('memcached') is None:
        pytest.skip('memcached is not installed')
    failed, told = run(test)
    assert failed == set(), told
    assert int(re.search(r'(\d+) passed', told).group(1)) >= least, told


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('memcached') is None, reason='memcached is not installed')
def test_a_datastore_that_breaks_promises_fails(package, run):
    memcached = package / 'memcached'
    # It forgets what the tenant has set.
    spoil(memcached / 'app.py', ("''.join(f'{name} {value}\\n' for name, value in sorted(overrides.items()))", "''"))
    spoil(memcached / 'description.py', ('    has_root = False\n', ''))
    spoil(memcached / 'config.template', ('[(flavor.ram * 0.6) | int, 16] | max', '153'))
    failed, told = run('test_memcached.py')
    assert failed >= {
        'test_overrides_are_applied',
        'test_it_has_what_it_declares',
        'test_start_with_another_template_gives_the_engine_its_memory',
    }, told
