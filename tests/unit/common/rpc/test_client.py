"""Wake-ups that never block; and what is sent a second time."""

import queue
import threading
from typing import Any

import oslo_messaging
import pytest

from trove.common import context, rpc
from trove.common.rpc import client as rpc_client


class ClientDouble:
    """Stands for the bus: takes casts, or is away."""

    def __init__(self, is_away: bool = False) -> None:
        self.is_away = is_away
        self.taken: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.may_go_on = threading.Event()

    def cast(self, _context: context.TroveContext, method: str, **arguments: Any) -> None:
        self.may_go_on.wait(60)
        self.taken.put((method, arguments))
        if self.is_away:
            raise OSError('connection refused')


def test_a_wake_up_is_sent() -> None:
    client = ClientDouble()
    client.may_go_on.set()
    waker = rpc.Waker(client)  # type: ignore[arg-type]
    waker.send(context.service_context(), 'run_operation', operation_id='o1')
    assert client.taken.get(timeout=60) == ('run_operation', {'operation_id': 'o1'})


def test_a_bus_that_is_away_is_survived() -> None:
    client = ClientDouble(is_away=True)
    client.may_go_on.set()
    waker = rpc.Waker(client)  # type: ignore[arg-type]
    for number in range(2):
        waker.send(context.service_context(), 'run_operation', operation_id=number)
    assert [client.taken.get(timeout=60)[1]['operation_id'] for _ in range(2)] == [0, 1]


def test_what_does_not_fit_is_dropped_and_nobody_waits() -> None:
    client = ClientDouble()
    waker = rpc.Waker(client, size=1)  # type: ignore[arg-type]
    for number in range(5):
        waker.send(context.service_context(), 'run_operation', operation_id=number)
    client.may_go_on.set()
    assert client.taken.get(timeout=60)[1] == {'operation_id': 0}


@pytest.mark.parametrize('error', [oslo_messaging.RemoteError('ValueError'), oslo_messaging.MessagingTimeout()])
def test_what_was_delivered_is_not_sent_again(error: Exception) -> None:
    tries = []

    def send(retries: int) -> None:
        tries.append(retries)
        raise error

    with pytest.raises(type(error)):
        rpc_client.deliver(send)
    assert tries == [0]
