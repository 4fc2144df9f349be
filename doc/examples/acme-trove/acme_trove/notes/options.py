"""Options of notes."""

from oslo_config import cfg

GROUP = 'acme'
OPTS = [
    cfg.IntOpt('notes_page_size', default=20, min=1, help='Notes on one page of a list.'),
]
