"""What the local provider writes down of a server, in the instance's folder, in a file of its own."""

import dataclasses
import os
from typing import Any

from trove.compute import base
from trove.compute.local import folders

FILE_NAME = 'server.json'
VOLUME_FILE_NAME = 'volume.json'

BUILDING = 'building'
RUNNING = 'running'
REBOOTING = 'rebooting'
RESIZING = 'resizing'
REVERTING = 'reverting'
REBUILDING = 'rebuilding'
STOPPED = 'stopped'
DELETING = 'deleting'

PASSING = (REBOOTING, RESIZING, REVERTING, REBUILDING)
"""What ends in ``RUNNING`` again, after an end of all processes."""


@dataclasses.dataclass(frozen=True)
class ServerRecord:
    """A server as it is wanted.

    ``power`` is what it ought to be; ``stopping_since`` is when its end was asked
    for (UTC seconds), from which the patience with its engine is counted.
    ``old_flavor_id`` is there from a resize until that is confirmed or reverted.
    """

    name: str
    project_id: str
    flavor_id: str
    tcp_ports: list[str]
    udp_ports: list[str]
    power: str = BUILDING
    stopping_since: float | None = None
    old_flavor_id: str | None = None


def load(instance_folder: str) -> ServerRecord | None:
    """Return the record of a server, or None when there is none."""
    values = folders.read_json(os.path.join(instance_folder, FILE_NAME))
    return ServerRecord(**values) if values is not None else None


def save(instance_folder: str, record: ServerRecord) -> None:
    """Write the record of a server."""
    folders.write_json(os.path.join(instance_folder, FILE_NAME), dataclasses.asdict(record))


@dataclasses.dataclass(frozen=True)
class VolumeRecord:
    """A volume: its size in GB, the type that was asked for, and the backend that made it."""

    size: int
    type: str
    backend: str


def load_volume(instance_folder: str) -> VolumeRecord | None:
    """Return the record of a volume, or None when there is none."""
    values = folders.read_json(os.path.join(instance_folder, VOLUME_FILE_NAME))
    return VolumeRecord(**values) if values is not None else None


def save_volume(instance_folder: str, record: VolumeRecord) -> None:
    """Write the record of a volume."""
    folders.write_json(os.path.join(instance_folder, VOLUME_FILE_NAME), dataclasses.asdict(record))


def of_request(request: base.ServerRequest) -> ServerRecord:
    """Return the record that a new server begins with."""
    values: dict[str, Any] = {
        'tcp_ports': [str(port) for port in request.tcp_ports],
        'udp_ports': [str(port) for port in request.udp_ports],
    }
    return ServerRecord(request.name, request.project_id, request.flavor.id, **values)
