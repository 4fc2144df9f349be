"""What trove-status looks at; each check takes the configuration and tells its result in words without secrets."""

import configparser
import dataclasses
import enum
import functools
import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import kombu.connection
import kombu.exceptions
import oslo_messaging
import sqlalchemy as sa
from oslo_config import cfg
from oslo_policy import policy as oslo_policy
from paste import deploy
from sqlalchemy import exc

from trove.cmd import application, common
from trove.common import api as common_api
from trove.common import auth, crypto, exception, extensions, plugs, policy
from trove.common import cfg as trove_cfg
from trove.common.rpc import transport
from trove.compute import base as compute
from trove.datastore import descriptions
from trove.db import get_db_api
from trove.db import operations as ledger
from trove.db.sqlalchemy import migration, session, tables
from trove.instance import options as instance_options

PROVIDERS_GROUP = 'trove.compute.providers'
OPERATIONS_GROUP = 'trove.operations'
IMAGE_PROVIDERS = ('nova',)
"""Compute providers whose servers start from an image."""
CONNECT_SECONDS = 5.0
NAMES_SHOWN = 10
UNREAD = 'Not looked at, because the database could not be read.'


class Level(enum.Enum):
    """How bad it is; the value is the exit code."""

    SUCCESS = 0
    WARNING = 1
    FAILURE = 2


@dataclasses.dataclass(frozen=True)
class Result:
    """What one check found."""

    level: Level
    details: str = ''


Check = Callable[[cfg.ConfigOpts], Result]


def all_checks(repositories: Iterable[str]) -> list[tuple[str, Check]]:
    """Return titles and checks in the order in which they are run; ``repositories`` are those of vendors."""
    vendors = [(f'Tables of {path}', functools.partial(check_database, repository=path)) for path in repositories]
    return [
        ('Database', check_database),
        *vendors,
        ('Plugins of the database', check_plugins),
        ('Key of secrets', check_secrets_key),
        ('Paste file', check_paste_file),
        ('Policies', check_policies),
        ('Message bus', check_bus),
        ('Compute provider', check_provider),
        ('Datastore versions', check_datastore_versions),
        ('Operations', check_operations),
    ]


def _success(details: str = '') -> Result:
    return Result(Level.SUCCESS, details)


def _warning(details: str) -> Result:
    return Result(Level.WARNING, details)


def _failure(details: str) -> Result:
    return Result(Level.FAILURE, details)


def _list(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f' and {len(found) - NAMES_SHOWN} more' if len(found) > NAMES_SHOWN else ''
    return ', '.join(found[:NAMES_SHOWN]) + more


# -- the database ------------------------------------------------------------------------


def check_database(conf: cfg.ConfigOpts, repository: str | None = None) -> Result:
    """It can be reached and is at the newest version of a migration repository, by default ours."""
    trove_cfg.register(conf, session.OPTS, group=session.GROUP)
    connection = conf[session.GROUP].connection
    missing = _missing_file(connection)
    if missing:
        return _failure(f'The file {missing} does not exist; run "trove-manage db_sync".')
    sync = '"trove-manage db_sync' + (f' --repo_path={repository}"' if repository else '"')
    try:
        newest = migration.newest_version(repository)
        version = migration.db_version(connection, repository)
    except migration.MigrationError as error:
        return _failure(' '.join(str(error).split()))
    if version > newest:
        return _failure(f'It is at version {version}, of a newer release than the one installed here ({newest}).')
    if version < newest:
        return _failure(f'It is at version {version}, the newest is {newest}; run {sync}.')
    return _success(f'It is at version {version}.')


def _missing_file(connection: str) -> str | None:
    """Return the file of an SQLite database that is not there; to connect would make an empty one."""
    path = connection.partition(':///')[2]
    return path if connection.startswith('sqlite:') and not os.path.exists(path) else None


def check_plugins(conf: cfg.ConfigOpts) -> Result:
    """Each of ``db_plugins`` loads and its tables can be mapped."""
    trove_cfg.register(conf, session.OPTS, group=session.GROUP)
    if _missing_file(conf[session.GROUP].connection):
        return _warning(UNREAD)
    try:
        common.connect_database(conf)
    except common.CANNOT_START as error:
        return _failure(str(error))
    return _success(f'Loaded: {_list(conf.db_plugins)}.' if conf.db_plugins else 'There are none.')


def _rows(query: Any) -> Sequence[Any]:
    with get_db_api().reading() as reader:
        rows: Sequence[Any] = reader.execute(query).all()
    return rows


def _with_database(check: Check) -> Check:
    """Return the check as one that only warns where the database, which has a check of its own, is no help."""

    def run(conf: cfg.ConfigOpts) -> Result:
        if _missing_file(conf[session.GROUP].connection):
            return _warning(UNREAD)
        try:
            return check(conf)
        except (exception.ServiceUnavailable, exception.ConfigurationError, exc.SQLAlchemyError):
            return _warning(UNREAD)

    return functools.wraps(check)(run)


# -- files -------------------------------------------------------------------------------


def check_secrets_key(conf: cfg.ConfigOpts) -> Result:
    """The key is there, is a key, and is nobody else's to read."""
    trove_cfg.register(conf, crypto.OPTS)
    path = conf.secrets_key_file
    try:
        crypto.Sealer.from_file(path)
    except exception.ConfigurationError as error:
        return _failure(str(error))
    if os.stat(path).st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        return _warning(f'{path} can be read or changed by others than its owner; run "chmod 600 {path}".')
    return _success(f'{path} can be used.')


def check_paste_file(conf: cfg.ConfigOpts) -> Result:
    """It has the pipeline that ``auth_strategy`` names, and all of it can be loaded."""
    trove_cfg.register(conf, [*common_api.OPTS, *auth.STRATEGY_OPTS])
    try:
        path = application.find_paste_file(conf)
        missing = _missing_sections(path, conf.auth_strategy)
        if missing:
            return _failure(f'{path} has no {_list(missing)}, which auth_strategy {conf.auth_strategy} needs.')
        deploy.loadapp(f'config:{path}', name='trove')
    except common.CANNOT_START as error:
        return _failure(str(error))
    except (LookupError, ImportError, ValueError, configparser.Error) as error:
        return _failure(f'The paste file cannot be loaded: {type(error).__name__}: {error}')
    return _success(f'{path} has what auth_strategy {conf.auth_strategy} needs.')


def _missing_sections(path: str, strategy: str) -> list[str]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read(path, encoding='utf-8')
    if not parser.has_section('composite:api'):
        # The operator has built it in another way; loading tells.
        return []
    if not parser.has_option('composite:api', strategy):
        return [f"pipeline '{strategy}' in [composite:api]"]
    *filters, last = parser.get('composite:api', strategy).split()
    wanted = [f'filter:{name}' for name in filters]
    missing = [f'[{name}]' for name in wanted if not parser.has_section(name)]
    kinds = ('app', 'composite', 'pipeline')
    if not any(parser.has_section(f'{kind}:{last}') for kind in kinds):
        missing.append(f'[app:{last}]')
    return missing


def check_policies(conf: cfg.ConfigOpts) -> Result:
    """The operator's policy files can be read, and every rule in them is one that is asked for."""
    enforcer = oslo_policy.Enforcer(conf)
    enforcer.suppress_default_change_warnings = True
    try:
        known = {rule.name: rule for rule in [*policy.list_rules(), *_rules_of_extensions()]}
        enforcer.register_defaults(list(known.values()))
        enforcer.load_rules()
        enforcer.check_rules(raise_on_violation=True)
    except exception.PlugError as error:
        return _failure(str(error))
    except (ValueError, OSError, cfg.Error, oslo_policy.InvalidDefinitionError) as error:
        return _failure(f'The policies cannot be used: {" ".join(str(error).split())}')
    own = {name: rule.check_str for name, rule in enforcer.file_rules.items()}
    unreadable = [name for name, text in own.items() if text.strip() != '!' and str(enforcer.rules[name]) == '!']
    if unreadable:
        return _failure(f'Rules that cannot be understood and so forbid everything: {_list(unreadable)}.')
    used = set(re.findall(r'rule:([\w:.-]+)', ' '.join(own.values())))
    unknown = set(own) - set(known) - used
    if unknown:
        return _warning(f'Rules that nothing asks for: {_list(unknown)}. Look for a typing error.')
    where = enforcer.policy_path
    return _success(f'{len(own)} rules of your own in {where}.' if where else 'There is no file; the defaults apply.')


def _rules_of_extensions() -> list[oslo_policy.RuleDefault]:
    return [rule for extension in extensions.load() for rule in extension.rules]


# -- the bus -----------------------------------------------------------------------------


def _url(conf: cfg.ConfigOpts) -> oslo_messaging.TransportURL:
    return oslo_messaging.TransportURL.parse(conf)


def check_bus(conf: cfg.ConfigOpts) -> Result:
    """A host of the bus takes connections, and lets our account into our virtual host."""
    transport.start(conf)
    try:
        transport.check_reachable()
        refusals = _refusals(conf)
    except OSError as error:
        return _failure(f'{str(error).capitalize()}. Requests about the inside of an engine need it.')
    finally:
        transport.stop()
    if refusals:
        return _failure(f'The bus refuses us: {_list(refusals)}.')
    if not any(host.hostname for host in _url(conf).hosts):
        return _warning('transport_url names no host.')
    return _success()


def _refusals(conf: cfg.ConfigOpts) -> list[str]:
    url = _url(conf)
    if url.transport.partition('+')[0] != 'rabbit' or conf.oslo_messaging_rabbit.ssl:
        return []
    hosts = [host for host in url.hosts if host.hostname]
    return [f'{host.hostname}: {reason}' for host in hosts if (reason := _refusal(host, url.virtual_host))]


def _refusal(host: Any, virtual_host: str | None) -> str | None:
    connection = kombu.connection.Connection(
        hostname=host.hostname,
        port=host.port or transport.PORT,
        userid=host.username,
        password=host.password,
        virtual_host=virtual_host or '/',
        connect_timeout=CONNECT_SECONDS,
    )
    try:
        connection.connect()
    except OSError:
        # One host of several may be away.
        return None
    except (kombu.exceptions.KombuError, *connection.connection_errors, *connection.channel_errors) as error:
        return f'{type(error).__name__} for user {host.username} and virtual host {virtual_host or "/"}'
    finally:
        connection.release()
    return None


# -- plugs -------------------------------------------------------------------------------


def check_provider(conf: cfg.ConfigOpts) -> Result:
    """The plug of the compute provider loads and is complete."""
    trove_cfg.register(conf, instance_options.TASKMANAGER_OPTS)
    try:
        plugs.load(PROVIDERS_GROUP, conf.compute_provider, compute.Provider)
    except exception.PlugError as error:
        return _failure(str(error))
    return _success(f'{conf.compute_provider} can be loaded.')


@_with_database
def check_datastore_versions(conf: cfg.ConfigOpts) -> Result:
    """Each version in use has a manager that is installed and, where servers start from one, an image."""
    trove_cfg.register(conf, instance_options.TASKMANAGER_OPTS)
    columns = tables.datastore_versions.c
    stores = tables.datastores.c
    versions = _rows(
        sa.select(stores.name.label('datastore'), columns.name, columns.manager, columns.image_id, columns.image_tags)
        .join_from(tables.datastores, tables.datastore_versions, stores.id == columns.datastore_id)
        .where(columns.is_active)
    )
    installed = plugs.names(descriptions.GROUP)
    strange = [f'{row.datastore} {row.name} ({row.manager})' for row in versions if row.manager not in installed]
    if strange:
        return _failure(f'Versions whose datastore manager is not installed here: {_list(strange)}.')
    bare = [f'{row.datastore} {row.name}' for row in versions if not (row.image_id or row.image_tags)]
    if bare and conf.compute_provider in IMAGE_PROVIDERS:
        return _warning(f'Versions without an image and without tags of one, which cannot be built: {_list(bare)}.')
    if not versions:
        return _warning('Tenants have no datastore version to choose; register one with trove-manage.')
    return _success(f'{len(versions)} in use.')


@_with_database
def check_operations(conf: cfg.ConfigOpts) -> Result:
    """No operation waits that this release does not know, or whose secrets our key does not open."""
    columns = tables.operations.c
    active = _rows(sa.select(columns.kind, columns.sealed).where(columns.state.in_(ledger.ACTIVE_STATES)))
    unknown = {row.kind for row in active} - set(plugs.names(OPERATIONS_GROUP))
    if unknown:
        return _failure(f'Operations of kinds that are not installed here would never end: {_list(unknown)}.')
    locked = _locked(conf, [row.sealed for row in active if row.sealed])
    if locked:
        return _failure(f'The secrets of {locked} operations do not open with the key of this host.')
    return _success(f'{len(active)} are under way.')


def _locked(conf: cfg.ConfigOpts, sealed: Iterable[str]) -> int:
    trove_cfg.register(conf, crypto.OPTS)
    try:
        sealer = crypto.Sealer.from_file(conf.secrets_key_file)
    except exception.ConfigurationError:
        # It has a check of its own.
        return 0
    count = 0
    for text in sealed:
        try:
            sealer.open(text)
        except exception.ServerError:
            count += 1
    return count
