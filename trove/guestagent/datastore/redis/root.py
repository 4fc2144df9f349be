"""Root of Redis: the password that every client of the tenant needs."""

import os

from trove.common import passwords
from trove.guestagent.datastore import abilities
from trove.guestagent.datastore.redis import app
from trove.guestagent.system import files


class Root(abilities.RootAccount):
    """The account ``default``. It always has a password; disabled means that nobody was shown it."""

    def __init__(self, engine: app.RedisApp, state_path: str) -> None:
        self._engine = engine
        self._marker = os.path.join(state_path, 'root-is-enabled')

    def enable(self, password: str) -> None:
        self._change_password(password)
        files.write(self._marker, '')

    def disable(self) -> None:
        files.remove(self._marker)
        self._change_password(passwords.generate_password())

    def is_enabled(self) -> bool:
        return files.read(self._marker) is not None

    def _change_password(self, password: str) -> None:
        # The files first: should the agent be killed in between, a restart of the
        # engine or a repeated call leads to the same end.
        self._engine.keep_root_password(password)
        self._engine.write_configuration()
        self._engine.set_root_password(password)
