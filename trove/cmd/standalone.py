"""trove-standalone: the whole of Trove on one machine, without a cloud."""

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError

# Imports stand in the functions: the supervisor stays small, and help does not wait for libraries.

DOWN_CODE = 3
"""Exit code of status for a stack that is down, as of init scripts."""


def up(arguments: argparse.Namespace) -> int:
    """Start the stack and wait until it serves."""
    stack = _stack(arguments)
    if stack.up(arguments.port, register, arguments.config_file):
        print('The stack is up.')
    else:
        print('The stack runs already.')
    _print_access(stack.state)
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Stop the stack and the processes of its instances; their data stay."""
    print('The stack is down.' if _stack(arguments).down() else 'The stack does not run.')
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Show what runs."""
    stack = _stack(arguments)
    found = stack.status()
    for name, pid in found.daemons.items():
        print(f'{name:<18} {f"running, pid {pid}" if pid else "stopped"}')
    if found.is_down:
        print('The stack is down.')
        return DOWN_CODE
    print(f'{"instances":<18} {len(found.instances)} running')
    print('The stack is up.' if found.is_up else 'The stack is not complete; the supervisor starts what died.')
    _print_access(stack.state)
    return 0 if found.is_up else 1


def reset(arguments: argparse.Namespace) -> int:
    """Stop the stack and remove it with the data of all its instances."""
    stack = _stack(arguments)
    if stack.state.exists() and not arguments.yes:
        print(
            f'All instances of {stack.state.folder} will be deleted with their data. Go on? [y/N] ', end='', flush=True
        )
        # Nobody there to ask is a no; scripts say --yes.
        answer = sys.stdin.readline()
        if answer.strip().lower() not in ('y', 'yes'):
            print('Nothing was changed.')
            return 1
    print('The stack was removed.' if stack.reset() else 'There is no stack to remove.')
    return 0


def supervise(arguments: argparse.Namespace) -> int:
    """Keep the daemons running; started by up."""
    import logging

    from trove.standalone import broker, daemons, supervisor

    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')
    state = _state(arguments)
    node = broker.Broker(state.broker)

    def end_guests() -> None:
        from trove.standalone import instances

        instances.Instances(state.main_file).halt()

    supervisor.Supervisor(node.daemons(), daemons.own(state), node.is_ready, end_guests).run()
    return 0


def register(configuration: pathlib.Path, found: Sequence[Any], gone: Sequence[Any]) -> None:
    """Make the database and register the engines that were found; those that are gone are offered no more."""
    from oslo_config import cfg

    from trove.cmd import common
    from trove.common import cfg as trove_cfg
    from trove.datastore import registration
    from trove.db.sqlalchemy import migration, session

    conf = cfg.CONF
    trove_cfg.read(conf, 'trove-standalone', ['--config-file', str(configuration)])
    trove_cfg.register(conf, session.OPTS, group=session.GROUP)
    migration.db_sync(conf[session.GROUP].connection)
    common.connect_database(conf)
    for engine in gone:
        # The package that its datastore came from may have gone, too.
        registration.retire_version(engine.datastore, engine.version)
    for engine in found:
        registration.register_datastore(engine.datastore)
        registration.register_version(
            registration.VersionSpec(engine.datastore, engine.version, engine.datastore, None, '', is_active=True)
        )
        # The newest comes last.
        registration.register_datastore(engine.datastore, engine.version)
    session.dispose()


def _stack(arguments: argparse.Namespace) -> Any:
    from trove.standalone import stack

    return stack.Stack(_state(arguments))


def _state(arguments: argparse.Namespace) -> standalone_state.State:
    return standalone_state.State(standalone_state.choose_folder(arguments.state_dir, os.environ))


def _print_access(state: standalone_state.State) -> None:
    print(f'API:        http://127.0.0.1:{state.port}')
    print(f'Clouds:     {state.clouds} (trove-standalone, trove-admin)')
    print(f'Try:        OS_CLIENT_CONFIG_FILE={state.clouds} openstack --os-cloud trove-standalone datastore list')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='trove-standalone', description='Run all of Trove on this machine.')
    parser.add_argument(
        '--state-dir',
        metavar='FOLDER',
        help='folder of all that the stack keeps; default: $TROVE_STATE_DIR, else ~/.trove',
    )
    # The same option is taken behind the command, too; there it must not overwrite what stood in front.
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument('--state-dir', metavar='FOLDER', default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
    for function in (up, down, status, reset):
        description = str(function.__doc__)
        summary = description[0].lower() + description[1:].rstrip('.')
        command = commands.add_parser(function.__name__, parents=[shared], help=summary, description=description)
        command.set_defaults(function=function)
        if function is up:
            command.add_argument('--port', type=_port, help='port of the API; remembered; default: 8779')
            command.add_argument(
                '--config-file',
                metavar='FILE',
                action='append',
                default=[],
                help='more options for the daemons, which win over those of the stack; may be repeated; remembered',
            )
        if function is reset:
            command.add_argument('--yes', action='store_true', help='do not ask')
    command = commands.add_parser('supervise', parents=[shared])
    command.set_defaults(function=supervise)
    return parser


def _port(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"'{text}' is no port")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Console entry point; what is in the way is told in plain words, with exit code 1."""
    from trove.common import exception

    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.function(arguments)
    except (StackError, exception.TroveError) as error:
        print(f'trove-standalone: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == '__main__':
    sys.exit(main())
