"""The API in this process: the whole pipeline of filters over a new SQLite database, without guests and bus."""

import base64
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import bcrypt
import webob
from oslo_config import cfg
from paste import deploy
from sqlalchemy import orm

from trove.cmd import common
from trove.common import clock, crypto, states, wsgi
from trove.common.rpc import transport
from trove.db import get_db_api, models
from trove.db.sqlalchemy import migration, session
from trove.standalone import configuration

PROJECT, OTHER_PROJECT, ADMIN_PROJECT = 'a' * 32, 'b' * 32, 'c' * 32
USERS: Mapping[str, Mapping[str, Any]] = {
    'member': {'project_id': PROJECT, 'user_id': 'member-id', 'roles': ['member']},
    'reader': {'project_id': PROJECT, 'user_id': 'reader-id', 'roles': ['reader']},
    'admin': {'project_id': ADMIN_PROJECT, 'user_id': 'admin-id', 'roles': ['admin', 'member']},
}
"""Who may ask; ``member`` and ``reader`` are of one project."""
INSTANCE = '00000000-0000-4000-8000-000000000001'
"""An instance of the project, whose database is shut down."""
FOREIGN_INSTANCE = '00000000-0000-4000-8000-000000000002'
"""An instance of another project."""
UNKNOWN = '00000000-0000-4000-8000-000000000099'
PASSWORD = 'canary-of-a-password'

CONFIGURATION = """[DEFAULT]
transport_url = fake://
secrets_key_file = {folder}/secrets.key
db_plugins = {plugins}
http_get_rate = 1000000
http_post_rate = 1000000
http_put_rate = 1000000
http_delete_rate = 1000000
http_mgmt_post_rate = 1000000
agent_call_low_timeout = 1
agent_call_high_timeout = 1
[database]
connection = {url}
[standalone_auth]
password_file = {folder}/passwords
accounts_file = {folder}/accounts.json
"""


class Api:
    """The API with all extensions that are installed; ``stop`` gives the process back."""

    def __init__(self, folder: pathlib.Path, db_plugins: Sequence[str] = (), repositories: Sequence[str] = ()) -> None:
        url = f'sqlite:///{folder}/control.sqlite'
        for path in (None, *repositories):
            migration.db_sync(url, repo_path=path)
        self._write_files(folder, CONFIGURATION.format(folder=folder, url=url, plugins=','.join(db_plugins)))
        self._conf = cfg.CONF
        self._conf(['--config-file', str(folder / 'trove.conf')], project='trove')
        transport.start(self._conf)
        common.connect_database(self._conf)
        with get_db_api().transaction() as writer:
            _seed(writer)
        self.application = deploy.loadapp(f'config:{configuration.find_paste_file()}', name='trove')

    @staticmethod
    def _write_files(folder: pathlib.Path, text: str) -> None:
        digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        (folder / 'passwords').write_text(''.join(f'{name}:{digest}\n' for name in USERS))
        (folder / 'accounts.json').write_text(json.dumps(USERS))
        (folder / 'trove.conf').write_text(text)
        crypto.make_key_file(str(folder / 'secrets.key'))

    def stop(self) -> None:
        """Take everything down."""
        transport.stop()
        session.dispose()
        self._conf.reset()

    def ask(
        self, method: str, path: str, user: str | None, body: Any = None, project: str | None = None
    ) -> webob.Response:
        """Send a request below a project, by default the user's own, and return whatever is answered.

        ``body`` is bytes or JSON data; ``user`` None sends no credentials.
        """
        where = project or (USERS[user]['project_id'] if user else PROJECT)
        request = webob.Request.blank(f'{wsgi.VERSION_PATH}/{where}{path}', method=method)
        if user:
            token = base64.b64encode(f'{user}:{PASSWORD}'.encode()).decode()
            request.headers['Authorization'] = f'Basic {token}'
        if body is not None:
            request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.content_type = wsgi.JSON_TYPE
        return request.get_response(self.application)


def _seed(writer: orm.Session) -> None:
    """Write two instances and what they stand on; the plug of their datastore is never asked for."""
    writer.add(models.Datastore(id=INSTANCE, name='suite'))
    writer.flush()
    version = {'name': '1', 'version': '1', 'manager': 'mysql', 'image_tags': '', 'packages': '', 'is_active': True}
    writer.add(models.DatastoreVersion(id=INSTANCE, datastore_id=INSTANCE, **version))
    writer.add(models.Flavor(id='1', name='small', ram=512, vcpus=1, disk=5, ephemeral=0))
    writer.flush()
    for instance_id, project_id in ((INSTANCE, PROJECT), (FOREIGN_INSTANCE, OTHER_PROJECT)):
        _seed_instance(writer, instance_id, project_id)


def _seed_instance(writer: orm.Session, instance_id: str, project_id: str) -> None:
    now = clock.utcnow()
    writer.add(
        models.Instance(
            id=instance_id,
            name='suite',
            project_id=project_id,
            user_id='member-id',
            datastore_version_id=INSTANCE,
            flavor_id='1',
            volume_size=1,
            task_code=states.Tasks.NONE.code,
            server_id=instance_id,
            server_status=states.ServerStatus.ACTIVE,
            addresses=[],
            access={},
            created=now,
            updated=now,
            is_deleted=False,
        )
    )
    writer.flush()
    # There is no guest to be asked.
    status = states.SHUTDOWN.description
    writer.add(models.ServiceStatus(instance_id=instance_id, description=status, sent=0.0, updated=now))
