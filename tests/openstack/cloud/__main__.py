"""The command line of the cloud: up, down, wipe, status, start."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.openstack.cloud import installation, life
from tests.openstack.cloud import layout as layouts
from tests.openstack.cloud import services as running
from trove.standalone.errors import StackError

CANNOT_CARRY_CODE = 75
"""Exit code, EX_TEMPFAIL, for a machine that cannot carry the cloud."""
DOWN_CODE = 3

FAILURES = (
    installation.CommandError,
    layouts.LayoutError,
    running.ServiceError,
    StackError,
    OSError,
)


def up(cloud: life.Cloud) -> int:
    """Bring the cloud up; the first time it is installed."""
    was_down = cloud.up()
    print(f'The cloud {"is up" if was_down else "runs already"}: OS_CLIENT_CONFIG_FILE={cloud.layout.clouds}')
    return 0


def down(cloud: life.Cloud) -> int:
    """Stop the cloud; its data stay."""
    cloud.down()
    print('The cloud is down.')
    return 0


def wipe(cloud: life.Cloud) -> int:
    """Stop the cloud and delete all but the installation."""
    cloud.wipe()
    print('The cloud is down and empty.')
    return 0


def status(cloud: life.Cloud) -> int:
    """Show which services run."""
    found = cloud.services.running()
    for name, pid in found.items():
        print(f'{name:<18} {f"running, pid {pid}" if pid else "stopped"}')
    if all(found.values()):
        return 0
    return 1 if any(found.values()) else DOWN_CODE


def start(cloud: life.Cloud, names: Sequence[str]) -> int:
    """Start services that were stopped, and wait until they answer when they have a port."""
    for name in names:
        if name not in cloud.services.running():
            print(f'cloud: there is no service {name}', file=sys.stderr)
            return 1
        if name == running.BROKER:
            cloud.services.node.start()
            continue
        cloud.services.start([name])
        if name in layouts.OFFSETS:
            cloud.services.await_ports([name])
    return 0


COMMANDS = {'up': up, 'down': down, 'wipe': wipe, 'status': status}


def main() -> int:
    """Run one command; the code is 75 when this machine cannot carry the cloud."""
    parser = argparse.ArgumentParser(prog='cloud', description='A real OpenStack on this machine, for tests.')
    parser.add_argument('command', choices=[*COMMANDS, 'start'], help='what to do; see README.md for the settings')
    parser.add_argument('names', nargs='*', help='services to start')
    arguments = parser.parse_args()
    begin = time.monotonic()
    # Services and servers must not work with rights that depend on the caller.
    os.umask(0o022)
    try:
        layout = layouts.from_environment()
        cloud = life.Cloud(layout, lambda text: _say(time.monotonic() - begin, text))
        return start(cloud, arguments.names) if arguments.command == 'start' else COMMANDS[arguments.command](cloud)
    except installation.CannotCarryError as error:
        print(f'cloud: this machine cannot carry it: {error}', file=sys.stderr)
        return CANNOT_CARRY_CODE
    except FAILURES as error:
        print(f'cloud: {error}', file=sys.stderr)
        return 1


def _say(seconds: float, text: str) -> None:
    print(f'[{seconds:5.1f} s] {text}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
