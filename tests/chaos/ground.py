"""What the cloud of a world stands on: files of a double with simulated guests, or real processes of this host.

The process of the cloud asks a ground for the provider that it plays; the test's own process asks it what there is.
"""

import abc
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import sys
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from oslo_config import cfg

from tests.fixtures import observed, provider_double
from trove.compute import base
from trove.compute.local import provider as local

BOOT_SECONDS = 0.3
LOOK_SECONDS = 0.1
GUEST_FILES = 'server.guest_files'
"""Property of a simulated server: what it was handed for its guest, as on a config drive."""


@dataclasses.dataclass(frozen=True)
class Things:
    """What the cloud has of an instance. ``running`` counts its engines, None where nobody does."""

    parts: tuple[str, ...]
    flavor: str = ''
    size: int = 0
    move: str = ''
    name: str = ''
    running: int | None = None


class Ground(abc.ABC):
    """One kind of ground in a folder; all processes of a world make one of their own."""

    name: ClassVar[str]
    MANAGER: ClassVar[str]
    """Datastore of all instances."""
    CALL_SECONDS: ClassVar[float]
    """How long a taskmanager waits for an answer of the cloud."""
    HAS_GUESTS: ClassVar[bool]
    """Whether servers run their guests themselves; if not, a process of the world does."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.turn: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        """Held by the cloud while it carries out a call."""

    @abc.abstractmethod
    def provider(self) -> base.Provider:
        """Return what the process of the cloud plays; it is called from many threads."""

    @abc.abstractmethod
    def instance_ids(self) -> list[str]:
        """Return the instances of which there is something."""

    @abc.abstractmethod
    def things(self, known: Sequence[str]) -> dict[str, Things]:
        """Return what there is of each instance; ``known`` are ids at which to look for leftovers."""

    @abc.abstractmethod
    def journal(self) -> list[provider_double.Entry] | None:
        """Return what was made and done, None where nobody writes that down."""

    @abc.abstractmethod
    def engines(self) -> dict[str, str]:
        """Return instance to what its simulated engine keeps, as JSON."""

    def kill_guests(self) -> None:
        """Kill all guests that servers run themselves."""
        return

    def clean(self) -> None:
        """End and delete what is left."""
        return


# -- simulated ---------------------------------------------------------------------------


class Simulated(Ground):
    """Files; the engines are simulated, too."""

    name = 'simulated'
    MANAGER = 'mariadb'
    CALL_SECONDS = 1.5
    HAS_GUESTS = False

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.turn = threading.Lock()
        self.outside = provider_double.Outside(folder / 'outside')

    def provider(self) -> base.Provider:
        made: base.Provider = _Cloud(self.outside, boot_seconds=BOOT_SECONDS)
        return made

    def instance_ids(self) -> list[str]:
        found: list[str] = self.outside.instance_ids()
        return found

    def things(self, known: Sequence[str]) -> dict[str, Things]:
        return {one: self._things_of(one) for one in self.instance_ids()}

    def _things_of(self, instance_id: str) -> Things:
        place = self.outside.read(instance_id, 'server.place', provider_double.FLAVOR.id)
        return Things(
            parts=tuple(self.outside.parts(instance_id)),
            flavor=place.split(' ')[0],
            size=int(self.outside.read(instance_id, 'volume.size', '0')),
            move=self.outside.read(instance_id, 'server.move'),
            name=self.outside.read(instance_id, 'server.name'),
        )

    def journal(self) -> list[provider_double.Entry]:
        found: list[provider_double.Entry] = self.outside.journal()
        return found

    def engines(self) -> dict[str, str]:
        return {path.parent.name: path.read_text() for path in (self.folder / 'guests').glob('*/engine.json')}


class _Cloud(provider_double.FolderProvider):
    """Also keeps what a server is handed for its guest, before there is one that reads it."""

    def make_server(self, request: base.ServerRequest, addresses: Any, volume: Any) -> Any:
        if not self._outside.path(request.instance_id, 'server').exists():
            self._hand(request)
        return super().make_server(request, addresses, volume)

    def rebuild_server(self, request: base.ServerRequest) -> Any:
        self._hand(request)
        return super().rebuild_server(request)

    def _hand(self, request: base.ServerRequest) -> None:
        self._outside.prepare(request.instance_id, GUEST_FILES, json.dumps(dict(request.guest_files)))


def guest_files(outside: provider_double.Outside, instance_id: str) -> Mapping[str, str] | None:
    """Return what the simulated server of an instance was handed for its guest, None when it is gone."""
    text = outside.read(instance_id, GUEST_FILES)
    return json.loads(text) if text else None


# -- local -------------------------------------------------------------------------------


class Local(Ground):
    """The real local provider with real agents and real Redis servers. Processes are counted, jobs are not."""

    name = 'local'
    MANAGER = 'redis'
    # Redis may take its time to end.
    CALL_SECONDS = 20.0
    HAS_GUESTS = True

    def provider(self) -> local.LocalProvider:
        conf = cfg.ConfigOpts()
        conf([], project='trove', default_config_files=[], default_config_dirs=[])
        local.LocalProvider(conf)
        options = {
            'instances_path': str(self.folder / 'instances'),
            'address_range': f'127.{200 + zlib.crc32(bytes(self.folder)) % 50}.0.0/16',
            'service_user': 'nobody',
            'guest_command': [sys.executable, '-W', 'ignore', '-m', 'trove.cmd.guest'],
            'volume_backend': 'folder',
            'report_interval': 2,
            'stop_timeout_seconds': 10,
        }
        for name, value in options.items():
            conf.set_override(name, value, 'local')
        return local.LocalProvider(conf)

    def instance_ids(self) -> list[str]:
        return self.provider().list_instance_ids()

    def things(self, known: Sequence[str]) -> dict[str, Things]:
        provider = self.provider()
        volumes = {one.instance_id: one for one in provider.list_volumes()}
        running = {one: len(observed.engines_of(one)) for one in known if observed.processes_of(one)}
        found = {}
        for one in {*provider.list_instance_ids(), *running}:
            server, volume = provider.find_server(one), volumes.get(one)
            has = {'address': server is None or bool(server.addresses), 'volume': volume, 'server': server}
            found[one] = Things(
                parts=tuple(part for part in provider_double.PARTS if has[part]),
                flavor=server.flavor_id if server else '',
                size=volume.size if volume else 0,
                running=running.get(one, 0),
            )
        return found

    def journal(self) -> None:
        return None

    def engines(self) -> dict[str, str]:
        return {}

    def kill_guests(self) -> None:
        for one in self.instance_ids():
            for pid in observed.agents_of(one):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def clean(self) -> None:
        provider = self.provider()
        for one in provider.list_instance_ids():
            for delete in (provider.delete_server, provider.delete_volume, provider.delete_address):
                while not delete(one):
                    time.sleep(LOOK_SECONDS)


GROUNDS: Mapping[str, type[Ground]] = {kind.name: kind for kind in (Simulated, Local)}
"""The grounds by their name, which is what CHAOS_CLOUD chooses."""
