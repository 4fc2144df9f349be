"""A memcached server on this host."""

import shutil
from collections.abc import Mapping
from typing import Any, ClassVar

from trove.common import exception
from trove.guestagent.datastore import app
from trove.guestagent.system import files, services

from acme_trove.memcached import client


class MemcachedApp(app.App):
    """Memcached has no accounts: whoever reaches its port may do everything, so it listens on one address alone."""

    config_name: ClassVar[str] = 'memcached.conf'

    def make_data(self, folder: str) -> None:
        """All is in memory; the folder stays empty."""

    def unit(self) -> services.Unit:
        program = shutil.which(self.options.server_program)
        if program is None:
            raise exception.GuestError(reason=f"program '{self.options.server_program}' is not installed on the guest")
        return services.Unit(
            name=self.unit_name,
            argv=(program, *self._arguments()),
            log_file=self.log_file,
            user=self.user,
            data_folder=self.data_folder,
        )

    def own_configuration(self) -> str:
        return f'listen {self.address}\nport {self._description.port}\nudp-port 0\n'

    def render_overrides(self, overrides: Mapping[str, Any]) -> str:
        return ''.join(f'{name} {value}\n' for name, value in sorted(overrides.items()))

    def ping(self) -> None:
        if self.stats().get('accepting_conns') != '1':
            raise exception.GuestError(reason='the engine accepts no connections')

    def stats(self) -> dict[str, str]:
        """Return what the engine counts, such as ``curr_items`` and ``bytes``."""
        lines = client.ask(self.address, self._description.port, 'stats', last='END')
        return {name: value for _stat, name, value in (line.split(' ', 2) for line in lines[:-1])}

    def _arguments(self) -> list[str]:
        """Return the configuration as arguments, since memcached reads no file; of a name the last line counts."""
        lines = (files.read(self.config_file) or '').splitlines()
        settings = dict(line.split(maxsplit=1) for line in lines if line.strip())
        return [f'--{name}={value}' for name, value in settings.items()]
