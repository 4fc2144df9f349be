"""Options of databases and users."""

from oslo_config import cfg

OPTS = [
    cfg.IntOpt('databases_page_size', default=20, min=1, help='Databases on one page of a list.'),
    cfg.IntOpt('users_page_size', default=20, min=1, help='Users on one page of a list.'),
]
