"""The provider against its contract, with guests that only sleep."""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import uuid

import pytest
from oslo_config import cfg
from trove.compute import base
from trove.testing import providers

from acme_trove import provider


class World(providers.World):
    """A folder with instances; what runs of them is asked of the kernel."""

    can_migrate = False
    tells_changes = False
    gives_public_addresses = False

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='acme-'))
        self.folder.chmod(0o755)

    def provider(self):
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
        # Making one registers its options.
        provider.AcmeLocal(conf)
        conf.set_override('instances_path', str(self.folder), group='local')
        conf.set_override('address_range', '127.91.0.0/16', group='local')
        conf.set_override('service_user', 'nobody', group='local')
        conf.set_override('guest_command', ['/bin/sh', '-c', 'exec sleep 1000'], group='local')
        return provider.AcmeLocal(conf)

    def request(self, **changes):
        values = {
            'instance_id': str(uuid.uuid4()),
            'project_id': 'project',
            'user_id': 'user',
            'name': 'name',
            'flavor': base.Flavor('1', 'tiny', 512),
            'image': base.Image('local', 'this host'),
            'tcp_ports': ('11211',),
            'guest_files': {'guest_info.conf': '[DEFAULT]\n'},
            'volume_size': 1,
            **changes,
        }
        return base.ServerRequest(**values)

    def processes(self, instance_id):
        """Return the pids of an instance: they have its id in their environment."""
        found = []
        for path in pathlib.Path('/proc').glob('[0-9]*/environ'):
            with contextlib.suppress(OSError):
                if instance_id.encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def count_servers(self, instance_id):
        return int((self.folder / instance_id / 'server.json').exists())

    def count_running(self, instance_id):
        return int(bool(self.processes(instance_id)))

    def count_volumes(self, instance_id):
        return int((self.folder / instance_id / 'volume.json').exists())

    def crash_server(self, instance_id):
        while pids := self.processes(instance_id):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


class TestAcmeLocal(providers.ProviderContract):
    @pytest.fixture
    def world(self):
        world = World()
        yield world
        shutil.rmtree(world.folder)
