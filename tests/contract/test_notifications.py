"""Notifications of another service, on a real broker, wake the look at the provider."""

import queue

import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures.broker import shared_broker  # noqa: F401
from trove.common.rpc import notifications
from trove.common.rpc import transport as bus
from trove.taskmanager import manager

TOPICS = ('notifications', 'versioned_notifications')
LIMIT_SECONDS = 60


class Look:
    """Remembers that it was woken."""

    def __init__(self):
        self.wakes = queue.Queue()

    def wake(self):
        self.wakes.put(True)


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made([], project='trove', default_config_files=[], default_config_dirs=[])
    return made


def listener(conf, look, url):
    return manager.listen(conf, notifications.Source(TOPICS, 'nova', url), look, executor='threading')


@pytest.fixture
def look(conf, shared_broker):  # noqa: F811
    made = Look()
    part = listener(conf, made, shared_broker.url)
    part.start()
    part._beginning.join(LIMIT_SECONDS)
    yield made
    part.stop()


@pytest.fixture
def tell(conf, shared_broker):  # noqa: F811
    """Tell of an event as Nova does."""
    nova = cfg.ConfigOpts()
    nova([], project='nova', default_config_files=[], default_config_dirs=[])
    oslo_messaging.set_transport_defaults('nova')
    transport = oslo_messaging.get_notification_transport(nova, url=shared_broker.url)
    # It is a default of the whole process, and read when a transport is made.
    oslo_messaging.set_transport_defaults(bus.EXCHANGE)

    def send(topic, event_type, level='info'):
        notifier = oslo_messaging.Notifier(transport, 'nova-compute:host', driver='messagingv2', topics=[topic])
        getattr(notifier, level)({}, event_type, {'secret': 'canary'})

    yield send
    transport.cleanup()


def test_events_of_servers_wake_the_look_and_no_others(look, tell, caplog):
    caplog.set_level('DEBUG', logger='trove')
    tell('notifications', 'compute.instance.delete.end')
    look.wakes.get(timeout=LIMIT_SECONDS)
    tell('versioned_notifications', 'instance.power_off.end')
    look.wakes.get(timeout=LIMIT_SECONDS)
    tell('notifications', 'scheduler.select_destinations.end')
    tell('notifications', 'compute.instance.create.error', 'error')
    look.wakes.get(timeout=LIMIT_SECONDS)
    assert look.wakes.empty()
    assert 'Woken by instance.power_off.end' in caplog.text
    assert 'canary' not in caplog.text


def test_a_bus_that_is_away_keeps_nobody_waiting(conf):
    part = listener(conf, Look(), 'rabbit://user:canary@127.0.0.1:1/')
    part.start()
    part.stop()


def test_the_password_of_the_bus_is_not_shown():
    assert 'canary' not in repr(notifications.Source(TOPICS, 'nova', 'rabbit://user:canary@127.0.0.1:1/'))
