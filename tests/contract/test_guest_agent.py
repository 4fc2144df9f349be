"""The agent as a process of its own on a real bus, with a real engine."""

import os
import queue
import signal
import subprocess
import sys
import time

import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures import agents_double, engines, guest_bus
from trove.broker import base as broker
from trove.broker import options as broker_options
from trove.broker import rabbitmq
from trove.common import cfg as trove_cfg
from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import exception, rpc, wire
from trove.common.rpc import sealed, transport
from trove.conductor import api as conductor_api
from trove.conductor import gate
from trove.conductor import manager as conductor_manager
from trove.guestagent import api, requests
from trove.guestagent.system import files
from trove.testing import hosts

CONTEXT = trove_context.service_context()
ENGINE = 'redis'
PATIENCE_SECONDS = 120


class Conductor:
    """Takes what the guest reports."""

    target = oslo_messaging.Target(version=conductor_api.VERSION)

    def __init__(self, key):
        self._manager = conductor_manager.Manager('nowhere', trove_clock.Clock(), agents_double.DeafWaker())
        self._keys = [key]
        self.statuses = queue.Queue()
        self.ends = queue.Queue()

    @rpc.expose
    def heartbeat(self, context, instance_id, payload, sent):
        self.statuses.put(payload)

    @rpc.expose
    def job_ended(self, context, instance_id, job_id, error):
        self.ends.put((instance_id, job_id, error))

    @rpc.expose
    def answer(self, context, call_id, topic, outcome):
        self._manager.answer(context, call_id, topic, outcome)

    def keys(self, instance_id, key_id):
        """Return the keys of the guest, as the conductor's own ring does."""
        return self._keys

    def await_status(self, status):
        while True:
            payload = self.statuses.get(timeout=PATIENCE_SECONDS)
            if payload['service_status'] == status:
                return payload


@pytest.fixture
def guest():
    made = engines.Guest(engines.WORLDS[ENGINE])
    yield made
    made.remove()


@pytest.fixture
def bus(shared_broker):
    """The control plane's end of the bus."""
    conf = cfg.CONF
    trove_cfg.register(conf, api.OPTS)
    conf([], default_config_files=[])
    conf.set_override('agent_call_low_timeout', PATIENCE_SECONDS)
    transport.start(conf, shared_broker.url)
    conf.set_override('transport_url', shared_broker.url)
    settings = shared_broker.settings
    trove_cfg.register(conf, broker_options.RABBITMQ_OPTS, broker_options.GROUP)
    conf.set_override('management_url', shared_broker.management_url, broker_options.GROUP)
    conf.set_override('management_user', settings.user, broker_options.GROUP)
    conf.set_override('management_password', settings.password, broker_options.GROUP)
    conf.set_override('management_timeout', PATIENCE_SECONDS, broker_options.GROUP)
    yield shared_broker
    transport.stop()
    conf.reset()


@pytest.fixture
def key(guest):
    return guest_bus.key_of(guest.conf.guest_id)


@pytest.fixture
def account(bus, key):
    """The URL of the guest's own account."""
    accounts = rabbitmq.RabbitMQ(cfg.CONF)
    accounts.make(broker.account_of(key))
    yield accounts.bus_url(broker.account_of(key))
    accounts.delete(key.instance_id)


@pytest.fixture
def door(guest, key):
    return api.API(guest.conf.guest_id, cfg.CONF, api.client_of(guest.conf.guest_id, lambda key_id: [key]))


@pytest.fixture
def conductor(bus, key):
    endpoint = Conductor(key)
    opener = gate.Opener(endpoint, trove_clock.Clock(), 300.0)
    target = oslo_messaging.Target(topic='trove-conductor', server='test')
    server = sealed.Server(target, endpoint, opener, 'threading')
    server.start()
    yield endpoint
    server.stop()


@pytest.fixture
def agents(guest, key):
    """``agents(bus_url, more)`` starts the guest's agent; those that still run are ended."""
    started = []
    lines = ['[DEFAULT]', 'report_interval = 1', 'health_interval = 0.2']
    for name in ('guest_id', 'datastore_manager', 'bind_address', 'mount_point', 'state_path', 'run_path', 'log_path'):
        lines.append(f'{name} = {guest.conf[name]}')
    path = f'{guest.folder}/guest.conf'

    def start(bus_url, more=''):
        ours = [
            f'transport_url = {bus_url}',
            f'instance_rpc_encr_key = {key.encode()}',
            'service_manager = process',
            more,
        ]
        engine = [f'[{ENGINE}]', f'service_user = {hosts.UNPRIVILEGED}', '']
        files.write(path, '\n'.join([*lines, *ours, *engine]))
        with open(f'{guest.folder}/agent.log', 'ab') as log:
            command = [sys.executable, '-m', 'trove.cmd.guest', '--config-file', path]
            started.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def read_log(guest):
    with open(f'{guest.folder}/agent.log', encoding='utf-8') as stream:
        return stream.read()


def prepare(guest, door, job_id='operation/prepare', **changes):
    door.prepare(CONTEXT, job_id, wire.pack(guest.request(root_password='CanaryRootPassword1', **changes)))


def is_started_anew(guest, engine):
    """Tell whether another process than before runs; in between there may be none."""
    process = guest.process()
    return process is not None and process != engine and process.is_alive()


def test_agent_prepares_once_reports_and_answers(guest, agents, conductor, account, door):
    agent = agents(account)
    assert conductor.await_status('new')['prepared'] is False
    hosts.await_true(lambda: _answers(door))
    prepare(guest, door)
    prepare(guest, door)
    assert conductor.ends.get(timeout=PATIENCE_SECONDS) == (guest.conf.guest_id, 'operation/prepare', None)
    payload = conductor.await_status('healthy')
    assert payload['prepared'] is True
    assert payload['volume']['total'] > 0
    engine = guest.process()
    with pytest.raises(exception.DatastoreOperationNotSupported) as caught:
        door.list_databases(CONTEXT)
    assert 'Traceback' not in str(caught.value)
    given = door.enable_root(CONTEXT)
    guest.login('-', given['password'])
    door.restart(CONTEXT, 'operation/restart')
    hosts.await_true(lambda: is_started_anew(guest, engine))
    engine = guest.process()
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(PATIENCE_SECONDS) == 0
    assert engine.is_alive()
    # Another agent finds the engine, says that it is well, and starts it again when it died.
    agents(account)
    conductor.statuses = queue.Queue()
    conductor.await_status('healthy')
    assert guest.process() == engine
    os.kill(engine.pid, signal.SIGKILL)
    hosts.await_true(lambda: is_started_anew(guest, engine))
    conductor.statuses = queue.Queue()
    conductor.await_status('healthy')
    assert 'CanaryRootPassword1' not in read_log(guest)
    assert given['password'] not in read_log(guest)


def test_agent_stops_starts_and_rebuilds_by_jobs(guest, agents, conductor, account, door):
    agent = agents(account)
    hosts.await_true(lambda: _answers(door))
    prepare(guest, door)
    conductor.await_status('healthy')
    assert conductor.ends.get(timeout=PATIENCE_SECONDS)[1:] == ('operation/prepare', None)
    door.stop_db(CONTEXT, 'operation/stop')
    assert conductor.ends.get(timeout=PATIENCE_SECONDS)[1:] == ('operation/stop', None)
    conductor.await_status('shutdown')
    # It stays down for another agent, too.
    agent.kill()
    agent.wait()
    conductor.statuses = queue.Queue()
    agents(account)
    conductor.await_status('shutdown')
    hosts.await_true(lambda: _answers(door))
    assert not guest.process().is_alive()
    start = wire.pack(requests.StartRequest(guest.template(512)))
    door.start_db_with_conf_changes(CONTEXT, 'operation/start', start)
    assert conductor.ends.get(timeout=PATIENCE_SECONDS)[1:] == ('operation/start', None)
    conductor.await_status('healthy')
    door.resize_fs(CONTEXT, 'operation/grow')
    assert conductor.ends.get(timeout=PATIENCE_SECONDS)[1:] == ('operation/grow', None)
    door.rebuild(CONTEXT, 'operation/rebuild', wire.pack(requests.RebuildRequest('', guest.template(512))))
    assert conductor.ends.get(timeout=PATIENCE_SECONDS)[1:] == ('operation/rebuild', None)
    guest.login('-', 'CanaryRootPassword1')
    assert 'CanaryRootPassword1' not in read_log(guest)


def test_agent_that_waits_for_its_volume_ends_when_it_is_told(guest, agents):
    agent = agents('rabbit://user:pw@127.0.0.1:1/', f'device_path = {guest.folder}/missing')
    hosts.await_true(lambda: 'missing of the volume is not there yet' in read_log(guest))
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(PATIENCE_SECONDS) == 0


def test_agent_without_its_volume_ends_with_the_reason(guest, agents):
    agent = agents('rabbit://user:pw@127.0.0.1:1/', f'device_path = {guest.folder}/missing\ndevice_timeout_seconds = 0')
    assert agent.wait(PATIENCE_SECONDS) == 1
    assert 'missing of the volume did not appear' in read_log(guest)


def test_agent_killed_in_the_middle_prepares_when_asked_again(guest, agents, conductor, account, door):
    for seconds in (0.0, 0.02, 0.05):
        agent = agents(account)
        hosts.await_true(lambda: _answers(door))
        prepare(guest, door)
        time.sleep(seconds)
        agent.kill()
        agent.wait()
    agents(account)
    hosts.await_true(lambda: _answers(door))
    prepare(guest, door)
    hosts.await_true(lambda: conductor.await_status('healthy'))
    guest.login('-', 'CanaryRootPassword1')


def test_engine_that_dies_is_told_and_started_again(guest, agents, conductor, account, door):
    agents(account)
    hosts.await_true(lambda: _answers(door))
    prepare(guest, door)
    conductor.await_status('healthy')
    engine = guest.process()
    os.kill(engine.pid, signal.SIGKILL)
    hosts.await_true(lambda: is_started_anew(guest, engine))
    conductor.statuses = queue.Queue()
    conductor.await_status('healthy')


def test_agent_without_a_bus_comes_and_goes(guest, agents):
    agent = agents('rabbit://user:CanaryBusPassword3@127.0.0.1:1/')
    hosts.await_true(lambda: 'did not get out' in read_log(guest))
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(PATIENCE_SECONDS) == 0
    assert 'CanaryBusPassword3' not in read_log(guest)


def _answers(door):
    """Ask with little patience: what is sent before the agent listens is lost."""
    cfg.CONF.set_override('agent_call_low_timeout', 5)
    try:
        return door.rpc_ping(CONTEXT)
    except exception.TroveError:
        return False
    finally:
        cfg.CONF.set_override('agent_call_low_timeout', PATIENCE_SECONDS)
