"""trove-conductor: writes down what guests report."""

from trove.cmd import patch  # noqa: F401

from collections.abc import Sequence

from oslo_config import cfg

from trove.cmd import common, daemon
from trove.common import cfg as trove_cfg
from trove.common import clock, rpc
from trove.common.rpc import transport
from trove.conductor import api as conductor_api
from trove.conductor import manager
from trove.taskmanager import api as taskmanager_api

OPTS = [
    cfg.IntOpt('trove_conductor_workers', default=1, min=1, help='Processes that one conductor runs.'),
]


def build(conf: cfg.ConfigOpts) -> Sequence[daemon.Part]:
    """Return the parts of one worker process."""
    common.connect_database(conf)
    transport.start(conf)
    endpoint = manager.Manager(conf.taskmanager_queue, clock.Clock())
    return [
        daemon.RpcServer(lambda: rpc.Server(conf.conductor_queue, conf.host, [endpoint], executor='eventlet')),
    ]


def start() -> None:
    conf = common.configure('trove-conductor')
    for options in (OPTS, conductor_api.OPTS, taskmanager_api.OPTS):
        trove_cfg.register(conf, options)
    daemon.serve(conf, lambda: build(conf), conf.trove_conductor_workers)


def main() -> None:
    """Console entry point."""
    daemon.run(start)


if __name__ == '__main__':
    main()
