"""trove-manage: the operator's tool for schema, datastores, keys and plugins."""

import argparse
import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from trove.cmd import arguments as cmd_arguments

# Other imports stand in the functions: help must not wait for libraries that it has no use for.


def db_sync(arguments: argparse.Namespace) -> None:
    """Bring the database to the newest version of a migration repository."""
    from trove.db.sqlalchemy import migration

    version = migration.db_sync(_connection(arguments), arguments.version, arguments.repo_path)
    print(f'The database is at version {version}.')


def db_version(arguments: argparse.Namespace) -> None:
    """Print the version that the database is at."""
    from trove.db.sqlalchemy import migration

    print(migration.db_version(_connection(arguments), arguments.repo_path))


def datastore_update(arguments: argparse.Namespace) -> None:
    """Create a datastore, or set its default version."""
    _connect_database(arguments)
    from trove.datastore import registration

    identifier = registration.register_datastore(arguments.name, arguments.default_version)
    print(f"Datastore '{arguments.name}' is registered with id {identifier}.")


def datastore_version_update(arguments: argparse.Namespace) -> None:
    """Create or update a version of a datastore."""
    _connect_database(arguments)
    from trove.datastore import registration

    spec = registration.VersionSpec(
        datastore=arguments.datastore,
        name=arguments.version_name,
        manager=arguments.manager,
        image_id=arguments.image_id or None,
        packages=arguments.packages,
        is_active=arguments.active,
        number=arguments.version,
        registry_ext=arguments.registry_ext,
        repl_strategy=arguments.repl_strategy,
    )
    identifier = registration.register_version(spec)
    print(f"Datastore version '{arguments.version_name}' is registered with id {identifier}.")


def db_load_datastore_config_parameters(arguments: argparse.Namespace) -> None:
    """Load from a JSON file what tenants may configure on a version."""
    _connect_database(arguments)
    from trove.datastore import registration

    with open(arguments.file, encoding='utf-8') as stream:
        text = stream.read()
    count = registration.load_parameters(arguments.datastore, arguments.version_name, text, arguments.version)
    print(f"{count} parameters of datastore version '{arguments.version_name}' were loaded.")


def make_secrets_key(arguments: argparse.Namespace) -> None:
    """Write a key for sealing secrets, unless the file exists."""
    from trove.common import crypto

    path = arguments.path
    if path is None:
        conf = _configure(arguments)
        conf.register_opts(crypto.OPTS)
        path = conf.secrets_key_file
    crypto.make_key_file(path)
    print(f'The secrets key is in {path}.')


def plugins(_arguments: argparse.Namespace) -> int:
    """List what is installed for each socket, from which package, and why it cannot be used."""
    with warnings.catch_warnings():
        # What plugs import may bring eventlet, which says at each start that it is old.
        warnings.simplefilter('ignore')
        from trove.cmd import sockets

        found = sockets.survey()
    print(sockets.render(found))
    return int(any(row.problem for _socket, rows in found for row in rows))


# -- configuration ---------------------------------------------------------------


def _configure(arguments: argparse.Namespace) -> Any:
    from oslo_config import cfg

    # The tool tells results and errors itself; nobody reads a log of it.
    logging.getLogger().addHandler(logging.NullHandler())
    conf = cfg.ConfigOpts()
    conf(cmd_arguments.configuration_of(arguments), project='trove', prog='trove-manage')
    return conf


def _connection(arguments: argparse.Namespace) -> str:
    from trove.db.sqlalchemy import session

    conf = _configure(arguments)
    conf.register_opts(session.OPTS, group=session.GROUP)
    return str(conf[session.GROUP].connection)


def _connect_database(arguments: argparse.Namespace) -> None:
    from trove.cmd import common

    common.connect_database(_configure(arguments))


# -- the command line --------------------------------------------------------------


def _is_active(text: str) -> bool:
    words = {'1': True, 'true': True, 'yes': True, '0': False, 'false': False, 'no': False}
    try:
        return words[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither true (1) nor false (0)") from None


def _version_number(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no version number")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='trove-manage', description='Manage schema, datastores, keys and plugins of Trove.'
    )
    cmd_arguments.add_configuration(parser)
    commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
    _add_database_commands(commands)
    _add_datastore_commands(commands)
    _add(commands, plugins)
    command = _add(commands, make_secrets_key)
    command.add_argument('path', nargs='?', help='file to write; default: option secrets_key_file')
    return parser


def _add(commands: Any, function: Any) -> argparse.ArgumentParser:
    description = function.__doc__
    command: argparse.ArgumentParser = commands.add_parser(
        function.__name__, help=description[0].lower() + description[1:].rstrip('.'), description=description
    )
    command.set_defaults(function=function)
    return command


def _add_database_commands(commands: Any) -> None:
    for function in (db_sync, db_version):
        command = _add(commands, function)
        command.add_argument(
            '--repo_path', metavar='FOLDER', help="a vendor's migration repository; default: Trove's own"
        )
        if function is db_sync:
            command.add_argument('--version', type=_version_number, help='version to go to; default: the newest')


def _add_datastore_commands(commands: Any) -> None:
    command = _add(commands, datastore_update)
    command.add_argument('name', help='name of the datastore')
    command.add_argument('default_version', help='name or id of the version to make the default one; "" leaves it')

    command = _add(commands, datastore_version_update)
    command.add_argument('datastore', help='name or id of the datastore')
    command.add_argument('version_name', help='name of the version')
    command.add_argument('manager', help='datastore manager: name of an installed plug of trove.datastores')
    command.add_argument('image_id', help='id of the image that its servers boot from; "" for none')
    command.add_argument('packages', help='packages that the guest installs, separated by commas; "" for none')
    command.add_argument('active', type=_is_active, help='whether tenants may use it: 1 or 0')
    command.add_argument('--registry-ext', help='guest managers beyond the built-in ones: name:dotted.path, ...')
    command.add_argument('--repl-strategy', help='dotted path of the replication strategy')
    command.add_argument('--version', help='version number of the engine; default: the name of the version')

    command = _add(commands, db_load_datastore_config_parameters)
    command.add_argument('datastore', help='name or id of the datastore')
    command.add_argument('version_name', help='name or id of the version')
    command.add_argument('file', help='JSON file: {"configuration-parameters": [...]}')
    command.add_argument('--version', help='version number, where several versions have one name')


def main(argv: Sequence[str] | None = None) -> int:
    """Console entry point; an error is one line on stderr and exit code 1."""
    arguments = _parser().parse_args(argv)
    try:
        code: int | None = arguments.function(arguments)
    except Exception as error:
        if not _is_expected(error):
            traceback.print_exc()
        print(f'trove-manage: {" ".join(str(error).split())}', file=sys.stderr)
        return 1
    return code or 0


def _is_expected(error: Exception) -> bool:
    from oslo_config import cfg

    from trove.common import exception

    return isinstance(error, exception.TroveError | OSError | UnicodeDecodeError | cfg.Error)


if __name__ == '__main__':
    sys.exit(main())
