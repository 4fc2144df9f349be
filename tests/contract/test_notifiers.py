"""Operations on a real ledger are told on a real broker, once they are committed, and nothing waits for that."""

import dataclasses
import queue
import threading
import time

import oslo_messaging
import pytest
from oslo_config import cfg

from tests.contract import test_flows
from tests.durability import world as durability_world
from tests.fixtures.broker import shared_broker  # noqa: F401
from trove.common import cfg as trove_cfg
from trove.common import context as trove_context
from trove.common import notification
from trove.common.rpc import transport as bus
from trove.db import get_db_api, models
from trove.db import operations as ledger
from trove.instance.flows import create, delete, resize
from trove.taskmanager import api, engine, events
from trove.taskmanager.operation import Done

LIMIT_SECONDS = 60
HOST = 'some-host'


def ending(kind):
    """Return a kind of operation that is done with its first step."""
    return type(kind.__name__, (kind,), {step: lambda self: Done() for step in kind.STEPS})


KINDS = {kind.KIND: ending(kind) for kind in (create.CreateInstance, resize.ResizeInstance, delete.DeleteInstance)}


@pytest.fixture
def place(sqlite_control_database, tmp_path):
    return durability_world.Place(sqlite_control_database.url, str(tmp_path))


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    for options in (notification.OPTS, trove_cfg.COMMON_OPTS):
        made.register_opts(options)
    made([], project='trove', default_config_files=[], default_config_dirs=[])
    made.set_override('host', HOST)
    yield made
    # It is one for the process.
    notification.use(notification.Notifications())


@pytest.fixture
def heard(conf, shared_broker):  # noqa: F811
    """What somebody who listens to the notifications of Trove hears."""
    oslo_messaging.set_transport_defaults(bus.EXCHANGE)
    transport = oslo_messaging.get_notification_transport(conf, url=shared_broker.url)
    conf.set_override('transport_url', shared_broker.url, group='oslo_messaging_notifications')
    messages = queue.Queue()

    class Endpoint:
        def info(self, context, publisher_id, event_type, payload, metadata):
            messages.put((publisher_id, event_type, payload, metadata))

        error = info

    targets = [oslo_messaging.Target(topic='notifications')]
    listener = oslo_messaging.get_notification_listener(transport, targets, [Endpoint()], executor='threading')
    # In one thread: what comes one after the other is heard so.
    listener.start(override_pool_size=1)
    yield messages
    listener.stop()
    listener.wait()
    transport.cleanup()


@pytest.fixture
def stage(place, conf):
    made = test_flows.Stage(place)
    made.conf.register_opts(events.OPTS)
    return made


def run(stage, notifications):
    """Run the operation that holds the instance to its end."""
    tools = dataclasses.replace(stage.tools, notifications=notifications)
    engine.Engine(KINDS, tools).run(stage.world.operation_id(stage.instance_id))


def test_operations_and_usage_are_told_on_the_bus(place, conf, heard):
    conf.set_override('notifiers', ['messaging'])
    notification.start(conf, 'api')
    stage = test_flows.Stage(place)
    stage.conf.register_opts(events.OPTS)
    stage.conf.set_override('notification_service_id', {durability_world.MANAGER: 'service-1'})
    publisher, event_type, payload, _metadata = heard.get(timeout=LIMIT_SECONDS)
    assert (publisher, event_type) == (f'api.{HOST}', 'dbaas.instance_create.start')
    assert payload['instance_id'] == stage.instance_id
    assert payload['tenant_id'] == stage.record.project_id
    told = [payload]

    notifications = notification.start(conf, 'taskmanager')
    run(stage, notifications)
    got = [heard.get(timeout=LIMIT_SECONDS) for _ in range(2)]
    assert [one[:2] for one in got] == [
        (f'taskmanager.{HOST}', 'dbaas.instance_create.end'),
        (HOST, 'trove.instance.create'),
    ]
    told += [one[2] for one in got]
    end, usage = told[1:]
    assert end == {**payload, 'server_type': 'taskmanager'}
    assert (usage['instance_id'], usage['state']) == (stage.instance_id, 'active')
    assert usage['instance_type_id'] == payload['flavor_id']
    assert usage['instance_size'] > 0
    assert usage['service_id'] == 'service-1'
    assert not [one for one in told if has_secrets(one)]
    notifications.stop()
    assert heard.empty()


def has_secrets(payload):
    """Return whether something in it is named or looks like a password."""
    return 'password' in str(payload).lower() or 'canary' in str(payload)


class Remembering(notification.Notifier):
    """Remembers what it was told; hangs or raises if it is to."""

    def __init__(self, act=lambda: None):
        self.told = []
        self._act = act

    def notify(self, event_type, payload, priority):
        self.told.append((event_type, dict(payload)))
        self._act()


def submit(session, subject):
    context = trove_context.TroveContext(client_ip='127.0.0.7')
    submission = ledger.Submission('restart_instance', subject, 'restart', 60.0, memo=events.origin(context))
    return api.API('nowhere').submit(session, submission)


def test_what_was_not_committed_is_not_told(place, conf):
    durability_world.World(place)
    listener = Remembering()
    notifications = notification.Notifications('api', {'listener': listener})
    notification.use(notifications)
    with pytest.raises(LookupError), get_db_api().transaction() as session:
        submit(session, 'i-1')
        raise LookupError
    with get_db_api().transaction() as session:
        submit(session, 'i-2')
        assert listener.told == []
    notifications.stop(LIMIT_SECONDS)
    ((event_type, payload),) = listener.told
    assert (event_type, payload['instance_id'], payload['client_ip']) == (
        'dbaas.instance_restart.start', 'i-2', '127.0.0.7',
    )  # fmt: skip


@pytest.mark.parametrize(
    ('kind', 'spec', 'usage', 'keys'),
    [
        (resize.ResizeInstance, {'flavor_id': '1', 'old_flavor_id': 'gone'}, 'trove.instance.modify_flavor',
         {'old_instance_size', 'modify_at'}),
        (delete.DeleteInstance, {}, 'trove.instance.delete', {'deleted_at'}),
    ],
)  # fmt: skip
def test_usage_of_changes(stage, kind, spec, usage, keys):
    stage.conf.register_opts(events.OPTS)
    stage.build()
    submission = ledger.Submission(kind.KIND, stage.instance_id, kind.STEPS[0], 60.0, spec)
    get_db_api().run(lambda session: api.API('nowhere').submit(session, submission).id)
    listener = Remembering()
    notifications = notification.Notifications('taskmanager', {'listener': listener})
    run(stage, notifications)
    notifications.stop(LIMIT_SECONDS)
    (_end, (event_type, payload)) = listener.told
    assert event_type == usage
    assert keys <= set(payload)
    assert payload['nova_volume_id'] == f'volume-{stage.instance_id}'


@pytest.mark.parametrize('trouble', ['hanging', 'raising'])
def test_a_notifier_in_trouble_does_not_hurt_the_work(stage, trouble):
    letting_go = threading.Event()

    def act():
        if trouble == 'raising':
            raise LookupError('no licence')
        letting_go.wait(LIMIT_SECONDS)

    notifications = notification.Notifications('taskmanager', {'listener': Remembering(act)}, size=1)
    notification.use(notifications)
    instances = [stage.world.tenants.create() for _ in range(2)]
    began = time.monotonic()
    for instance_id in (stage.instance_id, *instances):
        tools = dataclasses.replace(stage.tools, notifications=notifications)
        engine.Engine(KINDS, tools).run(stage.world.operation_id(instance_id))
    assert time.monotonic() - began < LIMIT_SECONDS / 2
    with get_db_api().reading() as session:
        assert {record.state for record in session.query(models.Operation)} == {ledger.DONE}
    if trouble == 'hanging':
        assert notifications.dropped > 0
    letting_go.set()
    notifications.stop(LIMIT_SECONDS)


def test_an_end_that_cannot_be_told_is_an_end(place, conf, caplog):
    # Without its option the usage cannot be put together.
    stage = test_flows.Stage(place)
    notifications = notification.Notifications('taskmanager', {'listener': Remembering()})
    run(stage, notifications)
    assert 'could not be told' in caplog.text
    with get_db_api().reading() as session:
        assert {record.state for record in session.query(models.Operation)} == {ledger.DONE}
    notifications.stop(LIMIT_SECONDS)
