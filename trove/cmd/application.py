"""The API as a WSGI application: what trove-api and WSGI servers of other makers have in common."""

import os
from typing import Any

from oslo_config import cfg
from paste import deploy

from trove.cmd import common
from trove.common import api as common_api
from trove.common import cfg as trove_cfg
from trove.common import exception, notification
from trove.common.rpc import transport


def load(conf: cfg.ConfigOpts) -> Any:
    """Set up database and bus for this process and return the application behind its paste pipeline.

    Raises what ``common.CANNOT_START`` names. A process that forks loads it in each of its workers.
    """
    trove_cfg.register(conf, common_api.OPTS)
    common.connect_database(conf)
    transport.start(conf)
    notification.start(conf, 'api')
    return deploy.loadapp(f'config:{find_paste_file(conf)}', name='trove')


def check(conf: cfg.ConfigOpts) -> None:
    """Raise what ``common.CANNOT_START`` names when the application cannot be loaded; for a process before it forks."""
    trove_cfg.register(conf, common_api.OPTS)
    common.connect_database(conf)
    notification.check(conf)
    deploy.loadapp(f'config:{find_paste_file(conf)}', name='trove')


def find_paste_file(conf: cfg.ConfigOpts) -> str:
    """Return the path of the paste file; ``ConfigurationError`` when there is none."""
    path = conf.find_file(conf.api_paste_config)
    if path is None:
        raise exception.ConfigurationError(reason=f'api_paste_config {conf.api_paste_config} was not found')
    return os.path.abspath(path)
