"""Registering datastores, their versions and their parameters: the operator's side of the catalogue."""

import dataclasses
import json
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from trove.common import exception, plugs
from trove.datastore import descriptions
from trove.db import get_db_api, models
from trove.db.sqlalchemy import tables

PARAMETER_TYPES = ('string', 'integer', 'float', 'boolean')
BOUNDED_TYPES = ('integer', 'float')


@dataclasses.dataclass(frozen=True)
class VersionSpec:
    """A datastore version as it shall be. ``number`` tells versions of one name apart; None is the name."""

    datastore: str
    name: str
    manager: str
    image_id: str | None
    packages: str
    is_active: bool
    number: str | None = None
    registry_ext: str | None = None
    repl_strategy: str | None = None


def register_datastore(name: str, default_version: str = '') -> str:
    """Create a datastore unless it exists; return its id.

    ``default_version`` is the name or id of one of its versions, which becomes the
    default one; an empty text leaves the default as it is. Raises
    ``DatastoreVersionNotFound`` or ``DatastoreVersionNotUnique``.
    """

    def work(session: orm.Session) -> str:
        datastore = _datastore(session, name)
        if datastore is None:
            datastore = models.Datastore(id=str(uuid.uuid4()), name=name)
            session.add(datastore)
        if default_version:
            datastore.default_version_id = find_version(session, datastore, default_version).id
        return datastore.id

    identifier: str = get_db_api().run(work)
    return identifier


def register_version(spec: VersionSpec) -> str:
    """Create or update the version of this name and number; return its id.

    Raises ``DatastoreNotFound``, or ``BadRequest`` when the manager is not installed.
    """
    check_manager(spec.manager)
    number = spec.number or spec.name

    def work(session: orm.Session) -> str:
        datastore = _require_datastore(session, spec.datastore)
        table = tables.datastore_versions.c
        query = sa.select(models.DatastoreVersion).where(
            table.datastore_id == datastore.id, table.name == spec.name, table.version == number
        )
        version: models.DatastoreVersion | None = session.execute(query).scalars().one_or_none()
        if version is None:
            version = models.DatastoreVersion(
                id=str(uuid.uuid4()), datastore_id=datastore.id, name=spec.name, version=number, image_tags=''
            )
            session.add(version)
        version.manager = spec.manager
        version.image_id = spec.image_id
        version.packages = spec.packages
        version.is_active = spec.is_active
        version.registry_ext = spec.registry_ext
        version.repl_strategy = spec.repl_strategy
        return version.id

    identifier: str = get_db_api().run(work)
    return identifier


def retire_version(datastore: str, version: str) -> None:
    """Offer a version to tenants no more, whatever became of its manager; one that was never there is fine."""

    def work(session: orm.Session) -> None:
        known = sa.select(tables.datastores.c.id).where(tables.datastores.c.name == datastore)
        table = tables.datastore_versions
        session.execute(
            sa.update(table)
            .where(table.c.datastore_id.in_(known), table.c.name == version)
            .values(is_active=False)
            .execution_options(synchronize_session=False)
        )

    get_db_api().run(work)


def check_manager(manager: str) -> None:
    """Raise ``BadRequest`` unless a datastore manager of this name is installed."""
    known = plugs.names(descriptions.GROUP)
    if manager not in known:
        installed = ', '.join(known) or 'none'
        raise exception.BadRequest(f"Datastore manager '{manager}' is not known (installed: {installed}).")


def load_parameters(datastore: str, version: str, text: str, number: str | None = None) -> int:
    """Create or update what tenants may configure on a version; return how many parameters the file has.

    ``text`` is JSON as ``parse_parameters`` takes it. Parameters that the file does
    not name stay. Raises ``BadRequest``, ``DatastoreNotFound``, ``DatastoreVersionNotFound``
    or ``DatastoreVersionNotUnique``.
    """
    entries = parse_parameters(text)

    def work(session: orm.Session) -> int:
        found = find_version(session, _require_datastore(session, datastore), version, number)
        wanted = [entry for entry in entries if found.manager in entry.get('datastores', [found.manager])]
        query = sa.select(models.DatastoreParameter).where(
            tables.datastore_parameters.c.datastore_version_id == found.id
        )
        present = {parameter.name: parameter for parameter in session.execute(query).scalars()}
        for entry in wanted:
            parameter = present.get(entry['name'])
            if parameter is None:
                parameter = models.DatastoreParameter(
                    id=str(uuid.uuid4()), datastore_version_id=found.id, name=entry['name']
                )
                session.add(parameter)
            parameter.data_type = entry['type']
            parameter.restart_required = entry['restart_required']
            parameter.min_size, parameter.max_size = entry['min'], entry['max']
        return len(wanted)

    count: int = get_db_api().run(work)
    return count


def find_version(
    session: orm.Session, datastore: models.Datastore, version: str, number: str | None = None
) -> models.DatastoreVersion:
    """Return the version of a datastore by its name or id, and its number where names are not unique."""
    table = tables.datastore_versions.c
    query = sa.select(models.DatastoreVersion).where(
        table.datastore_id == datastore.id, sa.or_(table.name == version, table.id == version)
    )
    if number:
        query = query.where(table.version == number)
    found: list[models.DatastoreVersion] = session.execute(query).scalars().all()
    if not found:
        raise exception.DatastoreVersionNotFound(version=version)
    if len(found) > 1:
        raise exception.DatastoreVersionNotUnique(version=version)
    return found[0]


def _datastore(session: orm.Session, name: str) -> models.Datastore | None:
    table = tables.datastores.c
    query = sa.select(models.Datastore).where(sa.or_(table.name == name, table.id == name))
    datastore: models.Datastore | None = session.execute(query).scalars().one_or_none()
    return datastore


def _require_datastore(session: orm.Session, name: str) -> models.Datastore:
    datastore = _datastore(session, name)
    if datastore is None:
        raise exception.DatastoreNotFound(datastore=name)
    return datastore


# -- the file of parameters ------------------------------------------------------


def parse_parameters(text: str) -> list[dict[str, Any]]:
    """Return the parameters of a JSON text, each with name, type, restart_required, min, max.

    The text is ``{"configuration-parameters": [...]}`` or the list alone; an entry has
    ``name``, ``type``, ``restart_required`` and, for numbers, ``min`` or ``min_size`` and
    ``max`` or ``max_size``. With ``datastores``, a list, it is for these managers only.
    Raises ``BadRequest`` that names the entry at fault.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise exception.BadRequest(f'The parameters are no JSON: {error}') from error
    if isinstance(content, dict):
        content = content.get('configuration-parameters')
    if not isinstance(content, list):
        raise exception.BadRequest('The parameters must be a list, or an object with "configuration-parameters".')
    entries = [_parse_parameter(position, entry) for position, entry in enumerate(content, 1)]
    names = [entry['name'] for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise exception.BadRequest(f"Parameter '{name}' is there more than once.")
    return entries


def _parse_parameter(position: int, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise exception.BadRequest(f'Parameter {position} must be an object.')
    name = entry.get('name')
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise exception.BadRequest(f'Parameter {position} needs a "name" of 1 to 128 characters.')
    if entry.get('type') not in PARAMETER_TYPES:
        raise exception.BadRequest(f'Parameter \'{name}\' needs a "type": {", ".join(PARAMETER_TYPES)}.')
    if entry.get('restart_required') not in (True, False):
        raise exception.BadRequest(f'Parameter \'{name}\' needs "restart_required": true or false.')
    parsed = {
        'name': name,
        'type': entry['type'],
        'restart_required': bool(entry['restart_required']),
        'min': _parse_bound(entry, 'min'),
        'max': _parse_bound(entry, 'max'),
    }
    low, high = parsed['min'], parsed['max']
    if low is not None and high is not None and float(low) > float(high):
        raise exception.BadRequest(f"Parameter '{name}' has a minimum above its maximum.")
    if 'datastores' in entry:
        if not isinstance(entry['datastores'], list):
            raise exception.BadRequest(f'The "datastores" of parameter \'{name}\' must be a list.')
        parsed['datastores'] = entry['datastores']
    return parsed


def _parse_bound(entry: dict[str, Any], which: str) -> str | None:
    value = entry.get(which, entry.get(f'{which}_size'))
    if value is None or entry['type'] not in BOUNDED_TYPES:
        return None
    number = int if entry['type'] == 'integer' else float
    try:
        return str(number(str(value)))
    except ValueError as error:
        raise exception.BadRequest(f"The {which} of parameter '{entry['name']}' is no {entry['type']}.") from error
