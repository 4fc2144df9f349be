"""Nobody waits for a notifier, and none of them hurts another one."""

import threading

import pytest
from oslo_config import cfg

from tests.fixtures import vendor
from trove.common import exception, notification, plugs
from trove.common.notifiers import log

LIMIT_SECONDS = 20


class Remembering(notification.Notifier):
    """Remembers what it was told, and says so."""

    def __init__(self, error=None):
        self.told = []
        self.error = error
        self.heard = threading.Semaphore(0)

    def notify(self, event_type, payload, priority):
        self.told.append((event_type, payload, priority))
        self.heard.release()
        if self.error is not None:
            raise self.error

    def await_events(self, count):
        for _ in range(count):
            assert self.heard.acquire(timeout=LIMIT_SECONDS)


class Hanging(Remembering):
    """Hangs in its first event until it is let go."""

    def __init__(self):
        super().__init__()
        self.going_on = threading.Event()

    def notify(self, event_type, payload, priority):
        super().notify(event_type, payload, priority)
        assert self.going_on.wait(LIMIT_SECONDS)


def test_all_are_told():
    one, two = Remembering(), Remembering()
    told = notification.Notifications('api', {'one': one, 'two': two})
    assert told.has_listeners
    told.emit('dbaas.a', {'key': 1})
    told.emit('dbaas.b', {}, 'error')
    told.stop(LIMIT_SECONDS)
    assert one.told == two.told == [('dbaas.a', {'key': 1}, 'info'), ('dbaas.b', {}, 'error')]


def test_nobody_is_told_anything_by_default():
    nobody = notification.Notifications()
    nobody.start()
    nobody.emit('dbaas.a', {})
    nobody.stop()
    assert not nobody.has_listeners


def test_one_that_raises_is_logged_and_told_the_next_event(caplog):
    broken, other = Remembering(LookupError('no licence')), Remembering()
    told = notification.Notifications('api', {'broken': broken, 'other': other})
    told.emit('dbaas.a', {})
    told.emit('dbaas.b', {})
    told.stop(LIMIT_SECONDS)
    assert len(broken.told) == len(other.told) == 2
    assert 'Notifier broken could not tell of dbaas.a' in caplog.text
    assert 'no licence' in caplog.text


def test_one_that_hangs_delays_nobody_and_what_it_misses_is_counted(caplog):
    hanging, other = Hanging(), Remembering()
    told = notification.Notifications('api', {'hanging': hanging, 'other': other}, size=5)
    told.emit('dbaas.0', {})
    hanging.await_events(1)
    for number in range(1, 8):
        told.emit(f'dbaas.{number}', {})
        other.await_events(1)
    assert told.dropped == 2
    assert caplog.text.count('does not keep up') == 1
    told.stop(0.01)
    hanging.going_on.set()
    hanging.await_events(5)
    assert [event for event, _payload, _priority in hanging.told] == [f'dbaas.{number}' for number in range(6)]


# -- the socket --------------------------------------------------------------------------


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made.register_opts(notification.OPTS)
    made([], default_config_files=[])
    yield made
    notification.use(notification.Notifications())


def test_a_process_has_one_set(conf, caplog):
    caplog.set_level('INFO')
    conf.set_override('notifiers', ['log', 'log'])
    made = notification.start(conf, 'taskmanager')
    assert notification.get() is made
    assert made.server_type == 'taskmanager'
    made.emit('dbaas.a', {'instance_id': 'i-1'})
    made.stop(LIMIT_SECONDS)
    assert caplog.text.count('Notification dbaas.a (info): {"instance_id": "i-1"}') == 1


def test_ours_are_plugs():
    assert plugs.names(notification.GROUP) == ['log', 'messaging']
    assert plugs.load(notification.GROUP, 'log', notification.Notifier) is log.LogNotifier


def test_one_that_cannot_be_loaded_is_told(conf, tmp_path):
    conf.set_override('notifiers', ['pigeon'])
    with pytest.raises(exception.PlugError, match=r"Plug 'pigeon' of 'trove.notifiers'.*installed: log, messaging"):
        notification.check(conf)
    source = 'from trove.common import notification\nclass Half(notification.Notifier):\n    pass\n'
    with vendor.site(tmp_path) as site:
        site.install(modules={'acme_notifier': source}, trove__notifiers={'pigeon': 'acme_notifier:Half'})
        with pytest.raises(exception.PlugError, match=r'acme_notifier:Half of acme-trove 1.2 lacks __init__, notify'):
            notification.start(conf, 'api')
