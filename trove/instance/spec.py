"""What a tenant asks for, as the create operation carries it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from trove.common import exception, schema

NOT_YET = {
    'replica_of': 'replicas',
    'replica_count': 'replicas',
    'restorePoint': 'restoring a backup',
    'configuration': 'configuration groups',
    'modules': 'modules',
}
"""Fields of the contract whose work is not built yet. Better refused than accepted and not done."""


LOCALITIES = ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')
"""How near to each other an instance and its replicas live."""


@dataclasses.dataclass(frozen=True)
class InstanceSpec:
    """A wanted instance. ``users`` have no password here: secrets travel apart, sealed."""

    name: str
    flavor_id: str | None
    datastore: str | None = None
    datastore_version: str | None = None
    version_number: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    databases: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    users: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    nics: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    access: dict[str, Any] = dataclasses.field(default_factory=dict)
    availability_zone: str | None = None
    locality: str | None = None
    region_name: str | None = None


def from_body(body: Mapping[str, Any]) -> tuple[InstanceSpec, list[str]]:
    """Return the spec of a create body that fulfils the schema, and the users' passwords in their order."""
    wanted = body['instance']
    _refuse_what_is_not_built(wanted)
    datastore, volume, users = (wanted.get(key) or {} for key in ('datastore', 'volume', 'users'))
    spec = InstanceSpec(
        name=wanted['name'],
        flavor_id=schema.last_part(wanted['flavorRef']) if 'flavorRef' in wanted else None,
        datastore=datastore.get('type'),
        datastore_version=datastore.get('version'),
        version_number=datastore.get('version_number'),
        volume_size=int(volume['size']) if 'size' in volume else None,
        volume_type=volume.get('type'),
        databases=list(map(_database, wanted.get('databases', ()))),
        users=list(map(_user, users)),
        nics=list(map(_nic, wanted.get('nics', ()))),
        access=wanted.get('access') or {},
        availability_zone=wanted.get('availability_zone'),
        locality=_locality(wanted.get('locality')),
        region_name=wanted.get('region_name'),
    )
    return spec, [user['password'] for user in users]


def _refuse_what_is_not_built(wanted: Mapping[str, Any]) -> None:
    for field, feature in NOT_YET.items():
        if wanted.get(field):
            raise exception.NotImplementedHere(f"Not supported yet: {feature}. Leave out '{field}'.")


def _locality(locality: str | None) -> str | None:
    if locality is not None and locality not in LOCALITIES:
        raise exception.BadRequest(f"The locality '{locality}' is none of {', '.join(LOCALITIES)}.")
    return locality


def _database(database: Mapping[str, Any]) -> dict[str, Any]:
    return {name: database[name] for name in ('name', 'character_set', 'collate') if name in database}


def _user(user: Mapping[str, Any]) -> dict[str, Any]:
    databases = [{'name': database['name']} for database in user.get('databases', [])]
    return {'name': user['name'], 'host': user.get('host', '%'), 'databases': databases}


def _nic(nic: Mapping[str, Any]) -> dict[str, Any]:
    network = nic.get('network_id') or nic.get('net-id')
    if not network and not nic.get('subnet_id'):
        raise exception.BadRequest("A nic needs 'network_id' or 'subnet_id'.")
    if nic.get('ip_address') and not nic.get('subnet_id'):
        raise exception.BadRequest("A nic with 'ip_address' needs 'subnet_id'.")
    values = {'network_id': network, 'subnet_id': nic.get('subnet_id'), 'ip_address': nic.get('ip_address')}
    return {name: value for name, value in values.items() if value}
