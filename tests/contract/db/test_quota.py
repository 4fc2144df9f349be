"""Quotas on every control database: exact, however many ask at once."""

import concurrent.futures
import threading
import uuid

import pytest
from oslo_config import cfg

from trove.common import clock, exception, states
from trove.db import get_db_api, models
from trove.quota import models as quota
from trove.quota import options

PROJECT = 'p' * 32


@pytest.fixture
def conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTS)
    conf([])
    return conf


def in_use(conf: cfg.ConfigOpts, project: str = PROJECT) -> dict[str, int]:
    with get_db_api().reading() as session:
        return {found.resource: found.in_use for found in quota.list_quotas(session, project, conf)}


def ask(conf: cfg.ConfigOpts, project: str, gate: threading.Barrier | None = None) -> bool:
    """Charge one instance of 3 GB; return whether it was allowed."""
    if gate is not None:
        gate.wait(30)
    amounts = {'instances': 1, 'ram': 512, 'volumes': 3}
    try:
        get_db_api().run(lambda session: quota.charge(session, project, amounts, conf))
    except exception.QuotaExceeded:
        return False
    return True


def test_twenty_five_at_once_get_exactly_ten(control_database, conf) -> None:
    gate = threading.Barrier(25)
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        allowed = list(pool.map(lambda _: ask(conf, PROJECT, gate), range(25)))
    assert sum(allowed) == 10
    assert in_use(conf) == {'instances': 10, 'ram': 5120, 'volumes': 30, 'backups': 0}


def test_eight_first_requests_of_a_new_project_all_succeed(control_database, conf) -> None:
    for project in ('a' * 32, 'b' * 32, 'c' * 32):
        gate = threading.Barrier(8)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            allowed = list(pool.map(lambda _, gate=gate, project=project: ask(conf, project, gate), range(8)))
        assert all(allowed)
        assert in_use(conf, project)['instances'] == 8


def test_nothing_is_taken_when_one_resource_does_not_suffice(control_database, conf) -> None:
    with pytest.raises(exception.QuotaExceeded, match='volumes'):
        get_db_api().run(lambda session: quota.charge(session, PROJECT, {'instances': 1, 'volumes': 41}, conf))
    assert in_use(conf) == {'instances': 0, 'ram': 0, 'volumes': 0, 'backups': 0}


def test_a_limit_of_its_own(control_database, conf) -> None:
    with get_db_api().transaction() as session:
        quota.set_limit(session, PROJECT, 'instances', 1)
        quota.set_limit(session, PROJECT, 'volumes', -1)
    assert ask(conf, PROJECT)
    assert not ask(conf, PROJECT)
    with get_db_api().reading() as session:
        limits = {found.resource: found.limit for found in quota.list_quotas(session, PROJECT, conf)}
    assert limits == {'instances': 1, 'ram': -1, 'volumes': -1, 'backups': 50}


@pytest.mark.parametrize(
    ('resource', 'limit', 'error'),
    [
        ('unicorns', 1, exception.QuotaResourceUnknown),
        ('ram', -2, exception.BadRequest),
    ],
)
def test_a_limit_that_cannot_be(control_database, resource, limit, error) -> None:
    with pytest.raises(error), get_db_api().transaction() as session:
        quota.set_limit(session, PROJECT, resource, limit)


def make_instance() -> models.Instance:
    now = clock.utcnow()
    with get_db_api().transaction() as session:
        datastore = models.Datastore(id=str(uuid.uuid4()), name=str(uuid.uuid4()))
        session.add(datastore)
        session.flush()
        version = models.DatastoreVersion(
            id=str(uuid.uuid4()), datastore_id=datastore.id, name='1', version='1', manager='redis'
        )
        session.add(version)
        session.flush()
        instance = models.Instance(
            id=str(uuid.uuid4()),
            name='i',
            project_id=PROJECT,
            datastore_version_id=version.id,
            flavor_id='1',
            task_code=states.Tasks.NONE.code,
            quota_charge={'instances': 1, 'ram': 512, 'volumes': 3},
            created=now,
            updated=now,
        )
        session.add(instance)
    return instance


def test_a_charge_is_given_back_once(control_database, conf) -> None:
    assert ask(conf, PROJECT) and ask(conf, PROJECT)
    instance = make_instance()
    for _ in range(2):
        get_db_api().run(lambda session: quota.release(session, instance))
    assert in_use(conf) == {'instances': 1, 'ram': 512, 'volumes': 3, 'backups': 0}
