"""The example of a vendor's package, used as by a stranger: installed from a wheel beside Trove, and one line each.

The tests of this file come in the order of the package's life; the last ones break it and uninstall it.
"""

import contextlib
import socket

import pytest

from tests.fixtures import observed, vendor, vendor_environment
from tests.fixtures import stack as stacks
from trove.db.sqlalchemy import migration

VERSION = 'acme-1'
LABEL = 'canary-label'
CONFIGURATION = f"""
[acme_local]
label = {LABEL}
"""
BROKEN_AT_ONCE = {
    'acme_trove__memcached__description': ('from oslo_config', 'import nowhere\nfrom oslo_config'),
    'acme_trove__memcached__manager': ('def make_app', 'def other'),
    'acme_trove__notes__extension': ('def get_updated', 'def other'),
    'acme_trove__notes__tables': ('mapper = Mapper()', 'mapper = None'),
    'acme_trove__provider': ('(provider.LocalProvider)', ''),
    'acme_trove__store': ('def location', 'def other'),
}


@pytest.fixture(scope='module')
def environment():
    """Trove with the vendor's package beside it."""
    made = vendor_environment.VendorEnvironment()
    try:
        made.install(made.build())
        yield made
    finally:
        made.remove()


@pytest.fixture(scope='module')
def stack(environment):
    """A stack that runs from that environment."""
    made = stacks.StackUnderTest(python=environment.python)
    made.add_accounts(['reader'], 'reader')
    configuration = made.folder / 'acme.conf'
    configuration.write_text((vendor.EXAMPLE / 'acme.conf').read_text() + CONFIGURATION)
    try:
        made.up('--config-file', str(configuration))
        repository = environment.site / 'acme_trove' / 'migrate_repo'
        for command in (
            ('db_sync', f'--repo_path={repository}'),
            ('datastore_version_update', 'memcached', VERSION, 'memcached', '', '', '1'),
            ('datastore_update', 'memcached', VERSION),
        ):
            done = environment.run('manage', f'--config-file={made.state.main_file}', *command)
            assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.remove()


@pytest.fixture(scope='module')
def cache(stack):
    """The id of a memcached that the real client asked for."""
    words = ('database', 'instance', 'create', 'cache', '--flavor', '1', '--datastore', 'memcached')
    created = stack.openstack_json(*words, '--datastore-version', VERSION)
    stack.tenant().await_healthy(created['id'])
    return created['id']


def address_of(stack, instance_id):
    return stack.tenant().show(instance_id)['ip'][0]


def ask(address, *lines):
    """Send lines to a memcached; return the answer's, up to the one that ends it."""
    answer = []
    with socket.create_connection((address, 11211), 10) as connection, connection.makefile('rwb') as stream:
        stream.write(''.join(f'{line}\r\n' for line in lines).encode())
        stream.flush()
        while not answer or answer[-1] not in ('STORED', 'END', 'ERROR'):
            answer.append(stream.readline().decode().removesuffix('\r\n'))
    return answer


# -- the package ---------------------------------------------------------------------------


def test_both_packages_are_seen_and_complete(environment):
    done = environment.run('manage', 'plugins')
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    seen = {(row[0], row[1]) for row in rows if row[2:4] == ['acme-trove', '1.2']}
    assert {('memcached', 'ok'), ('acme-notes', 'ok'), ('acme', 'ok'), ('acme-local', 'ok')} <= seen
    assert ['redis', 'ok', 'trove'] in [row[:3] for row in rows]
    # The tests' own environment has nothing of it.
    with pytest.raises(ModuleNotFoundError):
        __import__('acme_trove')


def test_the_vendors_repository_may_come_first(environment, tmp_path):
    """In the stack of the other tests it comes last."""
    (tmp_path / 'trove.conf').write_text(f'[database]\nconnection = sqlite:///{tmp_path}/trove.sqlite\n')
    theirs = [f'--repo_path={environment.site}/acme_trove/migrate_repo']
    for options, version in ((theirs, 1), ([], migration.newest_version())):
        done = environment.run('manage', f'--config-file={tmp_path}/trove.conf', 'db_sync', *options)
        assert (done.returncode, done.stdout) == (0, f'The database is at version {version}.\n'), done.stderr


# -- the datastore -------------------------------------------------------------------------


def test_the_engine_is_found_and_offered(stack):
    versions = {row['Version']: row for row in stack.openstack_json('datastore', 'version', 'list', 'memcached')}
    assert VERSION in versions
    # The other one was found by trove-standalone itself.
    assert len(versions) == 2


def test_a_query_is_answered_over_a_socket(stack, cache):
    shown = stack.tenant().show(cache)
    assert (shown['datastore']['type'], shown['datastore']['version']) == ('memcached', VERSION)
    assert 'password' not in shown and 'volume' not in shown
    address = shown['ip'][0]
    assert ask(address, 'set bird 0 0 4', 'wren') == ['STORED']
    assert ask(address, 'get bird') == ['VALUE bird 0 4', 'wren', 'END']
    # It listens where it lives and nowhere else.
    with contextlib.suppress(ConnectionRefusedError), pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', 11211), 1).close()


def test_the_template_follows_the_flavor(stack, cache):
    stats = ask(address_of(stack, cache), 'stats')
    assert f'STAT limit_maxbytes {307 * 1024 * 1024}' in stats


@pytest.mark.parametrize('path', ['databases', 'users', 'root'])
def test_what_it_does_not_have_is_told_without_asking_the_guest(stack, cache, path):
    (agent,) = observed.agents_of(cache)
    with observed.held_still(agent):
        answer = stack.tenant().send('GET', f'/instances/{cache}/{path}')
    assert answer.status_code == 422
    assert "'memcached' does not support" in answer.json()['unprocessableEntity']['message']


def test_a_volume_is_refused(stack):
    answer = stack.tenant().post_instance('unfit', 'memcached')
    assert answer.status_code == 501, answer.text


def test_restart_empties_the_cache(stack, cache):
    before = observed.engines_of(cache)
    assert ask(address_of(stack, cache), 'set bird 0 0 4', 'wren') == ['STORED']
    stack.openstack('database', 'instance', 'restart', 'cache')
    stack.tenant().await_healthy(cache)
    after = observed.engines_of(cache)
    assert (len(before), len(after)) == (1, 1)
    assert before != after
    assert ask(address_of(stack, cache), 'get bird') == ['END']


def test_the_provider_is_the_vendors(stack, cache):
    assert f'{LABEL}: the server of {cache} was made' in (stack.state.log / 'trove-taskmanager.log').read_text()


# -- the resource --------------------------------------------------------------------------


def write_note(tenant, instance_id, text):
    answer = tenant.send('POST', '/acme-notes', json={'note': {'instance_id': instance_id, 'text': text}})
    assert answer.status_code == 201, answer.text
    return answer.json()['note']


@pytest.fixture
def notes(stack, cache):
    """Five notes of the tenant; all of its notes are gone afterwards."""
    tenant = stack.tenant()
    yield [write_note(tenant, cache, f'note {number}') for number in range(5)]
    for row in stack.query('SELECT id FROM acme_notes'):
        tenant.send('DELETE', f'/acme-notes/{row[0]}')


def test_notes_are_rows_of_the_vendors_table(stack, cache, notes):
    rows = stack.query('SELECT id, project_id, instance_id, text FROM acme_notes')
    project_id = stack.tenant().project_id
    assert set(rows) == {(note['id'], project_id, cache, note['text']) for note in notes}
    assert stack.query('SELECT repository_id, version FROM acme_version') == [('acme', 1)]


def test_notes_come_in_pages(stack, notes):
    tenant, found, path = stack.tenant(), [], '/acme-notes'
    while path:
        page = tenant.get(path)
        assert 1 <= len(page['notes']) <= 2
        found += page['notes']
        path = page['links'][0]['href'].partition(tenant.project_id)[2] if 'links' in page else None
    assert found == sorted(notes, key=lambda note: note['id'])


def test_a_note_is_shown_changed_and_deleted(stack, notes):
    tenant, path = stack.tenant(), f'/acme-notes/{notes[0]["id"]}'
    assert tenant.get(path)['note'] == notes[0]
    changed = tenant.send('PUT', path, json={'note': {'text': 'other'}})
    assert (changed.status_code, changed.json()['note']['text']) == (200, 'other')
    assert tenant.send('DELETE', path).status_code == 204
    for method in ('GET', 'DELETE'):
        assert tenant.send(method, path).status_code == 404


@pytest.mark.parametrize('note', [{}, {'text': 'x'}, {'instance_id': 'x', 'text': 'x'}, {'text': 7}])
def test_a_body_that_does_not_fit_is_refused(stack, note):
    assert stack.tenant().send('POST', '/acme-notes', json={'note': note}).status_code == 400


def test_another_tenant_finds_neither_note_nor_instance(stack, cache, notes):
    other, path = stack.tenant('other'), f'/acme-notes/{notes[0]["id"]}'
    assert other.get('/acme-notes') == {'notes': []}
    wanted = {'note': {'instance_id': cache, 'text': 'x'}}
    asked = [('GET', path, None), ('PUT', path, {'note': {'text': 'x'}}), ('DELETE', path, None)]
    touch = ('POST', f'/instances/{cache}/action', {'acme_touch': {'text': 'x'}})
    for method, where, body in [*asked, ('POST', '/acme-notes', wanted), touch]:
        answer = other.send(method, where, json=body)
        assert (answer.status_code, list(answer.json())) == (404, ['itemNotFound']), where
    assert len(stack.query('SELECT id FROM acme_notes')) == len(notes)


def test_a_reader_may_not_write(stack, cache):
    reader = stack.tenant('reader')
    assert reader.get('/acme-notes') == {'notes': []}
    for path, body in (
        ('/acme-notes', {'note': {'instance_id': cache, 'text': 'x'}}),
        (f'/instances/{cache}/action', {'acme_touch': {'text': 'x'}}),
    ):
        assert reader.send('POST', path, json=body).status_code == 403


def test_the_action_and_the_key_of_an_instance(stack, cache, notes):
    tenant, path = stack.tenant(), f'/instances/{cache}'
    assert tenant.show(cache)['acme_notes'] == len(notes)
    assert tenant.send('POST', f'{path}/action', json={'acme_touch': {'text': 'seen'}}).status_code == 202
    assert tenant.show(cache)['acme_notes'] == len(notes) + 1
    assert tenant.send('POST', f'{path}/action', json={'acme_touch': {}}).status_code == 400


# -- its end -------------------------------------------------------------------------------


def test_nothing_is_left_of_the_instance(stack, cache):
    tenant = stack.tenant()
    stack.openstack('database', 'instance', 'delete', 'cache')
    tenant.await_gone(cache)
    assert stack.leftovers_of(cache) == {}
    assert tenant.in_use() == {}
    assert f'{LABEL}: the server of {cache} was deleted' in (stack.state.log / 'trove-taskmanager.log').read_text()


def test_what_is_broken_is_listed_with_package_entry_point_and_cause(environment):
    with environment.changed(**BROKEN_AT_ONCE):
        done = environment.run('manage', 'plugins')
    assert done.returncode == 1
    told = done.stdout
    for line in (
        'memcached.description:Memcached of acme-trove 1.2 cannot be imported (ModuleNotFoundError: No module named',
        'memcached.manager:Manager of acme-trove 1.2 cannot be imported (ModuleNotFoundError',
        'notes.extension:Notes of acme-trove 1.2 lacks get_updated',
        'notes.tables:Plugin of acme-trove 1.2 has no mapper with a method map(engine)',
        'provider:AcmeLocal of acme-trove 1.2 is not a subclass of trove.compute.base.Provider',
        'store:AcmeStore of acme-trove 1.2 lacks location',
    ):
        assert line in told


EXTENSION = "'acme-notes' of 'trove.api.extensions' cannot be used: acme_trove.notes.extension:Notes of acme-trove 1.2"
PROVIDER = "'acme-local' of 'trove.compute.providers' cannot be used: acme_trove.provider:AcmeLocal of acme-trove 1.2"
TABLES = "'acme' of 'trove.db_plugins' cannot be used: acme_trove.notes.tables:Plugin of acme-trove 1.2"
LABEL_OPTION = "GROUP = 'acme_local'\nOPTS = [\n    cfg.StrOpt('label'"
PATH_OPTION = "GROUP = 'local'\nOPTS = [\n    cfg.StrOpt('instances_path'"
BREAKAGES = {
    'alias that another extension has': (
        'api',
        {'acme_trove__notes__extension': ("'Acme Notes'", "'Mgmt'")},
        f'{EXTENSION} claims the alias mgmt, and so does trove.extensions.routes.mgmt:Mgmt of trove',
    ),
    'option that another one has': (
        'taskmanager',
        {'acme_trove__provider': (LABEL_OPTION, PATH_OPTION)},
        f'{PROVIDER} cannot be made (DuplicateOptError',
    ),
    'import': (
        'taskmanager',
        {'acme_trove__notes__models': ('import uuid', 'import nowhere')},
        f"{TABLES} cannot be imported (ModuleNotFoundError: No module named 'nowhere')",
    ),
}


@pytest.mark.parametrize('what', BREAKAGES)
def test_what_is_broken_keeps_a_daemon_from_starting(environment, stack, what):
    daemon, change, told = BREAKAGES[what]
    with environment.changed(**change):
        done = environment.run(daemon, f'--config-file={stack.state.main_file}')
    assert done.returncode == 1
    assert told in done.stderr


def test_a_value_that_cannot_be_used_is_told_with_the_extension(environment, stack, tmp_path):
    (tmp_path / 'more.conf').write_text('[acme]\nnotes_page_size = none\n')
    files = [f'--config-file={path}' for path in (stack.state.main_file, tmp_path / 'more.conf')]
    done = environment.run('api', *files)
    assert done.returncode == 1
    assert f'{EXTENSION} cannot make its resources (ConfigFileValueError' in done.stderr


def test_uninstalled_it_leaves_a_stack_that_starts(environment, stack):
    environment.uninstall('acme-trove')
    assert stack.standalone('down').returncode == 0
    refused = stack.standalone('up')
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        "trove-standalone: Plug 'acme' of 'trove.db_plugins' cannot be used: it is not installed (installed: none)",
    )
    stack.up('--config-file', '/dev/null')
    tenant = stack.tenant()
    assert tenant.send('GET', '/acme-notes').status_code == 404
    assert tenant.list_instances() == []
    # What was registered by hand is for who registered it; what was found is offered no more.
    versions = tenant.get('/datastores/memcached/versions')['versions']
    assert [version['name'] for version in versions] == [VERSION]
    answer = tenant.send(
        'POST',
        '/instances',
        json={'instance': {'name': 'late', 'flavorRef': '1', 'datastore': {'type': 'memcached', 'version': VERSION}}},
    )
    assert answer.status_code == 501
    assert "What runs datastore 'memcached' is not installed on this server any more" in answer.text
