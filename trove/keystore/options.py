"""Options of the key stores."""

from collections.abc import Sequence

from oslo_config import cfg

GROUP = 'barbican'

OPTS = [
    cfg.StrOpt(
        'key_store',
        default='none',
        help='Where secrets of instances are kept: barbican, or none to keep none.',
    ),
]

BARBICAN_OPTS = [
    cfg.StrOpt(
        'secret_type',
        default='passphrase',
        choices=[
            ('passphrase', 'what a human could type'),
            ('opaque', 'anything; for stores of Barbican that do not take passphrases'),
        ],
        help="What Barbican is told the secrets are; it decides how Barbican's own store keeps them.",
    ),
]


def list_opts() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    """Return the options for the sample configuration."""
    return [(None, OPTS), (GROUP, BARBICAN_OPTS)]
