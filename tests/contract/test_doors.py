"""Every door against its endpoint: what is sent is there to be called, with these arguments."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from oslo_config import cfg

from trove.common import context
from trove.conductor import api as conductor_api
from trove.conductor import manager as conductor_manager
from trove.guestagent import api as guest_api
from trove.guestagent import manager as guest_manager
from trove.taskmanager import api as taskmanager_api
from trove.taskmanager import manager as taskmanager_manager


class Recorder:
    """Stands for the bus and remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def cast(self, _context: context.TroveContext, method: str, **arguments: Any) -> None:
        self.sent.append((method, arguments))

    send = cast

    def call(self, _context: context.TroveContext, method: str, timeout_seconds: float, **arguments: Any) -> Any:
        self.sent.append((method, arguments))


def guest_door(recorder: Recorder) -> Any:
    conf = cfg.ConfigOpts()
    conf.register_opts(guest_api.OPTS)
    conf([])
    return guest_api.API('i1', conf, recorder)  # type: ignore[arg-type]


def conductor_door(recorder: Recorder) -> Any:
    return conductor_api.API(recorder)  # type: ignore[arg-type]


def taskmanager_door(recorder: Recorder) -> Any:
    door = taskmanager_api.API('topic')
    door._waker = recorder  # type: ignore[assignment]
    return door


LOCAL = {'submit', 'cancel'}
"""Methods of doors that write to the ledger and send nothing."""

PAIRS = [
    (guest_door, guest_api.API, guest_manager.Manager),
    (conductor_door, conductor_api.API, conductor_manager.Manager),
    (taskmanager_door, taskmanager_api.API, taskmanager_manager.Manager),
]
CASES = [
    pytest.param(make, name, endpoint, id=f'{endpoint.__module__}.{name}')
    for make, door, endpoint in PAIRS
    for name, _method in inspect.getmembers(door, inspect.isfunction)
    if not name.startswith('_') and name not in LOCAL
]


@pytest.mark.parametrize(('make', 'name', 'endpoint'), CASES)
def test_what_a_door_sends_can_be_called(make: Callable[[Recorder], Any], name: str, endpoint: type) -> None:
    recorder = Recorder()
    method = getattr(make(recorder), name)
    parameters = [parameter for parameter in inspect.signature(method).parameters if parameter != 'context']
    method(context.service_context(), **dict.fromkeys(parameters, 'value'))
    ((sent, arguments),) = recorder.sent
    target = getattr(endpoint, sent)
    assert getattr(target, 'exposed', False), f'{endpoint.__module__}.{sent} is not exposed'
    inspect.signature(target).bind(None, context.service_context(), **arguments)


@pytest.mark.parametrize(('door', 'endpoint'), [(guest_api, guest_manager), (conductor_api, conductor_manager)])
def test_sealed_doors_have_the_version_of_their_endpoint(door: Any, endpoint: Any) -> None:
    assert endpoint.Manager.target.version == door.VERSION


@pytest.mark.parametrize('endpoint', [endpoint for _make, _door, endpoint in PAIRS])
def test_nothing_is_exposed_that_no_door_sends(endpoint: type) -> None:
    doors = {door for _make, door, other in PAIRS if other is endpoint}
    sent = {name for door in doors for name, _method in inspect.getmembers(door, inspect.isfunction)}
    exposed = {name for name, method in inspect.getmembers(endpoint) if getattr(method, 'exposed', False)}
    assert exposed <= sent
