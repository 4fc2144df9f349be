"""Fixtures that tests of every kind share, one module per kind of outside part; and who runs which tests."""

from xdist.scheduler import LoadFileScheduling

pytest_plugins = [
    'tests.fixtures.broker',
    'tests.fixtures.databases',
]

E2E = {
    'shared_stack': ('bad_input', 'changes', 'databases_and_users', 'delete_in_build', 'instances', 'secrets'),
    'fragile_stack': ('bus_away', 'killed_daemons', 'quota'),
}
STACKS = {f'tests/e2e/test_{name}.py': stack for stack, names in E2E.items() for name in names}
"""Files whose tests share a stack, which takes half a minute to come and go."""


class Together(LoadFileScheduling):
    """Lets one process run all tests of a file, and of all files that share a stack."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return STACKS.get(file, file)


def pytest_xdist_make_scheduler(config, log):
    """With ``--dist loadfile``, files that belong together are run by one process."""
    return Together(config, log) if config.getvalue('dist') == 'loadfile' else None
