"""What instances of this host are made of beside their servers: flavors, addresses and volumes."""

import dataclasses
from collections.abc import Iterable

from trove.common import exception
from trove.compute import base
from trove.compute.local import locks, parts, records, servers

IMAGE = base.Image('local', 'this host')


class LocalResources(parts.Parts, base.Catalogue, base.Network, base.Volumes):
    """Flavors by option, loopback addresses, and volumes that are folders or file systems in a file."""

    def list_flavors(self) -> list[base.Flavor]:
        return self._settings.flavors()

    def find_image(self, image_id: str | None, image_tags: Iterable[str] = ()) -> base.Image:
        return dataclasses.replace(IMAGE, id=image_id) if image_id else IMAGE

    @locks.exclusive
    def make_address(self, request: base.ServerRequest) -> list[base.Address]:
        tcp_ports, udp_ports = base.port_numbers(request.tcp_ports), base.port_numbers(request.udp_ports)
        return [servers.loopback(self._book.claim(request.instance_id, tcp_ports, udp_ports))]

    def change_access(self, request: base.ServerRequest) -> list[base.Address]:
        # A loopback address cannot be reached from elsewhere and is open to all of this host: there is
        # nothing to open or to close, and a public address or a list of networks changes nothing.
        address = self._book.find(request.instance_id)
        if address is None:
            raise exception.ComputeError(reason=f'instance {request.instance_id} has no address yet')
        return [servers.loopback(address)]

    @locks.exclusive
    def delete_address(self, instance_id: str) -> bool:
        if self._servers.is_there(self._home(instance_id)):
            return False
        self._book.release(instance_id)
        return True

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

    @locks.exclusive
    def delete_volume(self, instance_id: str) -> bool:
        place = self._home(instance_id)
        if self._servers.is_there(place):
            return False
        self._backends.detach(place.volume)
        place.remove_volume()
        return True
