"""The local provider: an instance is a folder, a loopback address and processes of this host."""

import dataclasses
import logging
from collections.abc import Iterable

from oslo_config import cfg

from trove.common import clock, exception
from trove.compute import base
from trove.compute.local import addresses as address_book
from trove.compute.local import home, locks, processes, records, servers, settings, volumes

LOG = logging.getLogger(__name__)

IMAGE = base.Image('local', 'this host')
# What is deleted or rebooted need not be given the time that a stop is given.
DELETE_PATIENCE_SECONDS = 2.0
REBOOT_PATIENCE_SECONDS = 20.0
REBOOT_LIMIT_SECONDS = 30.0


class LocalProvider(base.Provider):
    """Servers that are processes; they outlive this object and are found again by another one."""

    def __init__(self, conf: cfg.ConfigOpts, time_source: clock.Clock | None = None) -> None:
        self._settings = settings.Settings(conf)
        self._clock = time_source or clock.Clock()
        self._path = self._settings.instances_path
        self._failures: dict[str, str] = {}
        self.locks = locks.Locks(self._path)
        self._book = address_book.AddressBook(self._path, self._settings.address_range)
        self._backends = volumes.Backends(self._settings.volume_backend, self._path)
        self._servers = servers.Servers(self._settings, self._book, self._backends, self._clock)

    # -- catalogue -------------------------------------------------------------

    def list_flavors(self) -> list[base.Flavor]:
        return self._settings.flavors()

    def find_image(self, image_id: str | None, image_tags: Iterable[str] = ()) -> base.Image:
        return dataclasses.replace(IMAGE, id=image_id) if image_id else IMAGE

    # -- address and volume ----------------------------------------------------

    @locks.exclusive
    def make_address(self, request: base.ServerRequest) -> list[base.Address]:
        tcp_ports, udp_ports = base.port_numbers(request.tcp_ports), base.port_numbers(request.udp_ports)
        return [servers.loopback(self._book.claim(request.instance_id, tcp_ports, udp_ports))]

    @locks.exclusive
    def make_volume(self, request: base.ServerRequest) -> base.Volume | None:
        if request.volume_size is None:
            return None
        place = self._home(request.instance_id)
        place.make_folder()
        record = records.load_volume(place.folder)
        if record is None:
            backend = self._backends.choose()
            record = records.VolumeRecord(request.volume_size, request.volume_type or backend.name, backend.name)
            records.save_volume(place.folder, record)
        self._backends.of(record.backend).make(place.volume, record.size)
        return self._backends.describe(request.instance_id, record)

    @locks.exclusive
    def grow_volume(self, instance_id: str, size: int) -> base.Volume:
        place = self._home(instance_id)
        record = records.load_volume(place.folder)
        if record is None:
            raise exception.ComputeError(reason=f'instance {instance_id} has no volume')
        if size < record.size:
            raise exception.ComputeError(reason=f'a volume of {record.size} GB cannot shrink to {size} GB')
        self._backends.of(record.backend).grow(place.volume, size)
        record = dataclasses.replace(record, size=size)
        records.save_volume(place.folder, record)
        return self._backends.describe(instance_id, record)

    # -- server ----------------------------------------------------------------

    @locks.exclusive
    def make_server(
        self, request: base.ServerRequest, addresses: Iterable[base.Address], volume: base.Volume | None
    ) -> base.Server:
        place = self._home(request.instance_id)
        record = records.load(place.folder)
        if record is None or record.power == records.BUILDING:
            record = self._servers.lay_out(place, request)
        if record.power in (records.BUILDING, records.RUNNING):
            self._servers.bring_up(place, record)
        return self._servers.describe(place, self._servers.require(place))

    def find_server(self, instance_id: str) -> base.Server | None:
        place = self._home(instance_id)
        record = records.load(place.folder)
        return self._servers.describe(place, record) if record is not None else None

    @locks.exclusive
    def start_server(self, instance_id: str) -> base.Server:
        return self._servers.start(self._home(instance_id))

    @locks.exclusive
    def stop_server(self, instance_id: str) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.require(place)
        if record.power != records.STOPPED:
            record = self._servers.want(place, records.STOPPED)
        self._servers.end(place, record, self._settings.stop_timeout_seconds)
        return self._servers.describe(place, record)

    @locks.exclusive
    def reboot_server(self, instance_id: str, is_hard: bool = False) -> base.Server:
        place = self._home(instance_id)
        record = self._servers.want(place, records.REBOOTING)
        patience = 0.0 if is_hard else min(REBOOT_PATIENCE_SECONDS, self._settings.stop_timeout_seconds)
        if not processes.wait_until(lambda: self._servers.end(place, record, patience), REBOOT_LIMIT_SECONDS):
            raise exception.ComputeBusy(reason=f'processes of instance {instance_id} do not end')
        return self._servers.start(place)

    @locks.exclusive
    def rename_server(self, instance_id: str, name: str) -> None:
        place = self._home(instance_id)
        records.save(place.folder, dataclasses.replace(self._servers.require(place), name=name))

    # -- the end ---------------------------------------------------------------

    @locks.exclusive
    def delete_server(self, instance_id: str) -> bool:
        place = self._home(instance_id)
        record = records.load(place.folder)
        if record is not None and record.power != records.DELETING:
            record = self._servers.want(place, records.DELETING)
        if not self._servers.end(place, record, DELETE_PATIENCE_SECONDS):
            return False
        place.remove_server(has_volume=records.load_volume(place.folder) is not None)
        if record is not None:
            LOG.info('The server of instance %s was deleted', instance_id)
        return True

    @locks.exclusive
    def delete_volume(self, instance_id: str) -> bool:
        place = self._home(instance_id)
        if self._servers.is_there(place):
            return False
        self._backends.detach(place.volume)
        place.remove_volume()
        return True

    @locks.exclusive
    def delete_address(self, instance_id: str) -> bool:
        if self._servers.is_there(self._home(instance_id)):
            return False
        self._book.release(instance_id)
        return True

    # -- all of them -----------------------------------------------------------

    def list_instance_ids(self) -> list[str]:
        return sorted({*home.list_ids(self._path), *self._book.holders()})

    def resume_servers(self) -> list[str]:
        resumed = []
        for place in map(self._home, home.list_ids(self._path)):
            if not self._servers.is_missed(place, forgotten_after_seconds=2 * REBOOT_LIMIT_SECONDS):
                continue
            try:
                self.start_server(place.instance_id)
            except exception.ComputeError as error:
                self._tell_failure(place.instance_id, str(error))
            else:
                LOG.info('The server of instance %s was resumed', place.instance_id)
                self._failures.pop(place.instance_id, None)
                resumed.append(place.instance_id)
        return resumed

    def guest_settings(self, instance_id: str) -> dict[str, str]:
        return self._servers.guest_settings(self._home(instance_id))

    def _tell_failure(self, instance_id: str, failure: str) -> None:
        # Resuming is tried every few seconds; the same failure is told once.
        if self._failures.get(instance_id) != failure:
            LOG.error('The server of instance %s could not be resumed: %s', instance_id, failure)
        self._failures[instance_id] = failure

    def _home(self, instance_id: str) -> home.Home:
        return home.Home(self._path, instance_id)
