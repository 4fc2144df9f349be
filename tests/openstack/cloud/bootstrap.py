"""Users, catalogue, flavors, image and networks of a new cloud; runs in the cloud's own virtual environment."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from tests.openstack.cloud import layout as layouts

SERVICE_USERS = ('nova', 'placement', 'neutron', 'glance', 'cinder', 'swift', 'trove')
FLAVORS = {'db.tiny': (512, 5, 1), 'db.small': (1024, 10, 1), 'db.large': (2048, 20, 2), 'db.giant': (2**24, 20, 2)}
"""Name to MB of memory, GB of disk and processors; no host has the memory of the last one."""
PATIENCE_SECONDS = 300
REQUEST_SECONDS = 120


class BootstrapError(Exception):
    """A service refused what it was asked for."""


class Cloud:
    """What the administrator does in a new cloud. All of it may be done again."""

    def __init__(self, layout: layouts.Layout) -> None:
        self.layout = layout
        account = v3.Password(
            auth_url=layout.auth_url,
            username='admin',
            password=layout.password,
            project_name='admin',
            user_domain_id='default',
            project_domain_id='default',
        )
        self._session = session.Session(account, timeout=REQUEST_SECONDS)

    def call(self, method: str, url: str, body: Any = None, fine: Iterable[int] = ()) -> Any:
        """Send a request; codes of failures that are ``fine`` are none."""
        answer = self._session.request(url, method, json=body, raise_exc=False)
        if answer.status_code >= 400 and answer.status_code not in fine:
            raise BootstrapError(f'{method} {url}: {answer.status_code} {answer.text[:600]}')
        return answer.json() if 'json' in answer.headers.get('content-type', '') and answer.content else {}

    def ensure(self, base: str, kind: str, fields: dict[str, Any]) -> str:
        """Return the id of the thing with this name, which is made if need be."""
        for found in self.call('GET', f'{base}/{kind}s')[f'{kind}s']:
            if found['name'] == fields['name']:
                return str(found['id'])
        return str(self.call('POST', f'{base}/{kind}s', {kind: fields})[kind]['id'])

    # -- Keystone ----------------------------------------------------------------

    def make_catalogue(self) -> None:
        """Make projects, users and the catalogue."""
        base = self.layout.auth_url
        roles = {name: self.ensure(base, 'role', {'name': name}) for name in ('admin', 'service', 'member', 'reader')}
        projects = {
            name: self.ensure(base, 'project', {'name': name, 'domain_id': 'default'})
            for name in ('admin', 'service', 'demo')
        }
        users = [(name, 'service', ('admin', 'service')) for name in SERVICE_USERS]
        for name, project, names in [*users, ('demo', 'demo', ('member', 'reader'))]:
            fields = {'name': name, 'password': self.layout.password, 'domain_id': 'default'}
            user = self.ensure(base, 'user', fields)
            for role in names:
                self.call('PUT', f'{base}/projects/{projects[project]}/users/{user}/roles/{roles[role]}')
        for name, kind, url in self._services():
            self._register(name, kind, url)

    def _services(self) -> list[tuple[str, str, str]]:
        url = self.layout.url
        return [
            ('nova', 'compute', url('nova', '/v2.1')),
            ('placement', 'placement', url('placement')),
            ('glance', 'image', url('glance')),
            ('neutron', 'network', url('neutron')),
            ('cinderv3', 'volumev3', url('cinder', '/v3/$(project_id)s')),
            ('swift', 'object-store', url('swift', '/v1/AUTH_$(project_id)s')),
        ]

    def _register(self, name: str, kind: str, url: str) -> None:
        base = self.layout.auth_url
        if any(one['type'] == kind for one in self.call('GET', f'{base}/services')['services']):
            return
        service = self.call('POST', f'{base}/services', {'service': {'name': name, 'type': kind}})['service']['id']
        for interface in ('public', 'internal', 'admin'):
            fields = {'service_id': service, 'interface': interface, 'url': url, 'region_id': layouts.REGION}
            self.call('POST', f'{base}/endpoints', {'endpoint': fields})

    # -- the other services ------------------------------------------------------

    def make_resources(self) -> None:
        """Make flavors, an image, networks and a volume type."""
        nova = self.layout.url('nova', '/v2.1')
        for name, (ram, disk, vcpus) in FLAVORS.items():
            fields = {'name': name, 'id': name, 'ram': ram, 'disk': disk, 'vcpus': vcpus}
            self.call('POST', f'{nova}/flavors', {'flavor': fields}, fine=(409,))
        self._make_image('proc')
        self._make_networks()
        cinder = self.layout.url('cinder', f'/v3/{self._session.get_project_id()}')
        if not any(one['name'] == 'dir' for one in self.call('GET', f'{cinder}/types')['volume_types']):
            self.call('POST', f'{cinder}/types', {'volume_type': {'name': 'dir'}})

    def _make_image(self, name: str) -> None:
        glance = self.layout.url('glance', '/v2')
        if any(one['name'] == name for one in self.call('GET', f'{glance}/images')['images']):
            return
        fields = {'name': name, 'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'public'}
        image = self.call('POST', f'{glance}/images', fields)['id']
        headers = {'Content-Type': 'application/octet-stream'}
        self._session.put(f'{glance}/images/{image}/file', data=bytes(1024), headers=headers)

    def _make_networks(self) -> None:
        neutron = self.layout.url('neutron', '/v2.0')
        _private, subnet = self._make_network('private', 0, {'shared': True})
        self._make_network('mgmt', 1, {'shared': False})
        public, _subnet = self._make_network('public', 2, {'router:external': True})
        # A floating address needs a router between its network and the port's.
        fields = {'name': 'router', 'external_gateway_info': {'network_id': public}}
        router = self.ensure(neutron, 'router', fields)
        url = f'{neutron}/routers/{router}/add_router_interface'
        self.call('PUT', url, {'subnet_id': subnet}, fine=(400, 409))

    def _make_network(self, name: str, number: int, fields: dict[str, Any]) -> tuple[str, str]:
        neutron = self.layout.url('neutron', '/v2.0')
        prefix = self.layout.network(number)
        network = self.ensure(neutron, 'network', {'name': name, **fields})
        subnet = {
            'name': name,
            'network_id': network,
            'ip_version': 4,
            'cidr': f'{prefix}.0.0/16',
            'gateway_ip': f'{prefix}.0.1',
            'allocation_pools': [{'start': f'{prefix}.0.10', 'end': f'{prefix}.250.250'}],
            # Neutron takes loopback addresses for this kind of subnet only.
            'enable_dhcp': False,
        }
        return network, self.ensure(neutron, 'subnet', subnet)

    # -- reports -----------------------------------------------------------------

    def await_reports(self, since: str) -> None:
        """Wait until every service of Nova and Cinder has reported after a moment (UTC, ISO).

        A service counts as alive for a while after its last report, also from before a stop.
        """
        nova, cinder = self.layout.url('nova', '/v2.1'), self.layout.url('cinder', '/v3')
        wanted = {'nova-compute': self.layout.computes, 'nova-conductor': 1, 'nova-scheduler': 1}
        wanted |= {'cinder-scheduler': 1, 'cinder-volume': 1}

        def is_complete() -> bool:
            urls = (f'{nova}/os-services', f'{cinder}/{self._session.get_project_id()}/os-services')
            rows = [row for url in urls for row in self.call('GET', url)['services']]
            alive = [row['binary'] for row in rows if (row['updated_at'] or '') >= since]
            return all(alive.count(name) >= count for name, count in wanted.items())

        _until(is_complete, 'not every service of Nova and Cinder reports')

    def await_hosts(self) -> None:
        """Wait until Nova has taken up every compute service."""
        url = self.layout.url('nova', '/v2.1/os-hypervisors')
        _until(lambda: len(self.call('GET', url)['hypervisors']) >= self.layout.computes, 'Nova misses hosts')


def _until(question: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        if time.monotonic() > deadline:
            raise BootstrapError(complaint)
        time.sleep(0.3)


def main() -> int:
    """Do the named part of the work: catalogue, resources, reports SINCE, hosts."""
    cloud = Cloud(layouts.from_environment())
    what, *rest = sys.argv[1:]
    parts: dict[str, Callable[..., None]] = {
        'catalogue': cloud.make_catalogue,
        'resources': cloud.make_resources,
        'reports': cloud.await_reports,
        'hosts': cloud.await_hosts,
    }
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            parts[what](*rest)
            return 0
        except BootstrapError as error:
            print(error, file=sys.stderr)
            return 1
        except exceptions.ConnectFailure:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


if __name__ == '__main__':
    sys.exit(main())
