"""trove-conductor: writes down what guests report."""

from trove.cmd import patch  # noqa: F401

from collections.abc import Sequence

import oslo_messaging
from oslo_config import cfg

from trove.cmd import common, daemon
from trove.common import cfg as trove_cfg
from trove.common import clock, crypto
from trove.common.rpc import sealed, transport
from trove.conductor import api as conductor_api
from trove.conductor import gate, manager
from trove.db import guest_keys
from trove.db.sqlalchemy import session
from trove.taskmanager import api as taskmanager_api

OPTS = [
    cfg.IntOpt('trove_conductor_workers', default=1, min=1, help='Processes that one conductor runs.'),
]


def build(conf: cfg.ConfigOpts) -> Sequence[daemon.Part]:
    """Return the parts of one worker process."""
    common.connect_database(conf)
    transport.start(conf)
    system_clock = clock.Clock()
    window_seconds = conf.report_window_seconds
    ring = guest_keys.Ring(guest_keys.Keeper(crypto.Sealer.from_file(conf.secrets_key_file)), system_clock)
    opener = gate.Opener(ring, system_clock, window_seconds)
    endpoint = manager.Manager(conf.taskmanager_queue, system_clock, window_seconds=window_seconds)
    target = oslo_messaging.Target(topic=conf.conductor_queue, server=conf.host)
    # Each message that is carried out has a connection of the database: no more of them than are kept open.
    most = conf[session.GROUP].max_pool_size
    return [daemon.RpcServer(lambda: sealed.Server(target, endpoint, opener, 'eventlet', most=most))]


def start() -> None:
    conf = common.configure('trove-conductor')
    for options in (OPTS, conductor_api.OPTS, gate.OPTS, crypto.OPTS, taskmanager_api.OPTS):
        trove_cfg.register(conf, options)
    daemon.serve(conf, lambda: build(conf), conf.trove_conductor_workers)


def main() -> None:
    """Console entry point."""
    daemon.run(start)


if __name__ == '__main__':
    main()
