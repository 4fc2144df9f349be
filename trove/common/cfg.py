"""Options that every process of ours has, and how a process reads its configuration."""

import socket
from collections.abc import Iterable, Sequence

from oslo_config import cfg
from oslo_log import log as logging

from trove import version

COMMON_OPTS = [
    cfg.StrOpt('host', default=socket.gethostname(), sample_default='localhost', help='Name of this host on the bus.'),
]

QUIET_LOGGERS = [
    'amqp=WARN',
    'amqplib=WARN',
    'oslo.messaging=WARN',
    'oslo_messaging=WARN',
    'oslo_policy=WARN',
    'oslo_service=INFO',
    'sqlalchemy=WARN',
    'migrate=WARN',
    'stevedore=WARN',
    'routes.middleware=WARN',
    'eventlet.wsgi.server=WARN',
    'urllib3.connectionpool=WARN',
    'requests=WARN',
]


def register(conf: cfg.ConfigOpts, options: Iterable[cfg.Opt], group: str | None = None) -> None:
    """Register options; the same ones a second time do no harm."""
    conf.register_opts(list(options), group=group)


def read(conf: cfg.ConfigOpts, program: str, arguments: Sequence[str]) -> None:
    """Read the command line and the configuration files, and set up logging."""
    register(conf, COMMON_OPTS)
    logging.register_options(conf)
    logging.set_defaults(default_log_levels=[*logging.get_default_log_levels(), *QUIET_LOGGERS])
    conf(list(arguments), project='trove', prog=program, version=version.version_string())
    logging.setup(conf, program)
