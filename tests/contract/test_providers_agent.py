"""The local provider with the real guest agent and real engines, over a real bus."""

import os
import pwd
import shutil
import socket
import sys

import jinja2
import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures import agents_double, engines, guest_bus, local_provider
from tests.fixtures.broker import shared_broker  # noqa: F401
from trove.broker import base as broker
from trove.broker import options as broker_options
from trove.broker import rabbitmq
from trove.common import clock, exception, plugs, rpc, wire
from trove.common import context as trove_context
from trove.common.rpc import sealed, transport
from trove.compute.local import users
from trove.conductor import api as conductor_api
from trove.conductor import gate
from trove.conductor import manager as conductor_manager
from trove.guestagent import api as guest_api
from trove.guestagent import requests
from trove.testing import providers

until = providers.until
DATASTORES = ('mariadb', 'postgresql', 'redis')
# What an engine logs last when it was given the time to end well.
FAREWELLS = {'mariadb': 'Shutdown complete', 'postgresql': 'database system is shut down', 'redis': 'bye bye'}
# The agents' Python has to be one that the service user may execute.
PROGRAM = shutil.which(os.path.basename(sys.executable), path=os.path.dirname(sys.executable)) or sys.executable


@pytest.fixture(scope='module')
def conf(shared_broker, tmp_path_factory):  # noqa: F811
    """A configuration with a bus."""
    path = tmp_path_factory.mktemp('bus') / 'trove.conf'
    path.write_text(f'[DEFAULT]\ntransport_url = {shared_broker.url}\n', encoding='utf-8')
    # The bus library registers some of its options on the global configuration only.
    made = cfg.CONF
    made.register_opts(guest_api.OPTS)
    made(['--config-file', str(path)], project='trove-test', default_config_dirs=[])
    # What is asked before the guest listens is lost.
    made.set_override('agent_call_low_timeout', 4)
    transport.start(made)
    yield made
    transport.stop()
    made.clear()
    made.reset()


@pytest.fixture(scope='module')
def accounts(conf, shared_broker):  # noqa: F811
    conf.register_opts(broker_options.RABBITMQ_OPTS, broker_options.GROUP)
    conf.set_override('management_url', shared_broker.management_url, broker_options.GROUP)
    return rabbitmq.RabbitMQ(conf)


@pytest.fixture
def world():
    if local_provider.is_root():
        entry = pwd.getpwnam(local_provider.SERVICE_USER)
        try:
            users.User(entry.pw_name, entry.pw_uid, entry.pw_gid).check_reach(PROGRAM, '')
        except exception.ComputeError as error:
            pytest.skip(str(error))
    made = local_provider.LocalWorld(
        guest_command=[PROGRAM, '-m', 'trove.cmd.guest'], report_interval=1, stop_timeout_seconds=60
    )
    yield made
    made.clean()


class Reports:
    """The conductor's end: it hands answers on and writes nothing down."""

    target = oslo_messaging.Target(version=conductor_api.VERSION)

    def __init__(self):
        self._known = {}
        self._manager = conductor_manager.Manager('nowhere', clock.Clock(), agents_double.DeafWaker())

    def add(self, key):
        self._known[key.instance_id] = key

    def keys(self, instance_id, key_id):
        return [self._known[instance_id]] if instance_id in self._known else []

    @rpc.expose
    def heartbeat(self, context, instance_id, payload, sent):
        pass

    @rpc.expose
    def job_ended(self, context, instance_id, job_id, error):
        pass

    @rpc.expose
    def answer(self, context, call_id, topic, outcome):
        self._manager.answer(context, call_id, topic, outcome)


@pytest.fixture(scope='module')
def reports(conf):
    made = Reports()
    target = oslo_messaging.Target(topic='trove-conductor', server='test')
    server = sealed.Server(target, made, gate.Opener(made, clock.Clock(), 300.0), 'threading')
    server.start()
    yield made
    server.stop()


def request_of(world, name, accounts, reports):
    """Return a request for an instance of a datastore."""
    description = plugs.load('trove.datastores', name)()
    info = {'guest_id': 'x', 'datastore_manager': name, 'datastore_version': '', 'tenant_id': 'project'}
    request = world.request(tcp_ports=tuple(description.tcp_ports))
    info['guest_id'] = request.instance_id
    text = '\n'.join(['[DEFAULT]', *(f'{option} = {value}' for option, value in info.items())])
    request.guest_files.update(
        {
            'guest_info.conf': f'{text}\n',
            'trove-guestagent.conf': '[DEFAULT]\n',
            'trove-guestagent.key.conf': key_file(request.instance_id, accounts, reports),
        }
    )
    return description, request


def key_file(instance_id, accounts, reports):
    """Give a guest its key and its account; return the file that it is handed."""
    key = guest_bus.key_of(instance_id)
    reports.add(key)
    account = broker.account_of(key)
    accounts.make(account)
    return f'[DEFAULT]\ntransport_url = {accounts.bus_url(account)}\ninstance_rpc_encr_key = {key.encode()}\n'


def prepare(conf, description, instance_id, reports):
    """Have the guest make its database, asking again until somebody hears it, as the flow does."""
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(description.template())
    text = template.render(flavor={'ram': 256, 'vcpus': 1}, datastore={'name': description.name, 'version': ''})
    packed = wire.pack(requests.PrepareRequest('', 256, text, root_password='CanaryRootPassword1'))
    client = guest_api.client_of(instance_id, lambda key_id: reports.keys(instance_id, key_id))
    guest = guest_api.API(instance_id, conf, client)
    context = trove_context.service_context()

    def is_heard():
        try:
            return guest.rpc_ping(context)
        except exception.TroveError:
            return False

    until(is_heard)
    guest.prepare(context, 'a.prepare', packed)


def is_serving(address, port):
    """Return whether something takes clients there."""
    try:
        socket.create_connection((address, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def has_said(world, instance_id, farewell):
    """Return whether an engine logged something."""
    logs = (world.home(instance_id) / 'log').iterdir()
    return any(farewell in path.read_text(encoding='utf-8', errors='replace') for path in logs)


def is_resumed(provider, where):
    """Return whether the engine serves; look after the servers again, as the taskmanager does every few seconds."""
    provider.resume_servers()
    return is_serving(*where)


@pytest.mark.slow
@pytest.mark.parametrize('name', DATASTORES)
def test_life_of_an_instance(world, conf, accounts, reports, name):
    missing = engines.find_missing(name)
    if missing:
        pytest.skip(missing)
    description, request = request_of(world, name, accounts, reports)
    provider, instance_id = world.provider(), request.instance_id
    where = providers.build(provider, request).addresses[0].address, description.tcp_ports[0]
    prepare(conf, description, instance_id, reports)
    until(lambda: is_serving(*where))

    providers.stop(provider, instance_id)
    assert has_said(world, instance_id, FAREWELLS[name])
    assert not is_serving(*where)
    assert not any(instance_id in line for line in local_provider.command_lines().values())

    # The agent brings back what was prepared, nobody asks it to.
    provider.start_server(instance_id)
    until(lambda: is_serving(*where))
    provider.reboot_server(instance_id)
    until(lambda: is_serving(*where))

    # Neither another flavor nor a server made anew costs the data.
    provider.resize_server(instance_id, providers.another_flavor(provider, request))
    until(lambda: is_serving(*where))
    provider.confirm_move(instance_id)
    provider.rebuild_server(request)
    until(lambda: is_serving(*where))
    assert provider.find_server(instance_id).status == providers.ACTIVE

    # The power fails: nothing is left but the folders.
    world.crash_server(instance_id)
    until(lambda: not is_serving(*where))
    assert world.provider().resume_servers() == [instance_id]
    until(lambda: is_resumed(provider, where))

    providers.delete(provider, instance_id)
    assert not is_serving(*where)
    assert not any(instance_id in line for line in local_provider.command_lines().values())
    assert provider.list_instance_ids() == []
