"""The pages about resources, tables and stores of a vendor, followed to the letter: their code is used."""

import os
import subprocess
import sys

import pytest
from paste import deploy

from tests.fixtures import api as api_fixture
from tests.fixtures import vendor
from trove.cmd import common
from trove.common import exception, plugs
from trove.db import get_db_api
from trove.db.sqlalchemy import migration
from trove.storage import base as storage


@pytest.fixture
def package(tmp_path):
    """The package of the pages, on the search path."""
    with vendor.site(tmp_path) as site:
        yield vendor.install_pages(site)


def test_the_page_about_resources(package, running_api, api):
    before = running_api.application
    running_api.application = deploy.loadapp(f'config:{api_fixture.PASTE_FILE}', name='trove')
    try:
        base = f'/v1.0/{api_fixture.PROJECT}'
        assert api.request('GET', f'{base}/extensions/acme-parts').status_int == 200
        page = api.request('GET', f'{base}/acme-parts').json
        assert [part['name'] for part in page['parts']] == ['wheel', 'axle']
        assert api.request('GET', page['links'][0]['href']).json == {'parts': [{'id': '9', 'name': 'bell'}]}
        assert (
            api.request('GET', f'{base}/acme-parts/3').json['itemNotFound']['message'] == 'Part 3 could not be found.'
        )
        assert api.request('POST', f'{base}/acme-parts', body={'part': {'name': 'nut'}}).status_int == 202
        assert api.request('POST', f'{base}/acme-parts', body={'part': {}}).status_int == 400
        assert api.request('POST', f'{base}/acme-parts', 'reader', {'part': {'name': 'nut'}}).status_int == 403
        action = f'{base}/instances/{api_fixture.IDS["instance"]}/action'
        assert api.request('POST', action, body={'polish': {}}).status_int == 202
        assert api.request('POST', action, body={'polish': 1}).status_int == 400
    finally:
        running_api.application = before


def test_the_page_about_tables(package, sqlite_control_database):
    conf = sqlite_control_database.conf
    migration.db_sync(sqlite_control_database.url, repo_path=str(package / 'migrate_repo'))
    conf.register_opts(common.OPTS)
    conf.set_override('db_plugins', ['acme'])
    common.connect_database(conf)
    common.connect_database(conf)
    names = {
        'models': sys.modules['acme_trove.models'],
        'context': type('Context', (), {'project_id': 'p'}),
        'marker': None,
        'get_db_api': get_db_api,
    }
    blocks = vendor.blocks_of('adding-a-table.rst', 'python')
    exec(blocks["part = models.Part(id='7', project_id=context.project_id, name='wheel')"], names)
    assert [part.name for part in names['all_of_them']] == ['small wheel']
    assert ([part.id for part in names['page']], names['next_marker']) == (['7'], None)
    with pytest.raises(exception.NotFound):
        names['models'].Part.find_by(id='7')
    for key in ('7', '8'):
        names['models'].Part(id=key, project_id='p', name='wheel').save()
    exec(blocks['with get_db_api().transaction() as session:'], names)
    assert [part.name for part in names['models'].Part.find_all()] == ['large wheel']


def test_the_page_about_stores(tmp_path):
    code = vendor.blocks_of('adding-a-store.rst', 'python')
    folder = tmp_path / 'acme_trove'
    folder.mkdir()
    (folder / '__init__.py').touch()
    (folder / 'store.py').write_text(code['"""A store on the disk that all our hosts mount."""'])
    tests = tmp_path / 'test_store.py'
    tests.write_text(code['"""The store against its contract."""'])
    with vendor.site(tmp_path) as site:
        site.install(trove__storage={'acme': 'acme_trove.store:AcmeStore'})
        assert plugs.load(storage.GROUP, 'acme', storage.Store).__name__ == 'AcmeStore'
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', str(tests)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
