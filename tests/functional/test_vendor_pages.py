"""The pages about what vendors add: they include the example's files, which are used here as they lie in the tree."""

import re
import sys

import pytest
from paste import deploy

from tests.fixtures import api as api_fixture
from tests.fixtures import vendor
from trove.cmd import common
from trove.common import exception
from trove.db import get_db_api
from trove.db.sqlalchemy import migration, session

EXAMPLE = vendor.EXAMPLE
ADDING = sorted(vendor.PAGES.glob('adding-a-*.rst'))
INCLUDED = re.compile(r'\.\. literalinclude:: (\S+)\n((?: +:\S+:.*\n)*)')
REPOSITORY = EXAMPLE / 'acme_trove' / 'migrate_repo'
BASE = f'/v1.0/{api_fixture.PROJECT}'
INSTANCE, FOREIGN = api_fixture.IDS['instance'], api_fixture.IDS['foreign']


@pytest.fixture(scope='module')
def package(tmp_path_factory):
    """The package of the example on the search path; its classes are mapped once."""
    with vendor.site(tmp_path_factory.mktemp('site')) as site:
        yield vendor.install_example(site)


def test_what_pages_include_is_there():
    included = set()
    for page in ADDING:
        for path, options in INCLUDED.findall(page.read_text()):
            file = (page.parent / path).resolve()
            included.add(file)
            text = file.read_text()
            for mark in re.findall(r':(?:start-at|end-at|end-before): (.*)', options):
                assert mark in text, (page.name, path, mark)
    assert {file for file in included if not file.is_relative_to(EXAMPLE)} == set()
    for name in ('memcached/manager.py', 'notes/extension.py', 'notes/tables.py', 'provider.py', 'store.py'):
        assert EXAMPLE / 'acme_trove' / name in included


@pytest.fixture
def extended(package, running_api, api):
    """The API with the vendor's resource and table."""
    migration.db_sync(str(session.get_engine().url.render_as_string(hide_password=False)), repo_path=str(REPOSITORY))
    running_api.conf.register_opts(common.OPTS)
    running_api.conf.set_override('db_plugins', ['acme'])
    common.connect_database(running_api.conf)
    before = running_api.application
    running_api.application = deploy.loadapp(f'config:{api_fixture.PASTE_FILE}', name='trove')
    yield api
    running_api.application = before
    running_api.conf.clear_override('db_plugins')


def test_the_page_about_resources(extended):
    def ask(method, path, user='demo', body=None):
        return extended.request(method, BASE + path, user, body)

    assert ask('GET', '/extensions/acme-notes').status_int == 200
    body = {'note': {'instance_id': INSTANCE, 'text': 'nice'}}
    note = ask('POST', '/acme-notes', body=body).json['note']
    assert ask('GET', '/acme-notes').json == {'notes': [note]}
    path = f'/acme-notes/{note["id"]}'
    assert ask('PUT', path, body={'note': {'text': 'nicer'}}).json['note']['text'] == 'nicer'
    assert ask('GET', path).json['note']['text'] == 'nicer'
    assert ask('GET', f'/instances/{INSTANCE}').json['instance']['acme_notes'] == 1
    assert ask('POST', '/acme-notes', body={'note': {}}).status_int == 400
    assert ask('POST', '/acme-notes', 'reader', body).status_int == 403
    assert ask('POST', '/acme-notes', body={'note': {**body['note'], 'instance_id': FOREIGN}}).status_int == 404
    touch = {'acme_touch': {'text': 'seen'}}
    assert ask('POST', f'/instances/{INSTANCE}/action', body=touch).status_int == 202
    assert ask('POST', f'/instances/{INSTANCE}/action', body={'acme_touch': 1}).status_int == 400
    assert ask('POST', f'/instances/{FOREIGN}/action', body=touch).status_int == 404
    for one in ask('GET', '/acme-notes').json['notes']:
        assert ask('DELETE', f'/acme-notes/{one["id"]}').status_int == 204
    assert ask('DELETE', path).status_int == 404


def test_the_page_about_tables(package, sqlite_control_database):
    conf = sqlite_control_database.conf
    migration.db_sync(sqlite_control_database.url, repo_path=str(REPOSITORY))
    conf.register_opts(common.OPTS)
    conf.set_override('db_plugins', ['acme'])
    common.connect_database(conf)
    common.connect_database(conf)
    models = sys.modules['acme_trove.notes.models']
    now = models.clock.utcnow()

    def make(key):
        return models.Note(id=key, project_id='p', instance_id='i', text='first', created=now, updated=now)

    names = {'models': models, 'get_db_api': get_db_api, 'note': make('7')}
    blocks = vendor.blocks_of('adding-a-table.rst', 'python')
    exec(blocks['note.save()'], names)
    assert [note.text for note in names['all_of_them']] == ['other']
    assert ([note.id for note in names['page']], names['next_marker']) == (['7'], None)
    with pytest.raises(exception.NotFound):
        models.Note.find_by(id='7')
    for key in ('7', '8'):
        make(key).save()
    exec(blocks['with get_db_api().transaction() as session:'], names)
    assert [note.text for note in models.Note.find_all()] == ['third']
