"""The DNS drivers against their contract, and what Designate's does besides."""

import pytest
from oslo_config import cfg

from tests.fixtures import cloud_service, designate_double, http_double
from trove.common import exception, plugs
from trove.dns import base, designate, none
from trove.testing import dns as contract

FIRST, SECOND = contract.FIRST, contract.SECOND
ZONE = 'db.example.org.'


class NoneWorld(contract.World):
    """Nothing at all."""

    makes_records = False

    def dns(self):
        return none.NoDns(cfg.ConfigOpts())

    def addresses(self, host):
        return set()


class DesignateWorld(contract.World):
    """The driver over a double of Designate."""

    def __init__(self, folder, double):
        self.folder = folder
        self.double = double
        self.zone_id = double.add_zone(ZONE)

    def dns(self, **settings):
        """Return a driver; ``settings`` are options of [designate]."""
        wanted = {'zone_name': 'db.example.org', **settings}
        return designate.Designate(cloud_service.configuration(self.folder, self.double.url, designate=wanted))

    def addresses(self, host):
        return {address for records in self.double.records(f'{host}.').values() for address in records}

    def settle(self):
        self.double.settle()


@pytest.fixture
def designate_world(tmp_path):
    double = designate_double.DesignateDouble()
    double.start()
    double.add_zone('another.example.org.')
    yield DesignateWorld(tmp_path, double)
    double.stop()


class TestNone(contract.DnsContract):
    """Without host names."""

    @pytest.fixture
    def world(self):
        return NoneWorld()


class TestDesignate(contract.DnsContract):
    """With Designate."""

    @pytest.fixture
    def world(self, designate_world):
        return designate_world


def test_drivers_are_plugs():
    assert plugs.load(base.GROUP, 'none', base.Dns) is none.NoDns
    assert plugs.load(base.GROUP, 'designate', base.Dns) is designate.Designate


# -- Designate ---------------------------------------------------------------------------


def test_the_host_name_is_made_of_the_pattern(designate_world):
    assert designate_world.dns().make_record('i-1', 'Orders', [FIRST]) == 'i-1.db.example.org'
    patterned = designate_world.dns(hostname_pattern='{name}-{instance_id}.{zone}')
    assert patterned.make_record('i-1', 'Meine Datenbank!', [FIRST]) == 'meine-datenbank-i-1.db.example.org'


def test_the_zone_may_be_named_by_its_id(designate_world):
    by_id = designate_world.dns(zone_id=designate_world.zone_id, zone_name='')
    assert by_id.make_record('i-1', 'orders', [FIRST]) == 'i-1.db.example.org'


@pytest.mark.parametrize('settings', [{'zone_name': 'unknown.example.org'}, {'zone_id': 'unknown', 'zone_name': ''}])
def test_a_missing_zone_is_told(designate_world, settings):
    with pytest.raises(base.DnsError, match='there is no zone unknown'):
        designate_world.dns(**settings).make_record('i-1', 'orders', [FIRST])


def test_a_former_pattern_leaves_no_name_behind(designate_world):
    former = designate_world.dns(hostname_pattern='{name}.{zone}').make_record('i-1', 'orders', [FIRST])
    designate_world.dns().make_record('i-1', 'orders', [FIRST])
    assert designate_world.addresses(former) == set()
    assert designate_world.addresses('i-1.db.example.org') == {FIRST}


def test_the_name_of_something_else_is_left_alone(designate_world):
    double = designate_world.double
    double.add_set(designate_world.zone_id, f'orders.{ZONE}', 'A', [SECOND])
    by_name = designate_world.dns(hostname_pattern='{name}.{zone}')
    with pytest.raises(base.DnsError, match='belongs to something else'):
        by_name.make_record('i-1', 'orders', [FIRST])
    assert by_name.delete_record('i-1')
    assert designate_world.addresses('orders.db.example.org') == {SECOND}


def test_only_wanted_types_are_made(designate_world):
    dns = designate_world.dns(record_types='A')
    assert dns.make_record('i-1', 'orders', [FIRST, contract.SIXTH]) == 'i-1.db.example.org'
    assert designate_world.double.records('i-1.db.example.org.') == {'A': [FIRST]}
    assert dns.make_record('i-2', 'orders', [contract.SIXTH]) is None


def test_another_ttl_is_told_to_designate(designate_world):
    designate_world.dns().make_record('i-1', 'orders', [FIRST])
    designate_world.dns(ttl=60).make_record('i-1', 'orders', [FIRST])
    assert [one['ttl'] for one in designate_world.double.sets.values() if one['type'] == 'A'] == [60]


def test_what_is_right_is_not_written_again(designate_world):
    dns = designate_world.dns()
    for _time in range(3):
        dns.make_record('i-1', 'orders', [SECOND, FIRST])
        designate_world.settle()
    assert (designate_world.double.count('POST'), designate_world.double.count('PUT')) == (1, 0)


def test_what_designate_failed_on_is_handed_over_again(designate_world):
    dns, double = designate_world.dns(), designate_world.double
    dns.make_record('i-1', 'orders', [FIRST])
    (record,) = (one for one in double.sets.values() if one['type'] == 'A')
    record.update(status='ERROR')
    dns.make_record('i-1', 'orders', [FIRST])
    assert record['status'] == 'PENDING'
    dns.delete_record('i-1')
    record.update(status='ERROR')
    assert not dns.delete_record('i-1')
    assert record['status'] == 'PENDING'


def test_a_name_that_is_still_leaving_is_waited_for(designate_world):
    dns = designate_world.dns()
    dns.make_record('i-1', 'orders', [FIRST])
    dns.delete_record('i-1')
    with pytest.raises(base.DnsBusy):
        dns.make_record('i-1', 'orders', [SECOND])
    designate_world.settle()
    assert dns.make_record('i-1', 'orders', [SECOND])


@pytest.mark.parametrize('call', ['make', 'delete'])
def test_a_lost_answer_makes_no_second_record(designate_world, call):
    dns, double = designate_world.dns(), designate_world.double
    dns.make_record('warm-up', 'orders', [FIRST])

    def act():
        return dns.make_record('i-1', 'orders', [FIRST]) if call == 'make' else dns.delete_record('warm-up')

    before = len(double.sets)
    # The list comes, what follows it is lost on its way back.
    double.plan(http_double.PASSED, http_double.LOST)
    with pytest.raises(base.DnsBusy):
        act()
    designate_world.settle()
    act()
    assert len(double.sets) == (before + 1 if call == 'make' else before - 1)


@pytest.mark.parametrize(
    ('status', 'error'),
    [(500, base.DnsBusy), (503, base.DnsBusy), (429, base.DnsBusy), (403, base.DnsError), (400, base.DnsError)],
)
def test_refusals_are_for_now_or_for_good(designate_world, status, error):
    dns = designate_world.dns()
    designate_world.double.plan(*[status] * 8)
    with pytest.raises(error) as caught:
        dns.make_record('i-1', 'orders', [FIRST])
    assert type(caught.value) is error
    assert isinstance(caught.value, exception.ComputeError)


def test_a_token_that_is_refused_is_replaced(designate_world):
    dns = designate_world.dns()
    dns.make_record('i-1', 'orders', [FIRST])
    designate_world.double.tokens.clear()
    assert dns.make_record('i-1', 'orders', [SECOND])


def test_a_service_that_is_away_is_for_now(designate_world):
    dns = designate_world.dns()
    designate_world.double.stop()
    with pytest.raises(base.DnsBusy):
        dns.delete_record('i-1')
    designate_world.double.start()


@pytest.mark.parametrize(
    'settings',
    [{'zone_name': ''}, {'hostname_pattern': '{instance_id}'}, {'hostname_pattern': '{color}.{zone}'},
     {'hostname_pattern': '{.{zone}'}, {'hostname_pattern': '{}.{zone}'}],
)  # fmt: skip
def test_a_configuration_that_cannot_work_is_told_at_the_start(designate_world, settings):
    with pytest.raises(exception.ConfigurationError, match='designate'):
        designate_world.dns(**settings)
