"""Writes the configuration of a stack's daemons: the same options as in production, other values."""

import os
import pathlib
import shutil
import sys
from collections.abc import Mapping, Sequence

from oslo_config import cfg

from trove.common import crypto
from trove.standalone import accounts, broker, files
from trove.standalone import state as standalone_state
from trove.standalone.errors import StackError

Sections = Mapping[str, Mapping[str, str]]

NOTICE = '# Written by trove-standalone at each start; what is changed here is lost.\n'
REMEMBERED = 'config_files'
"""Name by which the operator's own files are remembered."""


def write(state: standalone_state.State, node: broker.Broker, guest_command: Sequence[str]) -> None:
    """Write the configuration file and the secrets key; the folder is the owner's alone."""
    state.configuration.mkdir(mode=0o700, parents=True, exist_ok=True)
    crypto.make_key_file(str(_key_file(state)))
    shutil.copyfile(find_paste_file(), state.configuration / 'api-paste.ini')
    files.write_private(_guest_file(state), render(GUEST_SETTINGS))
    text = render(settings(state, node, guest_command)) + read_more(state)
    files.write_private(state.main_file, text)


def name_more(state: standalone_state.State, paths: Sequence[str]) -> None:
    """Remember files of the operator's, whose options win over ours at each start from now on; none of them is moved.

    Raises ``StackError`` when one cannot be used.
    """
    for path in paths:
        _check(path)
    state.remember(**{REMEMBERED: [os.path.abspath(path) for path in paths]})


def read_more(state: standalone_state.State) -> str:
    """Return the text of the operator's files, behind which nothing of ours may stand."""
    return ''.join(f'\n# From {path}\n{_check(path)}\n' for path in state.settings().get(REMEMBERED, []))


def _check(path: str) -> str:
    """Return the text of a configuration file; ``StackError`` when it is none."""
    try:
        cfg.ConfigParser(path, {}).parse()
        return pathlib.Path(path).read_text()
    except (cfg.ParseError, OSError, UnicodeError) as error:
        reason = ' '.join(str(error).split())
        raise StackError(f'The configuration file {path} cannot be used: {reason}.') from error


def settings(state: standalone_state.State, node: broker.Broker, guest_command: Sequence[str]) -> Sections:
    """Return the options of the daemons by section."""
    return {
        'DEFAULT': {
            'host': 'standalone',
            'transport_url': node.url,
            'bind_host': '127.0.0.1',
            'bind_port': str(state.port),
            'trove_api_workers': '1',
            'api_paste_config': str(state.configuration / 'api-paste.ini'),
            'auth_strategy': 'standalone',
            'secrets_key_file': str(_key_file(state)),
            'compute_provider': 'local',
            'guest_config': str(_guest_file(state)),
            # Everything is on this host: a dead worker is known at once, and a look costs little.
            'operation_lease_seconds': '15',
            'provider_refresh_seconds': '5',
        },
        'database': {'connection': f'sqlite:///{state.database}'},
        'broker': {'management_url': node.management_url},
        'standalone_auth': {
            'password_file': str(accounts.password_file(state)),
            'accounts_file': str(accounts.accounts_file(state)),
        },
        'local': {
            'instances_path': str(state.instances),
            'service_user': SERVICE_USER,
            'guest_command': ','.join(guest_command),
        },
    }


GUEST_SETTINGS: Sections = {'DEFAULT': {}}
"""The options that every guest agent is handed. What it reaches the bus by is its own."""


SERVICE_USER = 'trove'
"""Who runs the guests of a stack that runs as root."""


def render(sections: Sections) -> str:
    """Return the text of a configuration file."""
    lines = [NOTICE]
    for name, options in sections.items():
        lines.append(f'\n[{name}]\n')
        lines.extend(f'{option} = {_escape(value)}\n' for option, value in options.items())
    return ''.join(lines)


def _escape(value: str) -> str:
    """Return the value as oslo.config spells it; it would take a plain dollar for a variable."""
    if '\n' in value:
        raise StackError('A path with a line break in it cannot be configured; choose another state folder.')
    return value.replace('$', '$$')


def _key_file(state: standalone_state.State) -> pathlib.Path:
    return state.configuration / 'secrets.key'


def _guest_file(state: standalone_state.State) -> pathlib.Path:
    return state.configuration / 'trove-guestagent.conf'


def find_paste_file() -> pathlib.Path:
    """Return the api-paste.ini of this installation or working tree."""
    tree = pathlib.Path(__file__).resolve().parent.parent.parent
    places = [tree / 'etc' / 'trove' / 'api-paste.ini', pathlib.Path(sys.prefix) / 'etc' / 'trove' / 'api-paste.ini']
    for place in places:
        if place.is_file():
            return place
    raise StackError(f'api-paste.ini is not to be found; looked at {" and ".join(map(str, places))}.')
