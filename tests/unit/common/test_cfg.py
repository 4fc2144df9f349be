"""How a process reads its configuration."""

import logging as std_logging
import pathlib

import pytest
from oslo_config import cfg

from trove.common import cfg as trove_cfg


@pytest.fixture
def kept_logging():
    """Put the process's logging back, which reading a configuration sets up anew."""
    root = std_logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures('kept_logging')
def test_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'trove.conf'
    path.write_text('[DEFAULT]\nhost = here\ndebug = true\n')
    conf = cfg.ConfigOpts()
    trove_cfg.read(conf, 'trove-test', ['--config-file', str(path)])
    assert (conf.host, conf.debug, conf.prog) == ('here', True, 'trove-test')
    assert set(trove_cfg.QUIET_LOGGERS) <= set(conf.default_log_levels)


def test_options_may_be_registered_twice() -> None:
    conf = cfg.ConfigOpts()
    for _ in range(2):
        trove_cfg.register(conf, trove_cfg.COMMON_OPTS)
        trove_cfg.register(conf, [cfg.StrOpt('connection', help='Where.')], group='database')
    conf([])
    assert conf.database.connection is None
