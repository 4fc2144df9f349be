"""Calls to guests: a sealed question is cast, and its sealed answer comes back by the conductor.

No queue for replies of the bus is used. A guest could answer there only with the right to write to every queue.
"""

import contextlib
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import oslo_messaging
from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common import exception, sealing
from trove.common.rpc import client, errors, refusals, sealed, service, transport

LOG = logging.getLogger(__name__)

ANSWER = 'answer'
VERSION = '1.0'
TOPIC = re.compile(r'trove-answers\.[0-9a-f]{32}', re.ASCII)
"""Topics of answers, one for each process that asks; nothing is handed on to any other topic."""
MOST_TURNS = 8
"""Answers that are looked at for one call."""

Keys = Callable[[str | None], Sequence[sealing.Key]]
"""Gives the keys of an instance: the first one seals, all of them open. They are looked for anew when none of those
that are known has the id that it is given."""


class Answers:
    """Takes the answers to the calls of this process. Its topic is served from the first call on, so after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: dict[str, queue.Queue[str]] = {}
        self._server: service.Server | None = None
        self._topic = ''

    def topic(self) -> str:
        """Return the topic for answers, and listen on it."""
        with self._lock:
            if self._server is None:
                name = uuid.uuid4().hex
                self._topic = f'trove-answers.{name}'
                server = service.Server(self._topic, name, [self])
                server.start()
                self._server = server
                transport.before_stop(self.stop)
            return self._topic

    def stop(self) -> None:
        """Listen no more; the next call listens on another topic."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()

    @contextlib.contextmanager
    def expect(self) -> Iterator[tuple[str, 'queue.Queue[str]']]:
        """Return the id of a new call, and where its answers come to as long as the block lasts."""
        call_id = uuid.uuid4().hex
        arriving: queue.Queue[str] = queue.Queue(MOST_TURNS)
        self._pending[call_id] = arriving
        try:
            yield call_id, arriving
        finally:
            del self._pending[call_id]

    @service.expose
    def answer(self, context: trove_context.TroveContext, call_id: str, text: str) -> None:
        """Take an answer; one that nobody waits for any more is dropped."""
        arriving = self._pending.get(call_id)
        if arriving is None:
            LOG.debug('An answer came that nobody waits for')
            return
        with contextlib.suppress(queue.Full):
            arriving.put_nowait(text)


ANSWERS = Answers()
"""Those of this process."""


class GuestClient:
    """Speaks to the guest of one instance."""

    def __init__(self, instance_id: str, topic: str, version: str, keys: Keys, answers: Answers = ANSWERS) -> None:
        self._instance_id = instance_id
        self._keys = keys
        self._answers = answers
        self._sender = sealed.Sender(instance_id, topic, self._newest, sealing.TO_GUEST, version)

    def cast(self, context: trove_context.TroveContext, method: str, **arguments: Any) -> None:
        """Send and forget. The bus may lose it; raises ``BusError`` when the bus is seen to be away."""
        self._sender.cast(context, method, **arguments)

    def call(self, context: trove_context.TroveContext, method: str, timeout_seconds: float, **arguments: Any) -> Any:
        """Send and wait; raises what the guest raised, and ``MessagingTimeout`` when no answer comes in time."""
        # Without a bus the topic for answers would be waited for without end.
        transport.check_reachable()
        deadline = time.monotonic() + timeout_seconds
        topic = self._answers.topic()
        with self._answers.expect() as (call_id, arriving):
            self._sender.send(context, method, arguments, call_id, topic)
            for _turn in range(MOST_TURNS):
                try:
                    text = arriving.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    break
                answer = self._open(call_id, text)
                if answer is not None:
                    return _result_of(answer)
        raise oslo_messaging.MessagingTimeout(f'instance {self._instance_id} did not answer {method}')

    def _newest(self) -> sealing.Key:
        keys = self._keys(None)
        if not keys:
            raise exception.GuestError(reason=f'instance {self._instance_id} has no key; rebuild it, which makes one')
        return keys[0]

    def _open(self, call_id: str, text: str) -> dict[str, Any] | None:
        """Return the outcome of a call, None when the text is no answer of this guest to this call."""
        try:
            found = sealing.Sealed.read(text, transport.most_bytes())
            message = found.open(self._keys(found.key_id), sealing.TO_CONTROL)
            outcome = message.arguments.get('outcome')
            if message.method != ANSWER or message.arguments.get('call_id') != call_id or not isinstance(outcome, dict):
                raise sealing.Refused('call')
        except sealing.Refused as refusal:
            refusals.found.note(sealed.exchange_of(self._instance_id), refusal.reason)
            return None
        return outcome


def _result_of(outcome: dict[str, Any]) -> Any:
    if 'error' in outcome:
        raise errors.unpack(outcome)
    return outcome.get('result')


def hand_on(context: trove_context.TroveContext, topic: str, call_id: str, text: str) -> None:
    """Give an answer to the process that waits for it; ``Refused`` for any other topic."""
    if not TOPIC.fullmatch(topic):
        raise sealing.Refused('topic')
    door = client.Client(topic, VERSION)
    try:
        door.cast(context, ANSWER, call_id=call_id, text=text)
    except client.BusError as error:
        LOG.warning('An answer could not be handed on: %s', type(error).__name__)
