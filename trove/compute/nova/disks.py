"""Cinder's volumes: found by name and judged by their status."""

import datetime
from typing import Any

from trove.common import exception
from trove.compute import base
from trove.compute.nova import clients, errors, names

READY = ('available', 'in-use')
GROWING = 'extending'
DELETABLE = ('available', 'error', 'error_extending', 'error_restoring')
UNDER_WAY = ('creating', 'deleting')
"""States that Cinder leaves soon, unless it lost the message that was to end them."""
_MESSAGES_VERSION = '3.5'


class Disks:
    """The data volumes of instances, as Cinder tells of them."""

    def __init__(self, cloud: clients.Clients) -> None:
        self._cloud = cloud

    def find(self, instance_id: str) -> list[Any]:
        """Return the volumes that carry the instance's name; an attached one comes first, then the oldest."""
        with errors.told('Looking for the volume'):
            found = list(self._cloud.volume.volumes(name=names.of_instance(instance_id)))
        return sorted(found, key=lambda volume: (not volume.attachments, volume.created_at, volume.id))

    def list_all(self) -> list[Any]:
        """Return the data volumes of all instances."""
        with errors.told('Listing volumes'):
            return [volume for volume in self._cloud.volume.volumes() if names.instance_of(volume.name)]

    def check(self, volume: Any) -> None:
        """Raise ``ComputeError`` with Cinder's own reason when a volume came to nothing."""
        if volume.status.startswith('error'):
            raise exception.ComputeError(
                reason=f'the volume is in status {volume.status}: {self._reason(volume)}; ask the operator for room '
                'in Cinder or choose another size or volume type'
            )

    def _reason(self, volume: Any) -> str:
        with errors.told('Asking Cinder for its reason'):
            response = self._cloud.volume.get(
                '/messages',
                params={'resource_uuid': volume.id, 'sort': 'created_at:desc'},
                microversion=_MESSAGES_VERSION,
            )
        if response.status_code >= 400:
            return 'Cinder gave no reason'
        told = [str(message['user_message']) for message in response.json().get('messages', ())]
        return told[0].rstrip('.') if told else 'Cinder gave no reason'


def is_lost(volume: Any, lost_seconds: float, now: datetime.datetime) -> bool:
    """Return whether Cinder has been making or deleting a volume for longer than it can mean it (UTC, without zone)."""
    if volume.status not in UNDER_WAY:
        return False
    changed = datetime.datetime.fromisoformat(volume.updated_at or volume.created_at).replace(tzinfo=None)
    return (now - changed).total_seconds() > lost_seconds


def describe(volume: Any, size: int | None = None) -> base.Volume:
    """Return a volume as providers tell of it; it is not ready while it is smaller than the wanted size."""
    is_large_enough = size is None or volume.size >= size
    return base.Volume(
        id=volume.id,
        size=volume.size,
        type=volume.volume_type or '',
        is_enforced=True,
        is_ready=volume.status in READY and is_large_enough,
        instance_id=names.instance_of(volume.name),
    )
