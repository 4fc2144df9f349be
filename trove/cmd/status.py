"""trove-status: tells before an upgrade, and before the first start, what does not fit."""

import argparse
import logging
import sys
import textwrap
import traceback
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from trove.cmd import arguments as cmd_arguments

# Other imports stand in the functions: help must not wait for libraries that it has no use for.

UNEXPECTED_CODE = 255
WIDTH = 76
DESCRIPTION = """\
Look at the configuration and at what it names: database, bus, key, policies, paste file, provider, datastores and
operations. Nothing is changed. Run it as the user of the daemons, on each host, with the new release installed."""
EPILOG = """\
The exit code is 0 when all is well, 1 when something deserves a look, 2 when something must be mended first, and 255
when the checks themselves could not be made."""


def check(arguments: argparse.Namespace) -> int:
    """Run all checks, print what they found and return the exit code."""
    with warnings.catch_warnings():
        # The bus library brings eventlet, which says at each start that it is old.
        warnings.simplefilter('ignore')
        from trove.cmd import checks

    conf = _configure(arguments)
    results = [(title, function(conf)) for title, function in checks.all_checks(arguments.repo_path)]
    print(render((title, one.level.name.capitalize(), one.details) for title, one in results))
    return max(one.level.value for _, one in results)


def render(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return a table of ``(check, result, details)``."""
    blocks = [['Upgrade Check Results']]
    for title, result, details in rows:
        block = [f'Check: {title}', f'Result: {result}']
        if details:
            # Paths and commands stay in one piece, to be copied.
            block += textwrap.wrap(
                f'Details: {details}', WIDTH, subsequent_indent='  ', break_on_hyphens=False, break_long_words=False
            )
        blocks.append(block)
    width = max(WIDTH, *(len(line) for block in blocks for line in block))
    ruler = f'+{"-" * (width + 2)}+'
    shown = [ruler]
    for block in blocks:
        shown += [*(f'| {line:<{width}} |' for line in block), ruler]
    return '\n'.join(shown)


def _configure(arguments: argparse.Namespace) -> Any:
    from oslo_config import cfg

    from trove.common import cfg as trove_cfg

    # What is wrong is told in the table; nobody reads a log of this.
    logging.getLogger().addHandler(logging.NullHandler())
    # The bus library insists on the one global configuration.
    trove_cfg.register(cfg.CONF, trove_cfg.COMMON_OPTS)
    cfg.CONF(cmd_arguments.configuration_of(arguments), project='trove', prog='trove-status')
    return cfg.CONF


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='trove-status', description='Tell whether Trove is fit for an upgrade.')
    cmd_arguments.add_configuration(parser)
    categories = parser.add_subparsers(title='categories', metavar='CATEGORY', required=True)
    upgrade = categories.add_parser('upgrade', help='upgrades')
    commands = upgrade.add_subparsers(title='commands', metavar='COMMAND', required=True)
    command = commands.add_parser(
        'check', help='look for what stands in the way', description=DESCRIPTION, epilog=EPILOG
    )
    command.add_argument(
        '--repo_path',
        metavar='FOLDER',
        action='append',
        default=[],
        help="a vendor's migration repository, looked at beside Trove's own; may be repeated",
    )
    command.set_defaults(function=check)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Console entry point; 255 means that the checks could not be made."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.function(arguments)
    except Exception as error:
        if not _is_expected(error):
            traceback.print_exc()
        print(f'trove-status: {" ".join(str(error).split())}', file=sys.stderr)
        return UNEXPECTED_CODE
    return code


def _is_expected(error: Exception) -> bool:
    from oslo_config import cfg

    return isinstance(error, cfg.Error)


if __name__ == '__main__':
    sys.exit(main())
