"""The cloud as a whole: up, down, wipe, status."""

import contextlib
import datetime
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator

from tests.openstack.cloud import configuration, installation, schemas
from tests.openstack.cloud import layout as layouts
from tests.openstack.cloud import services as running

READY_MARK = '.schemas'
KEPT = ('venv', 'uv', 'uv-cache', '.lock')
"""What wipe leaves: the installation."""


class Cloud:
    """One cloud. ``say`` is told what is being done, a line at a time."""

    def __init__(self, layout: layouts.Layout, say: Callable[[str], None]) -> None:
        self.layout = layout
        self.services = running.Services(layout)
        self._say = say

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        folder = self.layout.folder
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise running.ServiceError(f'{folder} belongs to somebody else; name another folder in CLOUD.')
        with open(folder / '.lock', 'w', encoding='ascii') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_up(self) -> bool:
        """Return whether all of it runs."""
        return all(self.services.running().values())

    def up(self) -> bool:
        """Install, configure and start what is missing; False when all of it ran before.

        Raises ``CannotCarryError`` when the machine is too small, and ``ServiceError`` or
        ``CommandError`` with the last words of what failed.
        """
        with self._lock():
            if self.is_up():
                return False
            self.services.check_ports()
            was_down = not any(self.services.running().values())
            if was_down:
                installation.check_machine(self.layout)
            installation.install(self.layout, self._say)
            self._say('Installed.')
            configuration.write(self.layout, self.services.node.url)
            try:
                self._start(datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S'))
            except BaseException:
                if was_down:
                    self.services.stop()
                raise
            return True

    def _start(self, since: str) -> None:
        services, layout = self.services, self.layout
        schemas.make_data_folder(layout)
        services.start(running.BASE)
        services.node.start()
        services.await_ports(running.BASE)
        mark = layout.folder / READY_MARK
        is_new = not mark.exists()
        if is_new:
            self._say('Making the databases.')
            schemas.make(services)
            schemas.make_rings(services)
        # Nova's conductor and scheduler ask Keystone for Placement as they start, and end when it refuses.
        services.start(running.IDENTITY)
        services.await_ports(running.IDENTITY)
        if is_new:
            self._bootstrap('catalogue')
            mark.touch()
        self._say('Starting Nova, Neutron, Glance, Cinder and Swift.')
        if services.daemon('nova-conductor').find() is None:
            (layout.log / 'nova-conductor.log').unlink(missing_ok=True)
        services.start([*running.MIDDLE, *running.STORES])
        services.await_conductor()
        services.start(services.computes)
        services.await_ports(['nova', 'neutron', 'glance', 'cinder'])
        self._bootstrap('resources')
        self._bootstrap('reports', since)
        schemas.discover_hosts(services)
        self._bootstrap('hosts')

    def _bootstrap(self, *what: str) -> None:
        layout = self.layout
        environment = {
            **self.services.environment(),
            'PYTHONPATH': str(layouts.ROOT),
            'CLOUD': str(layout.folder),
            'CLOUD_VENV': str(layout.venv),
            'CLOUD_PORTS': str(layout.base),
            'CLOUD_COMPUTES': str(layout.computes),
            'CLOUD_PASSWORD': layout.password,
        }
        command = [layout.program('python'), '-m', 'tests.openstack.cloud.bootstrap', *what]
        installation.run(command, layout.log / 'bootstrap.log', environment)

    def down(self) -> None:
        """Stop everything that up started, and the servers; all data stay."""
        if self.layout.run.exists():
            with self._lock():
                self.services.stop()

    def wipe(self) -> None:
        """Stop everything and forget databases, servers and volumes; the installation stays."""
        self.down()
        if not self.layout.folder.exists():
            return
        with self._lock():
            for entry in self.layout.folder.iterdir():
                if entry.name in KEPT or entry == self.layout.venv:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
