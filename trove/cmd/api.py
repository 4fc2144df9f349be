"""trove-api: the REST API behind its paste pipeline."""

from trove.cmd import patch  # noqa: F401

import os
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from trove.cmd import application, common, daemon, web
from trove.common import cfg as trove_cfg

OPTS = [
    cfg.HostAddressOpt('bind_host', default='0.0.0.0', help='Address that the API listens on.'),
    cfg.PortOpt('bind_port', default=8779, help='Port that the API listens on.'),
    cfg.IntOpt(
        'trove_api_workers',
        min=1,
        default=os.cpu_count() or 1,
        sample_default='the number of cores',
        help='Processes that serve the API.',
    ),
]


def build(conf: cfg.ConfigOpts, socket: Any) -> Sequence[daemon.Part]:
    """Return the parts of one worker process."""
    return [web.WebServer(socket, application.load(conf), conf)]


def start() -> None:
    conf = common.configure('trove-api')
    for options in (OPTS, web.OPTS):
        trove_cfg.register(conf, options)
    application.check(conf)
    socket = web.listen(conf)
    daemon.serve(conf, lambda: build(conf, socket), conf.trove_api_workers)


def main() -> None:
    """Console entry point."""
    daemon.run(start)


if __name__ == '__main__':
    main()
