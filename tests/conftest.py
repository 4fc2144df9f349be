"""Fixtures that tests of every kind share, one module per kind of outside part; who runs what, and what is measured."""

import functools

import coverage
import pytest
from xdist.scheduler import LoadFileScheduling

from trove.standalone import broker

pytest_plugins = [
    'tests.fixtures.broker',
    'tests.fixtures.databases',
]

STACKS = ('shared_stack', 'fragile_stack')
"""Fixtures of ``tests/e2e``; each of them takes half a minute to come and go."""


UNMEASURED = ('e2e', 'chaos', 'durability')
"""Folders whose tests say nothing new about coverage, which doubles the processor's time."""


def pytest_configure(config):
    """Let processes that run tests at the same time choose among ports of their own."""
    worker = getattr(config, 'workerinput', None)
    if worker is not None:
        number = int(worker['workerid'].removeprefix('gw'))
        broker.PORTS = broker.PORTS[number :: worker['workercount']]


class Measuring:
    """The coverage of this process, which can be held. pytest-cov may have one measure within another."""

    _held = []

    @classmethod
    def hold(cls):
        while (running := coverage.Coverage.current()) is not None:
            running.stop()
            cls._held.append(running)

    @classmethod
    def go_on(cls):
        while cls._held:
            cls._held.pop().start()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    Measuring.hold() if folder in UNMEASURED else Measuring.go_on()


def pytest_sessionfinish():
    Measuring.go_on()


@functools.cache
def stack_in(path):
    """Return which stack the tests of a file use."""
    text = path.read_text(encoding='utf-8')
    return next((stack for stack in STACKS if stack in text), None)


class Together(LoadFileScheduling):
    """Lets one process run all tests of a file, and of all files that use the same stack."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return stack_in(self.config.rootpath / file) or file


def pytest_xdist_make_scheduler(config, log):
    """With ``--dist loadfile``, files that belong together are run by one process."""
    return Together(config, log) if config.getvalue('dist') == 'loadfile' else None
