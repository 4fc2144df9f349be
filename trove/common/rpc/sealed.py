"""Sealed messages on the bus: how they are sent, and how what comes is opened before anything is done for it."""

import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import oslo_messaging
from oslo_log import log as logging
from oslo_messaging.rpc import server as rpc_server

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import exception, sealing
from trove.common.rpc import client, intake, refusals, transport

LOG = logging.getLogger(__name__)

MOST_WAITING = 64
"""Messages that are taken and not done with; more are left to the broker."""


def exchange_of(instance_id: str) -> str:
    """Return the exchange through which an instance and the control plane speak."""
    return f'{intake.GUEST_EXCHANGE}{instance_id}'


def topic_of(instance_id: str) -> str:
    """Return the topic on which the guest of an instance listens."""
    return f'guestagent.{instance_id}'


class Sender:
    """Seals messages of one direction and casts them to one topic of an instance's exchange."""

    def __init__(
        self,
        instance_id: str,
        topic: str,
        key: Callable[[], sealing.Key],
        direction: str,
        version: str,
    ) -> None:
        """``key()`` is asked for at each message, as it may be rotated."""
        self._target = oslo_messaging.Target(exchange=exchange_of(instance_id), topic=topic)
        self._key = key
        self._direction = direction
        self._version = version
        self._clock = trove_clock.Clock()

    def cast(self, context: trove_context.TroveContext, method: str, **arguments: Any) -> None:
        """Send and forget; raises ``BusError`` when the bus is seen to be away."""
        self.send(context, method, arguments)

    def send(
        self,
        context: trove_context.TroveContext,
        method: str,
        arguments: dict[str, Any],
        call_id: str | None = None,
        answer_topic: str | None = None,
    ) -> None:
        """Send a message that may ask for an answer."""
        message = sealing.Message(
            method,
            arguments,
            self._clock.time(),
            sealing.make_sequence(),
            self._version,
            context.request_id,
            call_id,
            answer_topic,
        )
        # Sealed once: should both of two tries come through, the second one is refused as a replay.
        text = self._key().seal(self._direction, message)
        client.deliver(
            lambda retries: oslo_messaging.get_rpc_client(transport.get(), self._target, retry=retries).cast(
                {}, intake.METHOD, text=text
            )
        )


class Opener(Protocol):
    """Opens what comes; ``Refused`` for what is not to be let in."""

    def open(self, text: object, exchange: str | None) -> trove_context.GuestContext:
        """Return who sent what. ``exchange`` is where the broker took it, if it is known."""


class Methods:
    """The methods of an endpoint that are exposed, by name, and the version that it serves."""

    def __init__(self, endpoint: Any) -> None:
        self._version: str = endpoint.target.version
        self._methods: Mapping[str, Callable[..., Any]] = {
            name: method for name, method in inspect.getmembers(endpoint, callable) if getattr(method, 'exposed', False)
        }

    def bind(self, context: trove_context.GuestContext) -> Callable[[], Any]:
        """Return the call that a message asks for; ``Refused`` when there is no such one."""
        message = context.message
        if not _serves(self._version, message.version):
            raise sealing.Refused('version')
        method = self._methods.get(message.method)
        if method is None:
            raise sealing.Refused('method')
        try:
            bound = inspect.signature(method).bind(context, **message.arguments)
        except TypeError:
            raise sealing.Refused('arguments') from None
        return lambda: method(*bound.args, **bound.kwargs)


def _serves(ours: str, theirs: str) -> bool:
    """Return whether an endpoint of our version has all that a message of their version may ask for."""
    try:
        (major, minor), (wanted_major, wanted_minor) = (map(int, text.split('.')) for text in (ours, theirs))
    except ValueError:
        return False
    return major == wanted_major and minor >= wanted_minor


class _Server(rpc_server.RPCServer):
    """Opens in the order in which messages come, and answers nobody by the queue that a message names."""

    def __init__(
        self, target: Any, receive: Callable[[Any], Callable[[], None] | None], executor: str | None, most: int
    ) -> None:
        super().__init__(transport.get(), target, None, **({'executor': executor} if executor else {}))
        self._receive = receive
        self._room = threading.BoundedSemaphore(most)

    def _on_incoming(self, incoming: Sequence[Any]) -> None:
        # The driver has acknowledged it already.
        work = self._receive(incoming[0])
        if work is None:
            return
        self._room.acquire()
        self._work_executor.submit(self._carry_out, work)

    def _carry_out(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._room.release()


class Server:
    """Serves sealed messages of one topic. What is refused is counted and never raised."""

    def __init__(
        self,
        target: Any,
        endpoint: Any,
        opener: Opener,
        executor: str | None = None,
        run: 'Run | None' = None,
        *,
        most: int = MOST_WAITING,
    ) -> None:
        """``run`` makes the calls of messages, and answers those that want it; by default they are only made.

        ``most`` messages are taken at a time.
        """
        self._methods = Methods(endpoint)
        self._opener = opener
        self._run = run or _run
        self._server = _Server(target, self._receive, executor, most)

    def start(self) -> None:
        """Declare the queues and take messages."""
        self._server.start()

    def stop(self) -> None:
        """Take no more messages and wait for those that run."""
        self._server.stop()
        self._server.wait()

    def _receive(self, incoming: Any) -> Callable[[], None] | None:
        """Return what is to be done for a message, or None when it was refused."""
        arguments = incoming.message.get('args')
        exchange = incoming.ctxt.get('exchange')
        if not isinstance(arguments, dict) or incoming.message.get('method') != intake.METHOD:
            # It came through a shared exchange, or was counted at the intake.
            refusals.found.note(exchange or '?', 'form')
            return None
        return lambda: self._carry_out(arguments.get('text'), exchange)

    def _call(self, context: trove_context.GuestContext) -> Any:
        return self._methods.bind(context)()

    def _carry_out(self, text: object, exchange: str | None) -> None:
        try:
            context = self._opener.open(text, exchange)
            self._run(context, functools.partial(self._call, context))
        except sealing.Refused as refusal:
            refusals.found.note(exchange or _claimed(text), refusal.reason)
        except exception.ServiceUnavailable as error:
            # The sender tells again. While the database is away this befalls every message.
            LOG.warning('A message of %s was not carried out: %s', exchange or _claimed(text), error)
        except Exception:
            # A border: what one message leads to must not end the service.
            LOG.exception('A message of %s led to an error', exchange or _claimed(text))


Run = Callable[[trove_context.GuestContext, Callable[[], Any]], None]


def _run(_context: trove_context.GuestContext, call: Callable[[], Any]) -> None:
    call()


def _claimed(text: object) -> str:
    try:
        return exchange_of(sealing.Sealed.read(text).instance_id)
    except sealing.Refused:
        return '?'
