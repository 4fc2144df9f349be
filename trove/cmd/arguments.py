"""How the operator's tools are told where their configuration is."""

import argparse


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add ``--config-file`` and ``--config-dir``."""
    parser.add_argument(
        '--config-file',
        metavar='FILE',
        action='append',
        default=[],
        help='configuration file; may be repeated. Default: trove.conf in ~/.trove, ~, /etc/trove, /etc',
    )
    parser.add_argument(
        '--config-dir', metavar='FOLDER', action='append', default=[], help='folder with *.conf files; may be repeated'
    )


def configuration_of(arguments: argparse.Namespace) -> list[str]:
    """Return these arguments as oslo.config takes them."""
    options = [f'--config-file={path}' for path in arguments.config_file]
    return options + [f'--config-dir={path}' for path in arguments.config_dir]
