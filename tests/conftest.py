"""Fixtures that tests of every kind share, one module per kind of outside part; and who runs which tests."""

import functools

from xdist.scheduler import LoadFileScheduling

from trove.standalone import broker

pytest_plugins = [
    'tests.fixtures.broker',
    'tests.fixtures.databases',
]

STACKS = ('shared_stack', 'fragile_stack')
"""Fixtures of ``tests/e2e``; each of them takes half a minute to come and go."""


def pytest_configure(config):
    """Let processes that run tests at the same time choose among ports of their own."""
    worker = getattr(config, 'workerinput', None)
    if worker is not None:
        number = int(worker['workerid'].removeprefix('gw'))
        broker.PORTS = broker.PORTS[number :: worker['workercount']]


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
