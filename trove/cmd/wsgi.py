"""Starts the API inside a WSGI server with real threads; ``trove.wsgi`` is what such a server names."""

from trove.cmd import threads  # noqa: F401

import os
from collections.abc import Mapping
from typing import Any

from oslo_log import log as logging

from trove.cmd import application, common
from trove.db.sqlalchemy import session

LOG = logging.getLogger(__name__)

FILES_VARIABLE = 'OS_TROVE_CONFIG_FILES'
"""Environment variable with configuration files and folders of such files, separated by semicolons."""


def start(environment: Mapping[str, str]) -> Any:
    """Do what ``trove-api`` does before it listens, and return the application.

    The command line belongs to the WSGI server and is not looked at. What cannot work is raised, in one line
    of the log and as the exception, because each server has its own way to give up then.
    """
    conf = common.configure('trove-api', arguments_of(environment))
    try:
        loaded = application.load(conf)
    except common.CANNOT_START as error:
        LOG.error('Cannot start: %s', error)
        raise
    # No connection is open when this ends, so a server that forks only now shares none between its workers.
    session.dispose()
    LOG.info('Started')
    return loaded


def arguments_of(environment: Mapping[str, str]) -> list[str]:
    """Return the arguments that name the configuration; none of them means the usual places."""
    paths = [path.strip() for path in environment.get(FILES_VARIABLE, '').split(';')]
    return [f'--config-{"dir" if os.path.isdir(path) else "file"}={path}' for path in paths if path]
