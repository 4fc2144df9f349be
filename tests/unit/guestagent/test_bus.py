"""The guest's end of the bus: its keys, and what it lets in."""

import pytest

from tests.fixtures import guest_bus
from trove.common import clock as trove_clock
from trove.common import exception, sealing
from trove.guestagent import bus, requests

INSTANCE = '00000000-0000-4000-8000-000000000001'


@pytest.fixture
def clock():
    return trove_clock.ManualClock()


@pytest.fixture
def key():
    return guest_bus.key_of(INSTANCE)


@pytest.fixture
def conf(tmp_path, key):
    made = guest_bus.conf_of(key, tmp_path / 'state')
    made.set_override('instance_rpc_key_number', 1)
    return made


def sealed_by(key, clock, direction=sealing.TO_GUEST, **fields):
    return key.seal(direction, sealing.Message('rpc_ping', {}, clock.time(), sealing.make_sequence(), **fields))


def renew(keys, number=2):
    key = guest_bus.key_of(INSTANCE)
    keys.renew(requests.RekeyRequest(number, key.encode()))
    return key


def test_guest_without_a_key_does_not_start(conf):
    conf.set_override('instance_rpc_encr_key', None)
    with pytest.raises(exception.ConfigurationError, match='instance_rpc_encr_key'):
        bus.Keys(conf)


def test_renewed_key_seals_and_both_open_also_after_a_restart(conf, key):
    keys = bus.Keys(conf)
    fresh = renew(keys)
    for found in (keys, bus.Keys(conf)):
        assert found.newest().id == fresh.id
        assert [one.id for one in found.all()] == [fresh.id, key.id]
    assert (conf.state_path and bus.files.read_json(f'{conf.state_path}/bus-keys.json'))['number'] == 2


def test_older_key_is_not_taken(conf, key):
    keys = bus.Keys(conf)
    renew(keys, number=1)
    assert keys.newest().id == key.id


def test_handed_over_key_wins_over_an_older_one_on_the_volume(conf):
    renew(bus.Keys(conf))
    newest = guest_bus.key_of(INSTANCE)
    conf.set_override('instance_rpc_encr_key', newest.encode())
    conf.set_override('instance_rpc_key_number', 3)
    assert [one.id for one in bus.Keys(conf).all()] == [newest.id]


def test_older_key_goes_some_time_after_the_new_one_came(conf, key, clock):
    keys = bus.Keys(conf)
    fresh = renew(keys)
    opener = bus.Opener(conf, keys, clock)
    opener.open(sealed_by(key, clock), None)
    opener.open(sealed_by(fresh, clock), None)
    clock.turn(bus.GRACE_SECONDS + 1)
    opener.open(sealed_by(key, clock), None)
    opener.open(sealed_by(fresh, clock), None)
    with pytest.raises(sealing.Refused, match='key'):
        opener.open(sealed_by(key, clock), None)


def test_message_is_carried_out_once_also_by_the_next_agent(conf, key, clock):
    text = sealed_by(key, clock)
    bus.Opener(conf, bus.Keys(conf), clock).open(text, None)
    with pytest.raises(sealing.Refused, match='replay'):
        bus.Opener(conf, bus.Keys(conf), clock).open(text, None)


def test_request_waits_for_days_and_a_call_for_minutes(conf, key, clock):
    opener = bus.Opener(conf, bus.Keys(conf), clock)
    request, call, late = sealed_by(key, clock), sealed_by(key, clock, call_id='1'), sealed_by(key, clock)
    clock.turn(24 * 3600)
    assert opener.open(request, None).message.method == 'rpc_ping'
    with pytest.raises(sealing.Refused, match='time'):
        opener.open(call, None)
    clock.turn(7 * 24 * 3600)
    with pytest.raises(sealing.Refused, match='time'):
        opener.open(late, None)


def test_only_the_control_plane_is_heard(conf, key, clock):
    opener = bus.Opener(conf, bus.Keys(conf), clock)
    with pytest.raises(sealing.Refused, match='seal'):
        opener.open(sealed_by(key, clock, sealing.TO_CONTROL), None)
    with pytest.raises(sealing.Refused, match='recipient'):
        opener.open(sealed_by(guest_bus.key_of('another'), clock), None)


def test_url_has_the_password_of_the_key(conf, key):
    bus.oslo_messaging.TransportURL.parse(conf, 'fake://')
    conf.set_override('transport_url', f'rabbit://trove-guest.{INSTANCE}:old@bus.example.org:5672/trove')
    keys = bus.Keys(conf)
    url = bus.oslo_messaging.TransportURL.parse(conf, keys.url(key))
    (host,) = url.hosts
    assert (host.username, host.password, host.hostname) == (
        f'trove-guest.{INSTANCE}',
        key.broker_password,
        'bus.example.org',
    )
    assert url.virtual_host == 'trove'
