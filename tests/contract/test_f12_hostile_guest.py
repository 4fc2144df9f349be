"""A program with the real credentials of a guest does its worst on a real broker with the real conductor."""

import contextlib
import json
import queue
import time
import zlib

import amqp
import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures import agents_double, databases, guest_bus
from trove.broker import base as broker
from trove.broker import options as broker_options
from trove.broker import rabbitmq
from trove.common import cfg as trove_cfg
from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import crypto, exception, rpc, sealing
from trove.common.rpc import intake, refusals, sealed, transport
from trove.conductor import api as conductor_api
from trove.conductor import gate
from trove.conductor import manager as conductor_manager
from trove.db import get_db_api, guest_keys, models
from trove.db.sqlalchemy import migration, session
from trove.guestagent import api as guest_api
from trove.guestagent import bus

HOSTILE = '00000000-0000-4000-8000-000000000001'
HONEST = '00000000-0000-4000-8000-000000000002'
OWN = sealed.exchange_of(HOSTILE)
CONDUCTOR = 'trove-conductor'
TASKMANAGER = 'taskmanager'
CONTEXT = trove_context.service_context()
JSON = {'content_type': 'application/json', 'content_encoding': 'utf-8'}
PATIENCE_SECONDS = 60


class Guest:
    """An honest guest: it answers."""

    target = oslo_messaging.Target(version=guest_api.VERSION)

    def __init__(self):
        self.asked = []

    @rpc.expose
    def rpc_ping(self, context):
        self.asked.append(context.message.sequence)
        return True

    @rpc.expose
    def list_databases(self, context, limit, marker, include_marker):
        raise exception.DatabaseNotFound(name='x')


class Taskmanager:
    """Notes what comes to the taskmanager's topic."""

    def __init__(self):
        self.heard = queue.Queue()

    @rpc.expose
    def run_operation(self, context, operation_id):
        self.heard.put(operation_id)


class Attacker:
    """A raw connection with the account of a guest. Each deed has a channel of its own, as a refusal closes it."""

    def __init__(self, url, key):
        self.key = key
        host = oslo_messaging.TransportURL.parse(cfg.CONF, url).hosts[0]
        self.connection = amqp.Connection(f'{host.hostname}:{host.port}', host.username, host.password)
        try:
            self.connection.connect()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Close the socket, whatever has become of the connection."""
        self.connection.collect()

    def refused(self, deed):
        """Do something; return the text by which the broker refused it."""
        channel = self.connection.channel()
        with pytest.raises(amqp.exceptions.AccessRefused) as caught:
            deed(channel)
            # A publishing is refused behind our back.
            while True:
                self.connection.drain_events(timeout=PATIENCE_SECONDS)
        assert caught.value.code == 403
        assert 'ACCESS_REFUSED' in str(caught.value)

    def publish(self, body, exchange=OWN, key=CONDUCTOR, **properties):
        headers = properties.pop('headers', {})
        message = amqp.Message(body, application_headers=headers, **{**JSON, **properties})
        self.connection.channel(1).basic_publish(message, exchange, key)

    def say(self, text, **more):
        """Send a sealed text as the real agent does."""
        self.publish(envelope({'method': intake.METHOD, 'args': {'text': text}, **more}))

    def message(self, method, moment=None, **arguments):
        return sealing.Message(
            method, arguments, time.time() if moment is None else moment, sealing.make_sequence(), conductor_api.VERSION
        )

    def report(self, method='heartbeat', key=None, moment=None, **arguments):
        """Seal and send a report; return its text."""
        text = (key or self.key).seal(sealing.TO_CONTROL, self.message(method, moment, **arguments))
        self.say(text)
        return text


def envelope(message):
    return json.dumps({'oslo.version': '2.0', 'oslo.message': json.dumps(message)})


def heartbeat(instance_id=HOSTILE, status='running', sent=None):
    payload = {'service_status': status, 'volume': None, 'prepared': True}
    return {'instance_id': instance_id, 'payload': payload, 'sent': time.time() if sent is None else sent}


def until(is_so):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Place:
    """The control plane on a broker, and two guests with accounts."""

    def __init__(self, node, folder):
        self.node = node
        self.conf = configure(node)
        crypto.make_key_file(str(folder / 'key'))
        keeper = guest_keys.Keeper(crypto.Sealer.from_file(str(folder / 'key')))
        get_db_api().run(lambda writer: seed(writer, keeper))
        self.accounts = rabbitmq.RabbitMQ(self.conf)
        self.keys = {one: keeper.keys(one)[0] for one in (HOSTILE, HONEST)}
        for key in self.keys.values():
            self.accounts.make(broker.account_of(key))
        clock = trove_clock.Clock()
        ring = guest_keys.Ring(keeper, clock)
        endpoint = conductor_manager.Manager(TASKMANAGER, clock, agents_double.DeafWaker())
        target = oslo_messaging.Target(topic=CONDUCTOR, server='test')
        self.guest = Guest()
        self.taskmanager = Taskmanager()
        self.servers = [
            sealed.Server(target, endpoint, gate.Opener(ring, clock, 300.0), 'threading'),
            bus.Bus(guest_bus.conf_of(self.keys[HONEST], folder / 'honest')).make_server(self.guest),
            rpc.Server(TASKMANAGER, 'test', [self.taskmanager], 'threading'),
        ]
        self.door = self.door_to(HONEST)

    def door_to(self, instance_id):
        client = guest_api.client_of(instance_id, lambda key_id: [self.keys[instance_id]])
        return guest_api.API(instance_id, self.conf, client)

    def attacker(self):
        key = self.keys[HOSTILE]
        return Attacker(self.accounts.bus_url(broker.account_of(key)), key)

    def status(self, instance_id=HOSTILE):
        with get_db_api().reading() as session:
            return session.get(models.ServiceStatus, instance_id)

    def check_goes_on(self):
        """Another instance's request is still answered, and the hostile one may still say what is true."""
        assert self.door.rpc_ping(CONTEXT) is True
        assert self.taskmanager.heard.empty()


def configure(node):
    conf = cfg.CONF
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    for options in (guest_api.OPTS, conductor_api.OPTS):
        trove_cfg.register(conf, options)
    trove_cfg.register(conf, broker_options.RABBITMQ_OPTS, broker_options.GROUP)
    transport.start(conf, node.url)
    conf.set_override('transport_url', node.url)
    conf.set_override('management_url', node.management_url, broker_options.GROUP)
    conf.set_override('management_timeout', PATIENCE_SECONDS, broker_options.GROUP)
    return conf


def seed(writer, keeper):
    guest_bus.seed(writer, (HOSTILE, HONEST))
    for instance_id in (HOSTILE, HONEST):
        keeper.make(writer, instance_id)


@pytest.fixture(scope='module')
def place(shared_broker, sqlite_server, tmp_path_factory):
    url = sqlite_server.make_database('hostile')
    migration.db_sync(url)
    databases.connect(url)
    made = Place(shared_broker, tmp_path_factory.mktemp('hostile'))
    for one in made.servers:
        one.start()
    yield made
    for one in made.servers:
        one.stop()
    for instance_id in (HOSTILE, HONEST):
        made.accounts.delete(instance_id)
    transport.stop()
    cfg.CONF.reset()
    session.dispose()


@pytest.fixture
def attacker(place):
    made = place.attacker()
    yield made
    place.check_goes_on()
    made.close()


@pytest.fixture
def counts(place):
    """``counts(reason, number)`` waits until so many more messages were refused for a reason."""
    before = {}

    def wait(reason, number=1):
        until(lambda: refusals.found.count(reason) - before.setdefault(reason, 0) >= number)

    for reason in ('form', 'size', 'seal', 'key', 'sender', 'replay', 'time', 'method', 'arguments', 'malformed', 'job',
                   'topic', 'version', 'recipient'):  # fmt: skip
        before[reason] = refusals.found.count(reason)
    return wait


# -- what the broker refuses -----------------------------------------------------------

OTHER = [CONDUCTOR, TASKMANAGER, f'guestagent.{HONEST}', f'{CONDUCTOR}.test', 'trove-answers.' + '0' * 32]
OTHER_EXCHANGES = ['', 'trove', sealed.exchange_of(HONEST), 'amq.topic', 'amq.direct', f'{TASKMANAGER}_fanout']


@pytest.mark.parametrize('name', OTHER)
def test_other_queues_are_neither_read_nor_touched(attacker, name):
    attacker.refused(lambda channel: channel.basic_consume(name))
    attacker.refused(lambda channel: channel.basic_get(name))
    attacker.refused(lambda channel: channel.queue_purge(name))
    attacker.refused(lambda channel: channel.queue_delete(name))
    attacker.refused(lambda channel: channel.queue_declare(name, auto_delete=False))
    own = sealed.exchange_of(HOSTILE)
    attacker.refused(lambda channel: channel.queue_bind(name, own, '#'))


@pytest.mark.parametrize('exchange', OTHER_EXCHANGES)
def test_nothing_is_published_but_to_its_own_exchange(attacker, exchange):
    message = amqp.Message('{}', **JSON)
    attacker.refused(lambda channel: channel.basic_publish(message, exchange, TASKMANAGER))


@pytest.mark.parametrize('exchange', ['trove', sealed.exchange_of(HONEST), f'{TASKMANAGER}_fanout'])
def test_shared_exchanges_are_neither_made_nor_deleted(attacker, exchange):
    attacker.refused(lambda channel: channel.exchange_declare(exchange, 'topic', auto_delete=False))
    attacker.refused(lambda channel: channel.exchange_delete(exchange))


def test_no_way_is_made_from_or_to_what_is_shared(attacker):
    own, queue_name = sealed.exchange_of(HOSTILE), sealed.topic_of(HOSTILE)
    attacker.connection.channel(1).queue_declare(queue_name, auto_delete=False)
    attacker.refused(lambda channel: channel.exchange_bind('trove', own, '#'))
    attacker.refused(lambda channel: channel.exchange_bind(own, 'trove', '#'))
    attacker.refused(lambda channel: channel.queue_bind(queue_name, 'trove', '#'))
    attacker.refused(lambda channel: channel.queue_bind(queue_name, sealed.exchange_of(HONEST), '#'))
    # What dies in a queue, or finds no way from an exchange, goes no other way either.
    dying = {'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': TASKMANAGER, 'x-message-ttl': 0}
    attacker.refused(lambda channel: channel.queue_declare(f'{queue_name}.x', auto_delete=False, arguments=dying))
    astray = {'alternate-exchange': 'trove'}
    attacker.refused(lambda channel: channel.exchange_declare(f'{own}.x', 'topic', auto_delete=False, arguments=astray))


def test_other_topics_are_not_reached_through_its_own_exchange(place, attacker):
    body = envelope({'method': 'run_operation', 'args': {'operation_id': 'forged'}, 'version': '1.0'})
    for key in (TASKMANAGER, f'{TASKMANAGER}.test', f'guestagent.{HONEST}', '#', f'{CONDUCTOR}.test'):
        attacker.publish(body, key=key)
    attacker.publish(body, headers={'CC': [TASKMANAGER], 'BCC': [TASKMANAGER]})


def test_no_account_is_named_falsely(attacker):
    """The broker holds a message to the account of its sender; it ends the channel for another one's name."""
    channel = attacker.connection.channel()
    message = amqp.Message('{}', user_id='trove', **JSON)
    with pytest.raises(amqp.exceptions.PreconditionFailed):
        channel.basic_publish(message, sealed.exchange_of(HOSTILE), CONDUCTOR)
        attacker.connection.drain_events(timeout=PATIENCE_SECONDS)


def test_connections_of_one_guest_are_few(place, attacker):
    made = []
    with pytest.raises((amqp.exceptions.NotAllowed, OSError)):
        for _number in range(place.conf[broker_options.GROUP].guest_connections + 1):
            made.append(place.attacker())
    for one in made:
        one.close()


# -- what the conductor refuses --------------------------------------------------------


def test_truth_is_heard(place, attacker):
    attacker.report(**heartbeat())
    until(lambda: place.status().description == 'running')


@pytest.mark.parametrize('method', ['heartbeat', 'job_ended'])
def test_nothing_is_said_for_another_instance(place, attacker, counts, method):
    before = place.status(HONEST).sent
    arguments = heartbeat(HONEST) if method == 'heartbeat' else {'instance_id': HONEST, 'job_id': 'a.b', 'error': None}
    attacker.report(method, **arguments)
    counts('sender')
    assert place.status(HONEST).sent == before


def test_sealed_texts_of_others_are_no_use(place, attacker, counts):
    """Whoever got hold of the text of another guest cannot send it: the broker tells the exchange it came through."""
    text = place.keys[HONEST].seal(sealing.TO_CONTROL, attacker.message('heartbeat', **heartbeat(HONEST)))
    attacker.say(text)
    counts('sender')


@pytest.mark.parametrize('direction', [sealing.TO_CONTROL, sealing.TO_GUEST])
def test_seals_are_not_forged(place, attacker, counts, direction):
    message = attacker.message('heartbeat', **heartbeat())
    if direction == sealing.TO_GUEST:
        # What the control plane sealed for it is not sent back as its own.
        attacker.say(attacker.key.seal(direction, message))
    else:
        text = attacker.key.seal(direction, message)
        attacker.say(text[:-8] + 'AAAAAAA=')
    counts('seal')
    attacker.say(guest_bus.key_of(HOSTILE).seal(sealing.TO_CONTROL, message))
    counts('key')


def test_real_messages_are_not_repeated(place, attacker, counts):
    status = place.status()
    text = attacker.report(**heartbeat(status='crashed', sent=status.sent + 1))
    until(lambda: place.status().description == 'crashed')
    attacker.report(**heartbeat(status='running', sent=status.sent + 2))
    until(lambda: place.status().description == 'running')
    for _time in range(3):
        attacker.say(text)
    counts('replay', 3)
    attacker.report(moment=time.time() - 3600, **heartbeat(status='crashed'))
    attacker.report(moment=time.time() + 3600, **heartbeat(status='crashed'))
    counts('time', 2)
    assert place.status().description == 'running'


NAMES = [
    '__init__', '_write_heartbeat', 'answer_call', 'rpc_ping', 'os.system', 'trove.common.exception.TroveError',
    "heartbeat'; DROP TABLE instances; --", '$(reboot)', '`reboot`', '../../etc/passwd', '',
]  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
def test_other_methods_are_refused(attacker, counts, name):
    attacker.report(name, **heartbeat())
    counts('method')


def test_names_of_classes_mean_nothing(attacker, counts):
    attacker.report(**heartbeat(), __class__='os.system')
    counts('arguments')
    attacker.report(instance_id={'__type__': 'uuid', '__value__': 'x'}, payload={'py/object': 'os.system'}, sent=1.0)
    counts('sender')


@pytest.mark.parametrize('job_id', ["x'; DROP TABLE guest_jobs; --", '$(reboot).prepare', 'unknown.prepare'])
def test_jobs_of_nobody_are_not_ended(attacker, counts, job_id):
    attacker.report('job_ended', instance_id=HOSTILE, job_id=job_id, error=None)
    counts('job' if job_id.startswith('unknown') else 'arguments')


@pytest.mark.parametrize('topic', [TASKMANAGER, CONDUCTOR, f'guestagent.{HONEST}', 'trove-answers.x', 'reply_1'])
def test_answers_go_to_no_other_topic(attacker, counts, topic):
    attacker.report('answer', call_id='1', topic=topic, outcome={'result': None})
    counts('topic')


BODIES = {
    'nothing': '',
    'no JSON': '{"oslo.version"',
    'deep JSON': '[' * 100_000,
    'no dict': '[]',
    'no envelope': '{}',
    'envelope in an envelope': envelope({'oslo.version': '2.0', 'oslo.message': '{}'}),
    'number for a message': json.dumps({'oslo.version': '2.0', 'oslo.message': 5}),
    'unsealed heartbeat': envelope({'method': 'heartbeat', 'args': heartbeat(), 'version': '2.0'}),
    'unsealed end of a job': envelope({'method': 'job_ended', 'args': {'instance_id': HONEST, 'job_id': 'a.b'}}),
    'no arguments': envelope({'method': 'sealed'}),
    'arguments that are none': envelope({'method': 'sealed', 'args': ['text']}),
    'bytes': b'\xff\xfe\x00',
}


@pytest.mark.parametrize('name', BODIES)
def test_what_is_no_sealed_message_is_refused(attacker, counts, name):
    attacker.publish(BODIES[name])
    counts('form')


@pytest.mark.parametrize('text', [None, 5, '', 'x', f'1:{HOSTILE}:0:x', f'2:{HOSTILE}:{"0" * 16}:AAAA', ['x'], {}])
def test_what_is_no_sealed_text_is_refused(attacker, counts, text):
    attacker.say(text)
    counts('malformed')


def test_what_is_inflated_when_it_is_read_is_not_read(attacker, counts):
    """A library would make of this message of some kilobytes one of hundreds of megabytes."""
    squeezed = zlib.compressobj(9)
    bomb = b''.join([*(squeezed.compress(b' ' * 1024**2) for _ in range(200)), squeezed.flush()])
    attacker.publish(bomb, headers={'compression': 'application/x-gzip'})
    attacker.publish(bomb, headers={'compression': 'application/x-bzip2'})
    counts('form', 2)


@pytest.mark.parametrize('content_type', ['application/x-python-serialize', 'application/x-yaml', 'text/plain', ''])
def test_other_forms_of_objects_are_not_read(attacker, counts, content_type):
    attacker.publish(b"cos\nsystem\n(S'false'\ntR.", content_type=content_type)
    counts('form')


def test_nobody_is_answered_where_a_message_says(place, attacker, counts):
    """The conductor would answer a call of the bus by a queue of the caller's choice, with rights that it lacks."""
    attacker.report('no_such_method')
    text = attacker.key.seal(sealing.TO_CONTROL, attacker.message('no_such_method'))
    attacker.say(text, _msg_id='1', _reply_q=TASKMANAGER, _timeout=2, _unique_id='1', _context_is_admin=True)
    attacker.say(text, _msg_id='1', _reply_q=TASKMANAGER, _timeout=2, _unique_id='1')
    counts('method', 3)
    time.sleep(0.5)
    place.check_goes_on()


def test_a_large_message_ends_nothing_but_its_channel(place, counts):
    attacker = place.attacker()
    attacker.publish(envelope({'method': 'sealed', 'args': {'text': 'x' * (transport.most_bytes() + 1)}}))
    counts('size')
    # The broker itself takes nothing that is larger still.
    with pytest.raises((amqp.exceptions.PreconditionFailed, OSError)) as caught:
        attacker.publish('x' * (5 * 1024**2))
        attacker.connection.drain_events(timeout=PATIENCE_SECONDS)
    assert not isinstance(caught.value, TimeoutError)
    attacker.close()
    place.check_goes_on()


def test_a_flood_keeps_nobody_from_being_answered(place, attacker, counts, caplog):
    text = attacker.key.seal(sealing.TO_CONTROL, attacker.message('heartbeat', **heartbeat()))[:-8] + 'AAAAAAA='
    number = 3000
    began, spent = time.monotonic(), time.process_time()
    for _message in range(number):
        attacker.say(text)
    counts('seal', number)
    # Of the processor's time: the clock also counts what other processes take.
    each = (time.process_time() - spent) / number
    place.check_goes_on()
    assert each < 0.005, f'{each * 1000:.2f} ms for each refused message'
    lines = [record for record in caplog.records if '(seal)' in record.getMessage()]
    assert len(lines) <= (time.monotonic() - began) / refusals.LOG_SECONDS + 1


def test_errors_of_guests_are_ours(place):
    with pytest.raises(exception.DatabaseNotFound):
        place.door.list_databases(CONTEXT)


# -- what a guest refuses --------------------------------------------------------------


def test_a_guest_obeys_nobody_but_the_control_plane(place, counts):
    """One who may write to everything, but has no key of the guest."""
    asked = len(place.guest.asked)
    stranger = guest_api.client_of(HONEST, lambda key_id: [guest_bus.key_of(HONEST)])
    stranger.cast(CONTEXT, 'rpc_ping')
    counts('key')
    other = guest_api.client_of(HONEST, lambda key_id: [place.keys[HOSTILE]])
    other.cast(CONTEXT, 'rpc_ping')
    counts('recipient')
    assert len(place.guest.asked) == asked


# -- the end ---------------------------------------------------------------------------


def test_nothing_is_left_of_a_deleted_guest(place):
    attacker = place.attacker()
    attacker.connection.channel(1).queue_declare(f'{sealed.topic_of(HOSTILE)}.hidden', auto_delete=False)
    assert HOSTILE in place.accounts.list_instance_ids()
    assert place.accounts.delete(HOSTILE)
    assert place.accounts.delete(HOSTILE)
    with pytest.raises((amqp.exceptions.AMQPError, OSError)):
        # Its connection is ended with the account.
        for _second in range(PATIENCE_SECONDS):
            with contextlib.suppress(TimeoutError):
                attacker.connection.drain_events(timeout=1)
    attacker.close()
    with pytest.raises(amqp.exceptions.AccessRefused):
        place.attacker()
    assert HOSTILE not in place.node.control('list_queues', 'name') + place.node.control('list_exchanges', 'name')
    assert place.accounts.find_missing([HOSTILE, HONEST]) == [HOSTILE]
    assert place.door.rpc_ping(CONTEXT) is True
