"""What a broker node is told; the node itself is tried in tests/contract."""

import pytest

from trove.standalone import broker


@pytest.fixture
def node(tmp_path):
    return broker.Broker(tmp_path / 'node', port=25673)


def test_the_settings_are_made_once(node):
    first = node.settings
    assert broker.Broker(node.folder).settings == first
    assert first.port == 25673
    assert len({first.port, first.mapper_port, first.distribution_port}) == 3
    assert (node.folder / 'broker.json').stat().st_mode & 0o777 == 0o600


def test_two_nodes_share_no_secret(tmp_path):
    one, other = (broker.Broker(tmp_path / name).settings for name in 'ab')
    assert one.password != other.password
    assert one.cookie != other.cookie


def test_the_url_names_the_loopback_port(node):
    settings = node.settings
    assert node.url == f'rabbit://trove:{settings.password}@127.0.0.1:25673/'


def test_stopping_what_never_was_makes_nothing(node):
    node.stop()
    assert not node.folder.exists()
