"""Accounts of guests at RabbitMQ, by its management API.

A guest may configure, write and read what is named after its instance: the exchange ``guest.<id>`` and the queues
``guestagent.<id>``. Its exchange is bound to the shared one for messages to conductors alone.
"""

import threading
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

import oslo_messaging
import requests
from oslo_config import cfg
from oslo_log import log as logging

from trove.broker import base, options
from trove.common import cfg as trove_cfg
from trove.common import exception
from trove.common.rpc import sealed, transport
from trove.conductor import api as conductor_api

LOG = logging.getLogger(__name__)

PAGE_SIZE = 100
DRIVER_GROUP = 'oslo_messaging_rabbit'
ANSWERS_EXPIRE_MILLISECONDS = 30 * 60 * 1000
MISSING = 404


class RabbitMQ(base.Accounts):
    """Keeps the accounts of guests in RabbitMQ."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        trove_cfg.register(conf, options.RABBITMQ_OPTS, options.GROUP)
        trove_cfg.register(conf, conductor_api.OPTS)
        self._settings = conf[options.GROUP]
        self._conductor_topic: str = conf.conductor_queue
        oslo_messaging.set_transport_defaults(transport.EXCHANGE)
        oslo_messaging.get_rpc_transport(conf).cleanup()
        own = oslo_messaging.TransportURL.parse(conf)
        if own.transport not in ('rabbit', 'kombu') or not own.hosts:
            raise exception.ConfigurationError(reason='transport_url names a bus without accounts; see broker_accounts')
        self._exchange: str = conf.control_exchange
        self._bus = self._bus_of(conf, own)
        self._virtual_host = own.virtual_host or '/'
        user = self._settings.management_user
        login = (user, self._settings.management_password) if user else (own.hosts[0].username, own.hosts[0].password)
        self._session = _session(login, self._settings.management_cafile)
        driver = conf[DRIVER_GROUP]
        self._form = {
            'type': 'topic',
            # As oslo.messaging will declare them on both sides.
            'durable': bool(driver.amqp_durable_queues or driver.rabbit_quorum_queue),
            'auto_delete': bool(driver.amqp_auto_delete),
        }
        self._lock = threading.Lock()
        self._is_bounded = False

    def _bus_of(self, conf: cfg.ConfigOpts, own: Any) -> Any:
        """Return the bus as guests reach it."""
        url = self._settings.guest_bus_url
        if not url:
            return own
        bus = oslo_messaging.TransportURL.parse(conf, url)
        if (bus.virtual_host or '/') != (own.virtual_host or '/'):
            raise exception.ConfigurationError(reason='the virtual host of guest_bus_url is not ours')
        return bus

    # -- the contract ---------------------------------------------------------------------

    def make(self, account: base.Account) -> None:
        self._bound()
        user, exchange = user_of(account.instance_id), sealed.exchange_of(account.instance_id)
        self._put('users', user, values={'password': account.password, 'tags': ''})
        pattern = pattern_of(account.instance_id)
        rights = {'configure': pattern, 'write': pattern, 'read': pattern}
        self._put('permissions', self._virtual_host, user, values=rights)
        self._put('user-limits', user, 'max-connections', values={'value': self._settings.guest_connections})
        for name in (self._exchange, exchange):
            self._put('exchanges', self._virtual_host, name, values=self._form)
        binding = {'routing_key': self._conductor_topic, 'arguments': {}}
        self._call('POST', 'bindings', self._virtual_host, 'e', exchange, 'e', self._exchange, values=binding)
        LOG.info('The guest of instance %s has its account at the message broker', account.instance_id)

    def delete(self, instance_id: str) -> bool:
        # First the account, so that a guest that runs still makes nothing anew.
        self._remove('users', user_of(instance_id))
        topic = sealed.topic_of(instance_id)
        for kind, start in (('queues', topic), ('exchanges', topic), ('exchanges', sealed.exchange_of(instance_id))):
            for name in self._names(kind, start):
                self._remove(kind, self._virtual_host, name)
        return True

    def find_missing(self, instance_ids: Iterable[str]) -> list[str]:
        self._bound()
        users = set(self.list_instance_ids())
        path = ('exchanges', self._virtual_host, self._exchange, 'bindings', 'destination')
        found = self._get(*path, is_optional=True) or []
        bound = {one['source'] for one in found if one['routing_key'] == self._conductor_topic}
        missing = [one for one in instance_ids if one not in users or sealed.exchange_of(one) not in bound]
        if missing:
            # It may be another broker than the one that was told its bounds.
            self._is_bounded = False
        return missing

    def list_instance_ids(self) -> list[str]:
        names = [user['name'] for user in self._get('users', columns='name')]
        start = user_of('')
        return [name.removeprefix(start) for name in names if name.startswith(start)]

    def bus_url(self, account: base.Account) -> str:
        hosts = [
            oslo_messaging.TransportHost(host.hostname, host.port, user_of(account.instance_id), account.password)
            for host in self._bus.hosts
        ]
        url = oslo_messaging.TransportURL(
            self._bus.conf, self._bus.transport, virtual_host=self._bus.virtual_host, hosts=hosts, query=self._bus.query
        )
        return str(url)

    # -- bounds ---------------------------------------------------------------------------

    def _bound(self) -> None:
        """Bound what guests can fill, once for this process, and again when it has lost accounts."""
        with self._lock:
            if self._is_bounded:
                return
            conductor = f'^{self._conductor_topic}$'
            for name, pattern, limits in (
                ('trove-guests', f'^{sealed.topic_of("")}', self._most(self._settings.guest_queue_bytes)),
                ('trove-conductors', conductor, self._most(self._settings.conductor_queue_bytes)),
                ('trove-answers', '^trove-answers[.]', {'expires': ANSWERS_EXPIRE_MILLISECONDS}),
            ):
                policy = {'pattern': pattern, 'apply-to': 'queues', 'definition': limits}
                self._put('policies', self._virtual_host, name, values=policy)
            self._is_bounded = True

    @staticmethod
    def _most(most_bytes: int) -> dict[str, Any]:
        return {'max-length-bytes': most_bytes, 'overflow': 'drop-head'}

    # -- the management API ---------------------------------------------------------------

    def _names(self, kind: str, start: str) -> list[str]:
        """Return the names of queues or exchanges that belong to an instance."""
        found = self._get(
            kind, self._virtual_host, page='1', page_size=str(PAGE_SIZE), name=start, use_regex='false', columns='name'
        )
        return [one['name'] for one in found['items'] if is_named(one['name'], start)]

    def _put(self, *path: str, values: Mapping[str, Any]) -> None:
        self._call('PUT', *path, values=values)

    def _remove(self, *path: str) -> None:
        self._call('DELETE', *path, is_optional=True)

    def _get(self, *path: str, is_optional: bool = False, **query: str) -> Any:
        response = self._call('GET', *path, query=query, is_optional=is_optional)
        return None if response is None else response.json()

    def _call(
        self,
        method: str,
        *path: str,
        values: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        is_optional: bool = False,
    ) -> requests.Response | None:
        """Return the answer; None for what is missing where that may be."""
        deed = f'{method} {path[0]}'
        url = '/'.join([self._settings.management_url.rstrip('/'), 'api', *(urllib.parse.quote(p, '') for p in path)])
        try:
            response = self._session.request(
                method, url, json=values, params=query, timeout=self._settings.management_timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise base.BrokerBusy(f'{deed} was not answered ({type(error).__name__})') from error
        if response.status_code == MISSING and is_optional:
            return None
        if response.status_code in (401, 403):
            raise base.BrokerBusy(f'{deed} was refused; the operator has to correct [broker] management_user')
        if response.status_code >= 500 or response.status_code == MISSING:
            raise base.BrokerBusy(f'{deed} was answered with {response.status_code}')
        if not response.ok:
            # The text of the answer tells of names and forms, not of passwords.
            raise base.BrokerError(reason=f'{deed} was answered with {response.status_code}: {response.text[:200]}')
        return response


def _session(login: tuple[str, str], cafile: str | None) -> requests.Session:
    session = requests.Session()
    session.auth = login
    # Neither a proxy nor a netrc of the environment has a say in this.
    session.trust_env = False
    session.verify = cafile or True
    return session


def user_of(instance_id: str) -> str:
    """Return the name of a guest's account."""
    return f'trove-guest.{instance_id}'


def pattern_of(instance_id: str) -> str:
    """Return the regular expression of what a guest may configure, write and read."""
    return rf'^(guest|guestagent)\.{instance_id}([._].*)?$'


def is_named(name: str, start: str) -> bool:
    """Return whether a name is that of an instance's thing; one id may be the beginning of no other."""
    return name == start or name.startswith((f'{start}.', f'{start}_'))
