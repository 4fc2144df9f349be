"""The API application: which rooms it serves, put together for paste."""

from collections.abc import Mapping

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import plugs, policy, wsgi

GROUP = 'trove.api.rooms'
"""Entry points of what adds a room's routes, because this floor must not import the rooms above it."""

OPTS = [
    cfg.StrOpt('api_paste_config', default='api-paste.ini', help='Paste file with the filters in front of the API.'),
    cfg.ListOpt(
        'expected_filetype_suffixes',
        default=['json'],
        help='Endings of a path that name a format and are no part of the name before them.',
    ),
]


def make_mapper(conf: cfg.ConfigOpts) -> wsgi.Mapper:
    """Return the route table of all rooms."""
    mapper = wsgi.Mapper(conf.expected_filetype_suffixes)
    for add_routes in plugs.load_all(GROUP).values():
        add_routes(mapper)
    return mapper


def app_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> wsgi.Application:
    """Paste application factory: all rooms, without filters."""
    conf = cfg.CONF
    trove_cfg.register(conf, OPTS)
    policy.start(conf)
    return wsgi.Router(make_mapper(conf))
