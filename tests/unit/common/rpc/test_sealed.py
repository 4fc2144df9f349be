"""What a sealed message leads to never ends the service, and what is only away is told in one line."""

import logging
from typing import Any

import oslo_messaging
import pytest
from oslo_config import cfg

from tests.fixtures import guest_bus
from trove.common import context as trove_context
from trove.common import exception, rpc
from trove.common.rpc import intake, sealed, transport

EXCHANGE = 'guest.i1'


class Endpoint:
    """Fails as it is told to."""

    target = oslo_messaging.Target(version='1.0')

    def __init__(self, error: Exception) -> None:
        self._error = error

    @rpc.expose
    def heartbeat(self, context: trove_context.GuestContext) -> None:
        raise self._error


class Opener:
    """Lets everything in."""

    def open(self, text: object, exchange: str | None) -> trove_context.GuestContext:
        found: trove_context.GuestContext = guest_bus.context_of('i1')
        return found


class Incoming:
    """A message as the driver hands it over."""

    message = {'method': intake.METHOD, 'args': {'text': 'sealed'}}
    ctxt = {'exchange': EXCHANGE}


@pytest.fixture
def _bus() -> Any:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    transport.start(conf, 'fake://')
    yield
    transport.stop()


def carry_out(error: Exception) -> None:
    """Have a message carried out that leads to an error."""
    server = sealed.Server(oslo_messaging.Target(topic='t', server='s'), Endpoint(error), Opener(), 'threading')
    work = server._receive(Incoming())
    assert work is not None
    work()


def test_a_database_that_is_away_is_one_warning_without_a_traceback(
    _bus: None, caplog: pytest.LogCaptureFixture
) -> None:
    carry_out(exception.ServiceUnavailable('The database is away.'))
    [record] = [one for one in caplog.records if one.name == sealed.__name__]
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage() == f'A message of {EXCHANGE} was not carried out: The database is away.'


def test_any_other_error_is_told_with_its_traceback(_bus: None, caplog: pytest.LogCaptureFixture) -> None:
    carry_out(KeyError('x'))
    [record] = [one for one in caplog.records if one.name == sealed.__name__]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
