"""Writes the configuration of every service from the templates beside this file."""

import base64
import os
import pathlib
import string

from tests.openstack.cloud import layout as layouts
from trove.standalone import files

FERNET_FOLDERS = ('fernet-keys', 'credential-keys')
FOLDERS = ('images', 'glance-staging', 'glance-tasks', 'nova', 'neutron', 'cinder/coordination', 'swift/d1')

CREDENTIALS = """\
auth_type = password
auth_url = {auth_url}
username = {name}
password = {password}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = {region}
"""

TOKENS = """\
[keystone_authtoken]
www_authenticate_uri = {auth_url}
memcached_servers = 127.0.0.1:{memcached}
service_token_roles = service
service_token_roles_required = true
{credentials}
[service_user]
send_service_user_token = true
{credentials}"""

COMMON = """\
[oslo_concurrency]
lock_path = {run}/lock-{name}
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
[oslo_policy]
enforce_scope = true
[oslo_middleware]
enable_proxy_headers_parsing = true
[oslo_messaging_notifications]
driver = noop
"""


class Values(dict[str, str]):
    """What stands in templates; some of it is made when it is asked for.

    ``$port_X`` is a port, ``$database_X`` a URL of a schema; ``$creds_X``, ``$authtoken_X``
    and ``$common_X`` are options and sections for the service user X.
    """

    def __init__(self, layout: layouts.Layout, bus_url: str) -> None:
        super().__init__(
            cloud=str(layout.folder),
            venv=str(layout.venv),
            etc=str(layout.etc),
            run=str(layout.run),
            log=str(layout.log),
            user=layout.user,
            region=layouts.REGION,
            auth_url=layout.auth_url,
            bus_url=bus_url,
        )
        self._layout = layout

    def __missing__(self, key: str) -> str:
        kind, _, name = key.partition('_')
        layout = self._layout
        credentials = CREDENTIALS.format(
            auth_url=layout.auth_url, name=name, password=layout.password, region=layouts.REGION
        )
        if kind == 'port':
            return str(layout.port(name))
        if kind == 'database':
            # Schemas of OpenStack are made with three bytes to a character.
            return layout.database_url(name).replace('utf8mb4', 'utf8')
        if kind == 'creds':
            return credentials
        if kind == 'authtoken':
            memcached = layout.port('memcached')
            return TOKENS.format(auth_url=layout.auth_url, memcached=memcached, credentials=credentials)
        if kind == 'common':
            return COMMON.format(run=layout.run, name=name)
        raise KeyError(key)


def write(layout: layouts.Layout, bus_url: str) -> None:
    """Write all files and make all folders."""
    for folder in (layout.etc, layout.run, layout.log):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        (layout.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (layout.folder, layout.instances, layout.volumes):
        folder.mkdir(exist_ok=True)
        # Guests run as somebody else; they may pass and not look around.
        folder.chmod(0o711)
    values = Values(layout, bus_url)
    for template in sorted((layouts.HERE / 'templates').rglob('*.*')):
        if template.suffix == '.template':
            continue
        target = layout.etc / template.relative_to(layouts.HERE / 'templates')
        _write(target, template, values)
    _write_computes(layout, values)
    _write_rings(layout, values)
    _link(layout, 'nova/api-paste.ini')
    _link(layout, 'neutron/api-paste.ini')
    _write_fernet_keys(layout.etc / 'keystone')
    _write_accounts(layout)


def _write(target: pathlib.Path, template: pathlib.Path, values: Values) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_private(target, string.Template(template.read_text(encoding='utf-8')).substitute(values))


def _write_computes(layout: layouts.Layout, values: Values) -> None:
    template = layouts.HERE / 'templates' / 'nova' / 'compute.template'
    for number in range(1, layout.computes + 1):
        (layout.folder / f'nova{number}').mkdir(mode=0o700, exist_ok=True)
        values['number'] = str(number)
        _write(layout.etc / 'nova' / f'compute{number}.conf', template, values)


def _write_rings(layout: layouts.Layout, values: Values) -> None:
    template = layouts.HERE / 'templates' / 'swift' / 'server.template'
    for kind in ('account', 'container', 'object'):
        values['kind'], values['kind_port'] = kind, str(layout.port(f'swift_{kind}'))
        _write(layout.etc / 'swift' / f'{kind}-server.conf', template, values)


def _link(layout: layouts.Layout, name: str) -> None:
    link = layout.etc / name
    link.unlink(missing_ok=True)
    link.symlink_to(layout.venv / 'etc' / name)


def _write_fernet_keys(folder: pathlib.Path) -> None:
    for name in FERNET_FOLDERS:
        place = folder / name
        if place.exists():
            continue
        place.mkdir(mode=0o700)
        for number in '01':
            files.write_private(place / number, base64.urlsafe_b64encode(os.urandom(32)).decode())


def _write_accounts(layout: layouts.Layout) -> None:
    lines = ['clouds:']
    for name in ('admin', 'demo'):
        lines += [
            f'  {name}:',
            '    auth:',
            f'      auth_url: {layout.auth_url}',
            f'      username: {name}',
            f'      password: {layout.password}',
            f'      project_name: {name}',
            '      user_domain_name: Default',
            '      project_domain_name: Default',
            f'    region_name: {layouts.REGION}',
            '    identity_api_version: 3',
        ]
    files.write_private(layout.clouds, '\n'.join(lines) + '\n')
    files.write_private(
        layout.folder / 'openrc',
        f'export OS_AUTH_URL={layout.auth_url} OS_USERNAME=admin OS_PASSWORD={layout.password} OS_PROJECT_NAME=admin\n'
        f'export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3\n'
        f'export OS_REGION_NAME={layouts.REGION} PATH={layout.venv}/bin:$PATH\n',
    )
