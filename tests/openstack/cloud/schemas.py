"""Makes the databases of all services, by the services' own means."""

import concurrent.futures
import pathlib
import subprocess

from tests.openstack.cloud import installation
from tests.openstack.cloud import layout as layouts
from tests.openstack.cloud import services as running

NAMES = ('keystone', 'placement', 'glance', 'nova', 'nova_api', 'nova_cell0', 'neutron', 'cinder')


def make_data_folder(layout: layouts.Layout) -> None:
    """Make MariaDB's own files, unless they are there."""
    if (layout.folder / 'mysql' / 'mysql').exists():
        return
    command = ['mariadb-install-db', f'--defaults-file={layout.etc}/mysql.conf']
    options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
    installation.run([*command, *options], layout.log / 'mysql-install.log')


def query(layout: layouts.Layout, statement: str) -> str:
    """Run statements as root of the cloud's MariaDB; they are no argument, since they may hold a password."""
    # By its socket: behind a port might be the server of another cloud.
    command = ['mariadb', '--defaults-file=/dev/null', f'--socket={layout.run}/mysql.sock']
    command += ['-u', 'root', '--batch', '--skip-column-names']
    done = subprocess.run(command, input=statement, capture_output=True, text=True, check=False)
    if done.returncode:
        raise installation.CommandError(f'MariaDB refused: {done.stderr.strip()}')
    return done.stdout


def make(services: running.Services) -> None:
    """Make users and schemas of all services; ``CommandError`` tells which migration failed and how."""
    layout = services.layout
    # An earlier attempt may have failed half-way.
    lines = ['SET foreign_key_checks = 0;']
    lines += [f'CREATE OR REPLACE DATABASE {name} CHARACTER SET utf8mb3;' for name in NAMES]
    lines += [
        f"CREATE OR REPLACE USER cloud@'%' IDENTIFIED BY '{layout.password}';",
        "GRANT ALL ON *.* TO cloud@'%' WITH GRANT OPTION;",
    ]
    query(layout, '\n'.join(lines))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(_run_all, services, name, commands) for name, commands in _plans(layout).items()]:
            done.result()


def _plans(layout: layouts.Layout) -> dict[str, list[list[str]]]:
    """Return the commands by what can be done at the same time."""
    etc = layout.etc
    keystone = ['keystone-manage', '--config-file', f'{etc}/keystone/keystone.conf']
    place = [f'--bootstrap-{kind}-url={layout.url("keystone", "/v3/")}' for kind in ('public', 'internal', 'admin')]
    nova = ['nova-manage', '--config-file', f'{etc}/nova/nova.conf']
    neutron = [f'--config-file={etc}/neutron/{name}' for name in ('neutron.conf', 'plugins/ml2/ml2_conf.ini')]
    return {
        'others': [
            [*keystone, 'db_sync'],
            [*keystone, 'bootstrap', f'--bootstrap-region-id={layouts.REGION}', *place],
            ['placement-manage', '--config-file', f'{etc}/placement/placement.conf', 'db', 'sync'],
            ['glance-manage', '--config-file', f'{etc}/glance/glance-api.conf', 'db_sync'],
            ['cinder-manage', '--config-file', f'{etc}/cinder/cinder.conf', 'db', 'sync'],
        ],
        'nova': [
            [*nova, 'api_db', 'sync'],
            [*nova, 'cell_v2', 'map_cell0'],
            [*nova, 'db', 'sync'],
            [*nova, 'cell_v2', 'create_cell', '--name', 'cell1'],
        ],
        'neutron': [['neutron-db-manage', *neutron, 'upgrade', 'head']],
    }


def _run_all(services: running.Services, name: str, commands: list[list[str]]) -> None:
    environment = {**services.environment(), 'OS_BOOTSTRAP_PASSWORD': services.layout.password}
    for program, *arguments in commands:
        log = services.layout.log / f'schemas-{name}.log'
        try:
            installation.run([services.layout.program(program), *arguments], log, environment)
        except installation.CommandError as error:
            # Some say what is wrong in their own log only.
            own = services.last_words(program.partition('-')[0])
            raise installation.CommandError(f'{error}\n{own}') from error


def discover_hosts(services: running.Services) -> None:
    """Tell Nova of compute services that are new."""
    layout = services.layout
    command = [layout.program('nova-manage'), '--config-file', f'{layout.etc}/nova/nova.conf']
    log = layout.log / 'discover-hosts.log'
    installation.run([*command, 'cell_v2', 'discover_hosts'], log, services.environment())


def make_rings(services: running.Services) -> None:
    """Make Swift's rings: one device, which is a folder."""
    layout = services.layout
    folder = layout.etc / 'swift'
    for kind in ('account', 'container', 'object'):
        if (folder / f'{kind}.ring.gz').exists():
            continue
        builder = str(folder / f'{kind}.builder')
        pathlib.Path(builder).unlink(missing_ok=True)
        device = f'r1z1-127.0.0.1:{layout.port(f"swift_{kind}")}/d1'
        for arguments in (['create', '4', '1', '0'], ['add', device, '1'], ['rebalance']):
            command = [layout.program('swift-ring-builder'), builder, *arguments]
            # 1 is a warning: there is one replica only.
            installation.run(command, layout.log / 'swift-rings.log', services.environment(), (0, 1))
