"""Deployments of the local provider, which leave nothing behind."""

import pytest

from tests.fixtures import local_provider


@pytest.fixture
def make_world():
    """A function that makes deployments; its arguments are options of the provider."""
    with local_provider.worlds() as make:
        yield make


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def provider(world):
    return world.provider()


@pytest.fixture
def instance(world, provider):
    """A built instance; its request."""
    with local_provider.built(world, provider) as request:
        yield request
