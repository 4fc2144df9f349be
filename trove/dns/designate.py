"""Host names by Designate: one set of records per type of address, in one zone of the service user.

The description of a set carries the instance's id. By it they are found again, whatever the pattern of names
or the name of the instance was when they were made.
"""

import dataclasses
import threading
from collections.abc import Iterable
from typing import Any

import openstack.exceptions
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import cloud, exception, keystone
from trove.dns import base, names, options

LOG = logging.getLogger(__name__)

BROKEN = 'ERROR'
LEAVING = 'DELETE'


@dataclasses.dataclass(frozen=True)
class Zone:
    """The zone that names are made in; ``name`` ends with a dot."""

    id: str
    name: str


class Designate(base.Dns):
    """Keeps host names in Designate."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        trove_cfg.register(conf, options.DESIGNATE_OPTS, options.GROUP)
        keystone.register(conf)
        self._conf = conf
        self._settings = conf[options.GROUP]
        self._lock = threading.Lock()
        self._client: Any = None
        self._zone: Zone | None = None
        names.check(self._settings.hostname_pattern)
        if not (self._settings.zone_id or self._settings.zone_name):
            raise exception.ConfigurationError(reason='[designate] needs zone_id or zone_name')

    def make_record(self, instance_id: str, name: str, addresses: Iterable[str]) -> str | None:
        wanted = names.by_type(addresses, self._settings.record_types)
        zone = self._find_zone()
        host = names.host_name(self._settings.hostname_pattern, instance_id, name, zone.name.rstrip('.'))
        with _told(f'Giving instance {instance_id} its host name'):
            there = {(one.name, one.type): one for one in self._list(zone, instance_id)}
            for kind, records in wanted.items():
                self._set(zone, there.pop((f'{host}.', kind), None), _Wanted(instance_id, f'{host}.', kind, records))
            for stale in there.values():
                self._remove(stale)
        return host if wanted else None

    def delete_record(self, instance_id: str) -> bool:
        zone = self._find_zone()
        with _told(f'Removing the host name of instance {instance_id}'):
            there = self._list(zone, instance_id)
            for one in there:
                self._remove(one)
        return not there

    # -- record sets ------------------------------------------------------------------------

    def _list(self, zone: Zone, instance_id: str) -> list[Any]:
        found = self._dns().recordsets(zone.id, description=description_of(instance_id))
        return [one for one in found if one.description == description_of(instance_id)]

    def _set(self, zone: Zone, there: Any, wanted: '_Wanted') -> None:
        """Make a set of records, or make it what it should be; one that Designate failed on is handed over again."""
        if there is None:
            self._create(zone, wanted)
            return
        if there.action == LEAVING:
            raise base.DnsBusy(f"the former host name '{wanted.name}' is still being removed", 2)
        is_right = sorted(there.records) == wanted.records and there.ttl == self._settings.ttl
        if not is_right or there.status == BROKEN:
            # By its id, because the library sends of a set that it knows only what is new.
            self._dns().update_recordset(there.id, zone_id=zone.id, ttl=self._settings.ttl, records=wanted.records)
            LOG.info('The host name of instance %s was changed', wanted.instance_id)

    def _create(self, zone: Zone, wanted: '_Wanted') -> None:
        try:
            self._dns().create_recordset(
                zone.id,
                name=wanted.name,
                type=wanted.kind,
                ttl=self._settings.ttl,
                records=wanted.records,
                description=description_of(wanted.instance_id),
            )
        except openstack.exceptions.ConflictException as error:
            raise self._conflict(zone, wanted) from error
        LOG.info('Instance %s got a host name', wanted.instance_id)

    def _conflict(self, zone: Zone, wanted: '_Wanted') -> exception.ComputeError:
        owners = [one.description for one in self._dns().recordsets(zone.id, name=wanted.name)]
        if all(owner == description_of(wanted.instance_id) for owner in owners):
            return base.DnsBusy(f"the host name '{wanted.name}' is just being made or removed", 2)
        return base.DnsError(
            reason=f"the host name '{wanted.name}' belongs to something else; choose another name for the instance or "
            'ask the operator to put {instance_id} into [designate] hostname_pattern'
        )

    def _remove(self, recordset: Any) -> None:
        if recordset.action != LEAVING or recordset.status == BROKEN:
            self._dns().delete_recordset(recordset, ignore_missing=True)

    # -- the service ------------------------------------------------------------------------

    def _dns(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = cloud.connection(self._conf)
            return self._client.dns

    def _find_zone(self) -> Zone:
        if self._zone is None:
            with _told('Looking for the zone of host names'):
                self._zone = self._ask_for_zone()
        return self._zone

    def _ask_for_zone(self) -> Zone:
        zone_id, name = self._settings.zone_id, f'{(self._settings.zone_name or "").rstrip(".")}.'
        try:
            if zone_id:
                found = [self._dns().get_zone(zone_id)]
            else:
                found = [one for one in self._dns().zones(name=name) if one.name == name]
        except openstack.exceptions.NotFoundException:
            found = []
        if not found:
            raise base.DnsError(
                reason=f'there is no zone {zone_id or name}; make it as the service user, or correct [designate]'
            )
        return Zone(found[0].id, found[0].name)


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """A set of records as it should be; ``name`` ends with a dot, ``records`` are sorted."""

    instance_id: str
    name: str
    kind: str
    records: list[str]


def description_of(instance_id: str) -> str:
    """Return the description of all sets of records of an instance."""
    return f'Trove instance {instance_id}'


def _told(deed: str) -> Any:
    return cloud.told(deed, base.DnsError, base.DnsBusy)
