"""Fixtures that tests of every kind share, one module per kind of outside part."""

pytest_plugins = [
    'tests.fixtures.broker',
    'tests.fixtures.databases',
]
