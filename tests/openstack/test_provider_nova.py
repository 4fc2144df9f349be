"""The nova provider: the contract, held against a real cloud."""

import pytest

from tests.contract import providers
from tests.fixtures import nova_provider


@pytest.fixture
def world(tmp_path):
    with nova_provider.worlds(tmp_path) as made:
        yield made


class TestNovaProvider(providers.ProviderContract):
    """The contract, with a management network and a public one."""
