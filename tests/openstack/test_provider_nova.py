"""The nova provider: the contract, held against a real cloud."""

import pytest

from tests.fixtures import nova_provider
from trove.testing import providers


@pytest.fixture
def world(cloud, tmp_path):
    with nova_provider.worlds(cloud.layout.folder, tmp_path) as made:
        yield made


class TestNovaProvider(providers.ProviderContract):
    """The contract, with a management network and a public one."""
