"""A real cloud, Trove on it, and users of Keystone; the environment says which cloud, see cloud/README.md."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.openstack.cloud import layout as layouts
from tests.openstack.fixtures import clouds, deployment, members


@pytest.fixture(scope='session')
def cloud() -> Iterator[clouds.CloudUnderTest]:
    """The cloud; one that did not run is brought up, and stopped again."""
    was_down = clouds.bring_up()
    try:
        yield clouds.CloudUnderTest(layouts.from_environment())
    finally:
        if was_down:
            clouds.run('down')


@pytest.fixture(scope='session')
def trove(cloud: clouds.CloudUnderTest) -> Iterator[deployment.Deployment]:
    """Trove's daemons on the cloud, one set for all tests; afterwards the cloud holds what it held before."""
    before = cloud.holdings()
    made = deployment.Deployment(cloud)
    try:
        made.start()
        yield made
    finally:
        made.stop()
    after = cloud.holdings()
    left = {kind: rows for kind in after if (rows := {k: v for k, v in after[kind].items() if k not in before[kind]})}
    assert not left, left


@pytest.fixture
def make_member(trove: deployment.Deployment) -> Iterator[Callable[..., members.Member]]:
    """Return users, each with a new project unless ``project`` names one; ``roles`` are member unless named."""
    with contextlib.ExitStack() as stack:

        def make(*roles: str, project: str | None = None) -> members.Member:
            account = trove.cloud.make_account(*(roles or ('member',)), project=project)
            stack.callback(trove.cloud.delete_account, account)
            made = members.Member(trove, account)
            stack.callback(made.remove)
            return made

        yield make


@pytest.fixture
def member(make_member: Callable[..., members.Member]) -> members.Member:
    """An ordinary user with a project of its own."""
    return make_member()


@pytest.fixture(scope='module')
def module_member(trove: deployment.Deployment) -> Iterator[members.Member]:
    """An ordinary user whom the tests of a module share."""
    account = trove.cloud.make_account('member')
    made = members.Member(trove, account)
    try:
        yield made
        made.remove()
    finally:
        trove.cloud.delete_account(account)


@pytest.fixture(scope='session')
def operator(trove: deployment.Deployment) -> members.Member:
    """The administrator of the cloud at Trove's API."""
    return members.Member(trove, trove.cloud.admin)
