"""Accounts of guests at a real RabbitMQ, and what becomes of a broker that is away or lost everything."""

import json

import pytest
from oslo_config import cfg

from tests.fixtures import guest_bus
from trove.broker import base as broker
from trove.broker import options, rabbitmq
from trove.common import exception
from trove.common.rpc import sealed

INSTANCE = '00000000-0000-4000-8000-00000000000a'
OTHER = '00000000-0000-4000-8000-00000000000b'


def configure(url, **settings):
    conf = cfg.CONF
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    conf.register_opts(options.RABBITMQ_OPTS, options.GROUP)
    for name, value in {'management_timeout': 60, **settings}.items():
        conf.set_override(name, value, options.GROUP)
    # The library registers its options with the first look at a URL.
    rabbitmq.oslo_messaging.TransportURL.parse(conf, 'fake://')
    conf.set_override('transport_url', url)
    return conf


@pytest.fixture
def accounts(shared_broker):
    made = rabbitmq.RabbitMQ(configure(shared_broker.url, management_url=shared_broker.management_url))
    yield made
    for instance_id in (INSTANCE, OTHER):
        made.delete(instance_id)
    cfg.CONF.reset()


def account(instance_id=INSTANCE):
    return broker.account_of(guest_bus.key_of(instance_id))


def test_account_is_made_once_and_mended(accounts, shared_broker):
    assert accounts.find_missing([INSTANCE, OTHER]) == [INSTANCE, OTHER]
    for instance_id in (INSTANCE, OTHER, INSTANCE):
        accounts.make(account(instance_id))
    assert sorted(accounts.list_instance_ids()) == [INSTANCE, OTHER]
    assert accounts.find_missing([INSTANCE, OTHER]) == []
    rights = json.loads(shared_broker.control('list_user_permissions', f'trove-guest.{INSTANCE}', '--formatter=json'))
    pattern = rf'^(guest|guestagent)\.{INSTANCE}([._].*)?$'
    assert rights == [{'vhost': '/', 'configure': pattern, 'write': pattern, 'read': pattern}]
    bindings = shared_broker.control('list_bindings', 'source_name', 'destination_name', 'routing_key').splitlines()
    assert bindings.count(f'{sealed.exchange_of(INSTANCE)}\ttrove\ttrove-conductor') == 1


def test_account_without_its_way_to_conductors_is_missing(accounts):
    accounts.make(account())
    accounts._remove('exchanges', '/', sealed.exchange_of(INSTANCE))
    assert accounts.find_missing([INSTANCE]) == [INSTANCE]


def test_deleted_account_is_gone_and_others_stay(accounts):
    for instance_id in (INSTANCE, OTHER):
        accounts.make(account(instance_id))
    assert accounts.delete(INSTANCE)
    assert accounts.delete(INSTANCE)
    assert accounts.list_instance_ids() == [OTHER]
    assert accounts.find_missing([OTHER]) == []


def test_what_guests_can_fill_is_bounded(accounts, shared_broker):
    accounts.make(account())
    found = json.loads(shared_broker.control('list_policies', '--formatter=json'))
    assert {policy['name'] for policy in found} == {'trove-guests', 'trove-conductors', 'trove-answers'}
    assert all(json.loads(policy['definition']) for policy in found)


@pytest.mark.parametrize('port', [1, None])
def test_broker_that_is_away_or_refuses_us_is_tried_again(shared_broker, port):
    url = 'http://127.0.0.1:1' if port else shared_broker.management_url
    conf = configure(shared_broker.url, management_url=url, management_user='nobody', management_password='Canary')
    with pytest.raises(exception.ComputeBusy) as caught:
        rabbitmq.RabbitMQ(conf).make(account())
    assert 'Canary' not in str(caught.value)
    conf.reset()


def test_guest_is_told_a_bus_that_it_reaches(shared_broker):
    conf = configure(shared_broker.url, guest_bus_url='rabbit://10.0.0.5:5671,10.0.0.6:5671/')
    wanted = account()
    url = rabbitmq.RabbitMQ(conf).bus_url(wanted)
    login = f'trove-guest.{INSTANCE}:{wanted.password}'
    assert url == f'rabbit://{login}@10.0.0.5:5671,{login}@10.0.0.6:5671/'
    assert shared_broker.settings.password not in url
    conf.reset()


@pytest.mark.parametrize('url', ['fake://', 'rabbit://'])
def test_bus_without_accounts_is_no_bus_for_guests(url):
    conf = configure(url)
    with pytest.raises(exception.ConfigurationError):
        rabbitmq.RabbitMQ(conf)
    conf.reset()


def test_another_virtual_host_is_a_mistake(shared_broker):
    conf = configure(shared_broker.url, guest_bus_url='rabbit://10.0.0.5:5671/another')
    with pytest.raises(exception.ConfigurationError, match='virtual host'):
        rabbitmq.RabbitMQ(conf)
    conf.reset()
