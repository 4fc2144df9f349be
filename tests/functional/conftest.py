"""The API for functional tests: one for all of them, set back before each."""

import pytest

from tests.fixtures import api as api_fixture
from trove.db.sqlalchemy import migration


@pytest.fixture(scope='session')
def running_api(tmp_path_factory):
    folder = tmp_path_factory.mktemp('api')
    url = f'sqlite:///{folder / "trove.sqlite"}'
    migration.db_sync(url)
    running = api_fixture.Api(folder, url)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def api(running_api):
    """The API with nothing but the seed in its database."""
    running_api.prepare()
    return running_api
