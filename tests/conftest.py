"""Fixtures that tests of every kind share, one module per kind of outside part."""

import pytest

pytest_plugins = [
    'tests.fixtures.broker',
    'tests.fixtures.databases',
]

STACKS = ('shared_stack', 'fragile_stack')


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Let one process run all tests that share a stack, and all others of a file: what they share starts once."""
    for item in items:
        stacks = [name for name in STACKS if name in item.fixturenames]
        item.add_marker(pytest.mark.xdist_group(stacks[0] if stacks else item.location[0]))
