"""The provider's options, read and checked when they are needed."""

import os
import shutil
import socket

from oslo_config import cfg

from trove.common import exception
from trove.compute import base
from trove.compute.local import options, users

GUEST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Settings:
    """What the operator chose, as the provider's parts need it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        conf.register_opts(options.OPTS, group=options.GROUP)
        self._group = conf[options.GROUP]

    @property
    def instances_path(self) -> str:
        """Folder of all instances, without links on the way, as the kernel shows it."""
        return os.path.realpath(os.path.expanduser(self._group.instances_path))

    @property
    def host(self) -> str:
        """Name of this host, which is the only one."""
        return socket.gethostname()

    @property
    def address_range(self) -> str:
        """Network of the instances' addresses."""
        return str(self._group.address_range)

    @property
    def volume_backend(self) -> str:
        """What volumes are."""
        return str(self._group.volume_backend)

    @property
    def report_interval(self) -> float:
        """Seconds between two heartbeats."""
        return float(self._group.report_interval)

    @property
    def stop_timeout_seconds(self) -> float:
        """Seconds that engines get to end."""
        return float(self._group.stop_timeout_seconds)

    def user(self) -> users.User:
        """Return who runs agents and engines."""
        return users.find(self._group.service_user)

    def flavors(self) -> list[base.Flavor]:
        """Return the flavors, smallest first; ``ComputeError`` when one cannot be read."""
        return sorted(map(_flavor, self._group.flavors), key=lambda flavor: (flavor.ram, flavor.vcpus, flavor.id))

    def guest_command(self, user: users.User) -> list[str]:
        """Return the agent's command; ``ComputeError`` when the user cannot execute it."""
        command = list(self._group.guest_command)
        program = shutil.which(command[0], path=GUEST_PATH) if command else None
        if program is None:
            raise exception.ComputeError(
                reason=f'[local] guest_command {" ".join(command)!r} cannot be found or executed'
            )
        if user.uid != os.geteuid():
            user.check_reach(program, 'name a command in [local] guest_command that it can execute')
        return [program, *command[1:]]

    def environment(self, user: users.User, state_path: str, temporary_path: str) -> dict[str, str]:
        """Return the environment of an instance's processes, which is not the taskmanager's."""
        return {
            'PATH': GUEST_PATH,
            'LANG': 'C.UTF-8',
            'HOME': state_path,
            'TMPDIR': temporary_path,
            'USER': user.name,
            'LOGNAME': user.name,
            **self._group.guest_environment,
        }


def _flavor(text: str) -> base.Flavor:
    try:
        flavor_id, name, ram, vcpus, disk = text.split(':')
        return base.Flavor(flavor_id, name, int(ram), int(vcpus), int(disk))
    except ValueError as error:
        raise exception.ComputeError(
            reason=f"[local] flavors: '{text}' is not id:name:MB of memory:virtual CPUs:GB of disk"
        ) from error
