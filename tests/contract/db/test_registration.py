"""Datastores, versions and parameters are registered, and registered again, on every database."""

import dataclasses
import json

import pytest
import sqlalchemy as sa

from trove.common import exception
from trove.datastore import registration
from trove.db import get_db_api, models

SPEC = registration.VersionSpec(
    datastore='acme', name='10.11', manager='mariadb', image_id=None, packages='', is_active=True
)
PARAMETER = {'name': 'max_connections', 'type': 'integer', 'restart_required': False, 'min': 1, 'max': 100}

pytestmark = pytest.mark.usefixtures('control_database')


@pytest.fixture
def acme(control_database):
    return registration.register_datastore('acme')


def all_of(record_class):
    with get_db_api().reading() as session:
        return session.execute(sa.select(record_class)).scalars().all()


def load(*entries, version='10.11', number=None):
    return registration.load_parameters('acme', version, json.dumps(entries), number)


# -- datastores ------------------------------------------------------------------


def test_datastore_is_created_once(acme):
    assert registration.register_datastore('acme') == acme
    assert [(datastore.id, datastore.name) for datastore in all_of(models.Datastore)] == [(acme, 'acme')]


@pytest.mark.parametrize('by', ['name', 'id'])
def test_default_version_is_set_and_left(acme, by):
    version_id = registration.register_version(SPEC)
    registration.register_datastore('acme', SPEC.name if by == 'name' else version_id)
    registration.register_datastore('acme')
    assert all_of(models.Datastore)[0].default_version_id == version_id


def test_default_version_must_exist_and_nothing_is_left_behind():
    with pytest.raises(exception.DatastoreVersionNotFound, match='acme-1'):
        registration.register_datastore('acme', 'acme-1')
    assert all_of(models.Datastore) == []


def test_version_of_another_datastore_cannot_be_the_default(acme):
    registration.register_version(SPEC)
    with pytest.raises(exception.DatastoreVersionNotFound):
        registration.register_datastore('other', '10.11')


def test_default_version_must_be_one(acme):
    registration.register_version(SPEC)
    registration.register_version(dataclasses.replace(SPEC, number='10.11.6'))
    with pytest.raises(exception.DatastoreVersionNotUnique):
        registration.register_datastore('acme', '10.11')


# -- versions --------------------------------------------------------------------


def test_version_is_created_with_its_name_as_number(acme):
    version_id = registration.register_version(SPEC)
    (version,) = all_of(models.DatastoreVersion)
    assert (version.id, version.datastore_id, version.name, version.version) == (version_id, acme, '10.11', '10.11')
    assert (version.manager, version.image_id, version.image_tags, version.packages) == ('mariadb', None, '', '')
    assert (version.is_active, version.registry_ext, version.repl_strategy) == (True, None, None)


def test_version_is_updated(acme):
    version_id = registration.register_version(SPEC)
    changed = dataclasses.replace(
        SPEC,
        manager='mysql',
        image_id='image',
        packages='a,b',
        is_active=False,
        registry_ext='acme:acme.Manager',
        repl_strategy='acme.Gtid',
    )
    assert registration.register_version(changed) == version_id
    (version,) = all_of(models.DatastoreVersion)
    assert (version.manager, version.image_id, version.packages) == ('mysql', 'image', 'a,b')
    assert (version.is_active, version.registry_ext, version.repl_strategy) == (False, 'acme:acme.Manager', 'acme.Gtid')


def test_numbers_tell_versions_of_one_name_apart(acme):
    ids = {registration.register_version(dataclasses.replace(SPEC, number=number)) for number in ('1', '2', '2')}
    assert len(ids) == 2


def test_unknown_datastore_is_refused():
    with pytest.raises(exception.DatastoreNotFound, match='acme'):
        registration.register_version(SPEC)


def test_unknown_manager_is_refused(acme):
    with pytest.raises(exception.BadRequest, match='nosuch'):
        registration.register_version(dataclasses.replace(SPEC, manager='nosuch'))
    assert all_of(models.DatastoreVersion) == []


# -- parameters ------------------------------------------------------------------


def test_parameters_are_created_and_updated(acme):
    version_id = registration.register_version(SPEC)
    assert load(PARAMETER, {'name': 'sql_mode', 'type': 'string', 'restart_required': True}) == 2
    assert load({**PARAMETER, 'max': 200, 'restart_required': True}) == 1
    found = {parameter.name: parameter for parameter in all_of(models.DatastoreParameter)}
    assert found.keys() == {'max_connections', 'sql_mode'}
    changed = found['max_connections']
    assert (changed.datastore_version_id, changed.data_type, changed.restart_required) == (version_id, 'integer', True)
    assert (changed.min_size, changed.max_size) == ('1', '200')
    assert (found['sql_mode'].min_size, found['sql_mode'].max_size) == (None, None)


def test_parameters_of_other_managers_are_left_out(acme):
    registration.register_version(SPEC)
    assert load({**PARAMETER, 'datastores': ['mysql']}, {**PARAMETER, 'name': 'x', 'datastores': ['mariadb']}) == 1
    assert [parameter.name for parameter in all_of(models.DatastoreParameter)] == ['x']


def test_parameters_belong_to_one_number(acme):
    first, second = (
        registration.register_version(dataclasses.replace(SPEC, number=number)) for number in ('10.11.1', '10.11.2')
    )
    with pytest.raises(exception.DatastoreVersionNotUnique):
        load(PARAMETER)
    load(PARAMETER, number='10.11.2')
    load(PARAMETER, version=first)
    assert {parameter.datastore_version_id for parameter in all_of(models.DatastoreParameter)} == {first, second}


def test_bad_file_changes_nothing(acme):
    registration.register_version(SPEC)
    with pytest.raises(exception.BadRequest):
        load(PARAMETER, {'name': 'half'})
    assert all_of(models.DatastoreParameter) == []


def test_unknown_version_has_no_parameters(acme):
    with pytest.raises(exception.DatastoreVersionNotFound):
        load(PARAMETER)


# -- what is offered no more --------------------------------------------------------------


def test_version_is_retired_whatever_became_of_its_manager(acme):
    registration.register_version(SPEC)
    registration.register_version(dataclasses.replace(SPEC, name='10.12'))
    with get_db_api().transaction() as session:
        session.execute(sa.update(models.DatastoreVersion).values(manager='uninstalled'))
    registration.retire_version('acme', '10.11')
    found = {version.name: (version.is_active, version.manager) for version in all_of(models.DatastoreVersion)}
    assert found == {'10.11': (False, 'uninstalled'), '10.12': (True, 'uninstalled')}


def test_retiring_what_was_never_there_is_fine(acme):
    registration.retire_version('acme', '1')
    registration.retire_version('strange', '1')
