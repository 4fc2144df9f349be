"""What the documents name exists: commands, options, classes and files. They are read by the quotes around names."""

import configparser
import importlib
import pathlib
import re
import subprocess

import pytest

from trove.common import policy

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / 'README.rst', *sorted((ROOT / 'doc' / 'source').rglob('*.rst'))]
QUOTED = re.compile(r'``([^`]+)``')
COMMAND = re.compile(r'\b(trove-(?:api|conductor|guestagent|manage|standalone|status|taskmanager))\b')
MANAGED = re.compile(r'\btrove-manage (?:--\S+ \S+ )?([a-z][a-z_]+)\b')
STACKED = re.compile(r'\btrove-standalone (up|down|status|reset|[a-z]+)\b(?= *``|$| --)', re.MULTILINE)
MADE = re.compile(r'^make ([a-z0-9-]+)')
DOTTED = re.compile(r'^trove(?:\.\w+)+$')
FILE = re.compile(r'^(?:trove|tests|etc|tools|doc|releasenotes)/[\w./-]+$')
OPTION = re.compile(r'^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$')

NOT_OPTIONS = {
    # columns, keys, steps, methods and arguments of which the documents speak as well
    'active_key', 'after_id', 'operating_status', 'service_status_updated', 'volume_enforced', 'context_is_admin',
    'admin_or_owner', 'admin_or_writer',
    'make_address', 'make_record', 'keep_secrets', 'stop_database', 'move_server', 'await_moved', 'start_database',
    'confirm_move', 'await_confirmed', 'keep_hold', 'update_access', 'rename_instance', 'rpc_ping', 'project_id',
    'reset_status', 'region_name', 'make_volume', 'boot_server', 'await_server', 'await_guest',
    'prepare_datastore', 'await_ready', 'make_account', 'max_message_size',
    'find_server', 'guest_files', 'guest_settings', 'find_missing', 'get_actions', 'get_resources', 'list_rules',
    'has_databases', 'has_users', 'engine_programs', 'engine_version',
    'run_operation', 'create_instance', 'clear_instance', 'character_set',
    'information_schema', 'performance_schema', 'os_admin', 'db_sync', 'db_version', 'datastore_update',
    'datastore_version_update', 'db_load_datastore_config_parameters', 'make_secrets_key', 'pg_',
    'disable_by_file_path', 'allowed_cidrs', 'stop_db', 'start_db_with_conf_changes', 'resize_fs',
    'engine_paths', 'make_member', 'module_member',
    'acme_trove', 'delete_server', 'get_request_extensions', 'map_record', 'find_by', 'keeps_data',
    'given_url',
    'tenant_id', 'request_id', 'client_ip', 'server_ip', 'server_type', 'instance_id', 'subject_id', 'service_id',
    'new_flavor_id', 'new_size', 'image_id', 'instance_create', 'instance_delete', 'instance_restart',
    'instance_reboot', 'instance_stop', 'instance_resize_instance', 'instance_resize_volume', 'instance_rebuild',
    'instance_rename', 'instance_update_access', 'instance_clear',
}  # fmt: skip
GROUPS = {
    'trove.brokers',
    'trove.datastores',
    'trove.guestagent.datastores',
    'trove.guestagent.backups',
    'trove.guestagent.replications',
    'trove.api.extensions',
    'trove.api.rooms',
    'trove.policies',
    'trove.db_plugins',
    'trove.compute.providers',
    'trove.dns',
    'trove.keystores',
    'trove.notifiers',
    'trove.operations',
    'trove.storage',
}
"""Names of entry point groups read like paths of modules."""
EVENTS = {'trove.instance.create', 'trove.instance.modify_flavor', 'trove.instance.delete'}
"""Types of notifications read so, too."""
FILES_OF_DEPLOYMENTS = {'trove.conf', 'trove.sqlite'}


def quoted(page: pathlib.Path) -> list[str]:
    return [' '.join(text.split()) for text in QUOTED.findall(page.read_text())]


@pytest.fixture(scope='module')
def options() -> set[str]:
    """Names of all options, as the sample files have them."""
    text = ''.join(path.read_text() for path in sorted((ROOT / 'etc' / 'trove').glob('*.conf.sample')))
    return set(re.findall(r'^#?([a-z][a-z0-9_]*) *=', text, re.MULTILINE))


@pytest.fixture(scope='module')
def scripts() -> set[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return set(re.findall(r'^(\S+) =', parser['options.entry_points']['console_scripts'], re.MULTILINE))


def names(page: pathlib.Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_commands_exist(page: pathlib.Path, scripts: set[str]) -> None:
    text = page.read_text()
    assert set(COMMAND.findall(text)) <= scripts
    manage = (ROOT / 'trove' / 'cmd' / 'manage.py').read_text()
    assert [name for name in MANAGED.findall(text) if f'def {name}(' not in manage] == []
    stack = (ROOT / 'trove' / 'cmd' / 'standalone.py').read_text()
    assert [name for name in STACKED.findall(text) if f'def {name}(' not in stack] == []


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_targets_of_make_exist(page: pathlib.Path) -> None:
    makefile = (ROOT / 'Makefile').read_text()
    wanted = [match.group(1) for text in quoted(page) if (match := MADE.match(text))]
    assert [name for name in wanted if not re.search(rf'^{re.escape(name)}:', makefile, re.MULTILINE)] == []


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_modules_and_classes_exist(page: pathlib.Path) -> None:
    wanted = [
        text for text in quoted(page) if DOTTED.match(text) and text not in GROUPS | EVENTS | FILES_OF_DEPLOYMENTS
    ]
    assert [text for text in wanted if not is_importable(text)] == []


def is_importable(path: str) -> bool:
    parts = path.split('.')
    for size in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:size])
        if not (base.with_suffix('.py').is_file() or (base / '__init__.py').is_file()):
            continue
        if size == len(parts):
            return True
        # Modules of trove.cmd patch the process that imports them, so only others are looked into.
        if parts[1] == 'cmd':
            return f'def {parts[size]}(' in base.with_suffix('.py').read_text()
        found = importlib.import_module('.'.join(parts[:size]))
        for part in parts[size:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_files_exist(page: pathlib.Path) -> None:
    tracked = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wanted = [text.rstrip('/') for text in quoted(page) if FILE.match(text) and not text.startswith('doc/build')]
    assert [text for text in wanted if not (ROOT / text).exists() and text not in tracked] == []


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_options_exist(page: pathlib.Path, options: set[str]) -> None:
    wanted = {text for text in quoted(page) if OPTION.match(text)}
    assert wanted - options - NOT_OPTIONS == set()


def sections(text: str) -> dict[str, set[str]]:
    """Return the names of options by section, those of comments included, as samples and examples have them."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in text.splitlines():
        if section := re.match(r'^\s*\[(\w+)\]$', line):
            names = found.setdefault(section.group(1), set())
        elif option := re.match(r'^\s*#?([a-z][a-z0-9_]*) *= ?', line):
            names.add(option.group(1))
    return found


@pytest.mark.parametrize('page', PAGES, ids=names)
def test_examples_of_configuration_fit_the_samples(page: pathlib.Path) -> None:
    known: dict[str, set[str]] = {}
    for path in sorted((ROOT / 'etc' / 'trove').glob('*.conf.sample')):
        for section, options in sections(path.read_text()).items():
            known.setdefault(section, set()).update(options)
    blocks = re.findall(r'\.\. code-block:: ini\n\n((?:   .*\n|\n)+)', page.read_text())
    wrong = [
        f'[{section}] {option}'
        for block in blocks
        for section, options in sections(block).items()
        for option in options
        if option not in known.get(section, set())
    ]
    assert wrong == []


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / 'doc' / 'source' / 'decisions').glob('[0-9]*.rst'))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_table_of_policies_is_that_of_the_code() -> None:
    page = (ROOT / 'doc' / 'source' / 'operator' / 'policies.rst').read_text()
    callers = {
        policy.ANYONE: 'anybody',
        policy.ADMIN_OR_OWNER: 'reader',
        policy.ADMIN_OR_WRITER: 'writer',
        policy.ADMIN: 'administrator',
    }
    written = {
        name: row.rsplit('- ', 1)[1].strip()
        for row in page.partition('- Who may\n')[2].partition('\n\n')[0].split('* - ')
        for name in QUOTED.findall(row)
    }
    rules = {rule.name: callers[rule.check_str] for rule in policy.list_rules() if ':' in rule.name}
    assert written == rules
