"""The thinnest line through the whole cloud: one Redis is made, asked and deleted."""

from tests.e2e import clients


def test_a_redis_is_made_asked_and_deleted(trove, cloud, member):
    created = member.openstack_json(
        *('database', 'instance', 'create', 'cache', '--flavor', 'db.tiny', '--size', '1'),
        *('--datastore', 'redis', '--datastore-version', trove.versions['redis']),
        *('--nic', f'net-id={cloud.network_id()}'),
    )
    shown = member.await_healthy(created['id'])
    (address,) = shown['ip']
    assert clients.ask_redis(address, created['password'], 'SET', 'bird', 'wren')
    assert clients.ask_redis(address, created['password'], 'GET', 'bird') == 'wren'
    held = cloud.holdings_of(created['id'])
    assert {kind: len(rows) for kind, rows in held.items() if kind in ('servers', 'volumes', 'security groups')} == {
        'servers': 1,
        'volumes': 1,
        'security groups': 1,
    }
    member.openstack('database', 'instance', 'delete', 'cache')
    member.await_gone(created['id'])
    assert cloud.holdings_of(created['id']) == {}
