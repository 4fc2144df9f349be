"""The API for functional tests: one for all of them, set back before each.

They run on SQLite; ``TROVE_FUNCTIONAL_DATABASE=mariadb`` or ``postgresql`` runs them on a
private server of that kind.
"""

import os

import pytest

from tests.fixtures import api as api_fixture
from trove.db.sqlalchemy import migration


@pytest.fixture(scope='session')
def running_api(request, tmp_path_factory):
    kind = os.environ.get('TROVE_FUNCTIONAL_DATABASE', 'sqlite')
    url = request.getfixturevalue(f'{kind}_server').make_database('functional')
    migration.db_sync(url)
    running = api_fixture.Api(tmp_path_factory.mktemp('api'), url)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def api(running_api):
    """The API with nothing but the seed in its database."""
    running_api.prepare()
    return running_api
