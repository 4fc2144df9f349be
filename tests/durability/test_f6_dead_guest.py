"""F6: a guest dies in the middle of its work. That is seen within 30 seconds, and the operation ends."""

import datetime

import pytest
import sqlalchemy as sa
from oslo_config import cfg

from tests.durability import turned
from tests.fixtures import provider_double
from trove.common import context as trove_context
from trove.common import states, wsgi
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import tables
from trove.guestagent import options as guest_options
from trove.instance import models as instance_models
from trove.instance import options as instance_options
from trove.instance import views

SEEN_SECONDS = 30
LONGEST_SECONDS = 3600.0


@pytest.fixture
def deployment(sqlite_control_database, tmp_path):
    return turned.Turned(turned.place(sqlite_control_database.url, tmp_path))


def default_of(options, name):
    conf = cfg.ConfigOpts()
    conf.register_opts(options)
    conf([], default_config_files=[])
    return conf[name]


def shown(world, instance_id, silence_seconds):
    """Return how the API with its defaults shows an instance whose guest has been silent for so long."""
    heard = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(seconds=silence_seconds)
    table = tables.service_statuses
    with get_db_api().transaction() as writer:
        writer.execute(sa.update(table).where(table.c.instance_id == instance_id).values(updated=heard))
    world.conf.set_override('agent_heartbeat_expiry', default_of(instance_options.API_OPTS, 'agent_heartbeat_expiry'))
    with get_db_api().reading() as reader:
        found = instance_models.find(reader, trove_context.service_context(), instance_id)
    req = wsgi.Request.blank('/v1.0/p1/instances')
    req.environ[wsgi.CONTEXT_KEY] = trove_context.TroveContext(project_id='p1')
    return views.short(req, found, instance_models.service_of(world.conf, found))


def die_in(deployment, job, ask=None):
    """Let a guest die in the middle of a job of an operation; return the instance."""
    world = deployment.world
    instance_id = world.tenants.create()
    if ask is not None:
        deployment.run(60.0)
        ask(instance_id)
    world.agents.dies_at[instance_id] = job
    deployment.run(30.0)
    return instance_id


def test_f6_defaults_leave_time_for_two_lost_heartbeats():
    expiry = default_of(instance_options.API_OPTS, 'agent_heartbeat_expiry')
    assert 2 * default_of(guest_options.OPTS, 'report_interval') < expiry <= SEEN_SECONDS


def test_f6_death_in_prepare_is_seen_and_the_build_ends(deployment):
    world = deployment.world
    instance_id = die_in(deployment, 'prepare')
    assert world.operations(instance_id)['create_instance'].step == 'prepare_datastore'
    assert 'message' not in shown(world, instance_id, 5)['operation']
    assert 'not been heard of' in shown(world, instance_id, SEEN_SECONDS)['operation']['message']
    assert deployment.run(LONGEST_SECONDS) < LONGEST_SECONDS
    operation = world.operations(instance_id)['create_instance']
    assert (operation.state, operation.memo['failed_step']) == (ledger.FAILED, 'prepare_datastore')
    world.check_nothing_outside(instance_id)


@pytest.mark.parametrize('job', ['stop_db', 'start_db'])
def test_f6_death_in_resize_is_seen_and_the_resize_ends(deployment, job):
    world = deployment.world
    instance_id = die_in(deployment, job, world.tenants.resize)
    assert world.operations(instance_id)['resize_instance'].state in ledger.ACTIVE_STATES
    assert 'not been heard of' in shown(world, instance_id, SEEN_SECONDS)['operation']['message']
    assert deployment.run(LONGEST_SECONDS) < LONGEST_SECONDS
    assert world.operations(instance_id)['resize_instance'].state == ledger.FAILED
    record = world.instance(instance_id)
    assert (record.flavor_id, record.task_code) == (provider_double.FLAVOR.id, states.Tasks.NONE.code)
    assert world.outside.read(instance_id, 'server.move') == ''
    world.check_quota(instance_id)


def test_f6_guest_that_comes_back_ends_what_it_began(deployment):
    world = deployment.world
    instance_id = die_in(deployment, 'prepare')
    world.agents.revive(instance_id)
    deployment.run(60.0)
    assert world.operations(instance_id)['create_instance'].state == ledger.DONE
    world.check_built(instance_id)
    assert world.effects(instance_id, 'started') == {'prepare': 1}
