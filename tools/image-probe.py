"""Makes a database with the agent of a guest image, and serves it again on a fresh root disk; run inside the image.

python -I image-probe.py ENGINE
"""

import shutil
import sys

from oslo_config import cfg

from trove.guestagent import dbaas, options, requests

SETTINGS = {
    'guest_id': 'probe',
    'bind_address': '127.77.99.1',
    'service_manager': 'process',
    'mount_point': '/var/lib/trove',
    'state_path': '/var/lib/trove/guest',
}


def make_manager(engine: str) -> dbaas.datastore_manager.Manager:
    """Return the manager of an agent that starts anew."""
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTS)
    conf([], default_config_files=[])
    for name, value in {**SETTINGS, 'datastore_manager': engine}.items():
        conf.set_override(name, value)
    return dbaas.make_manager(conf)


def main(engine: str) -> None:
    """Prepare, stop, take away what is not on the volume, rebuild, stop."""
    manager = make_manager(engine)
    try:
        manager.prepare(None, requests.PrepareRequest('', 256, ''))
        print(f'{engine} was prepared and is {manager.health().description}')
        manager.stop(None)
        shutil.rmtree('/run/trove-guestagent')
        shutil.rmtree('/var/log/trove-guestagent')
        manager = make_manager(engine)
        manager.rebuild(None, requests.RebuildRequest('', ''))
        print(f'{engine} was rebuilt and is {manager.health().description}')
    finally:
        manager.stop(None)
        shutil.rmtree('/var/lib/trove')


if __name__ == '__main__':
    main(sys.argv[1])
