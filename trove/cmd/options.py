"""All options of all processes, for the sample configuration files."""

from collections.abc import Iterable, Sequence
from typing import Any

from oslo_config import cfg

# Imports stand in the functions: the daemons' modules patch the whole process when they are loaded.

Listed = list[tuple[str | None, Sequence[cfg.Opt]]]


def list_server_opts() -> Listed:
    """Return the options of API, taskmanager and conductor by group."""
    from trove.broker import options as broker_options
    from trove.common import auth, crypto, keystone, token_auth
    from trove.common import cfg as trove_cfg
    from trove.compute.local import options as local_options
    from trove.compute.nova import options as nova_options
    from trove.db.sqlalchemy import session
    from trove.dns import options as dns_options
    from trove.keystore import options as keystore_options
    from trove.storage import options as storage_options

    return [
        (None, [*trove_cfg.COMMON_OPTS, *_daemons(), *_web(), *_rooms(), *crypto.OPTS]),
        (session.GROUP, session.OPTS),
        (auth.GROUP, auth.OPTS),
        *keystone.list_opts(),
        (token_auth.GROUP, keystone.login_opts()),
        *local_options.list_opts(),
        *nova_options.list_opts(),
        *broker_options.list_opts(),
        *dns_options.list_opts(),
        *keystore_options.list_opts(),
        *storage_options.list_opts(),
        *((one.name, one.server_options()) for one in _descriptions()),
    ]


def list_guest_opts() -> Listed:
    """Return the options of the guest agent by group."""
    from trove.common import cfg as trove_cfg
    from trove.common.rpc import transport
    from trove.conductor import api as conductor_api
    from trove.guestagent import options
    from trove.storage import options as storage_options

    return [
        (None, [*trove_cfg.COMMON_OPTS, *options.OPTS, *conductor_api.OPTS, *transport.OPTS]),
        *storage_options.list_opts(),
        *((one.name, one.guest_options()) for one in _descriptions()),
    ]


def _daemons() -> Iterable[cfg.Opt]:
    from trove.cmd import api, common, conductor, web
    from trove.common import notification
    from trove.common.rpc import transport
    from trove.conductor import api as conductor_api
    from trove.conductor import gate
    from trove.guestagent import api as guest_api
    from trove.taskmanager import api as taskmanager_api
    from trove.taskmanager import engine, events, manager

    modules = (
        common, api, web, conductor, taskmanager_api, conductor_api, gate, guest_api, engine, manager, notification,
        events, transport,
    )  # fmt: skip
    return [option for module in modules for option in module.OPTS]


def _web() -> Iterable[cfg.Opt]:
    from trove.common import admission, api, auth, extensions, limits, policy

    return [
        *api.OPTS,
        *admission.OPTS,
        *extensions.OPTS,
        *auth.STRATEGY_OPTS,
        *auth.CONTEXT_OPTS,
        *limits.OPTS,
        *policy.OPTS,
    ]


def _rooms() -> Iterable[cfg.Opt]:
    from trove.extensions.mysql import options as mysql_options
    from trove.instance import options as instance_options
    from trove.instance import reconcile
    from trove.quota import options as quota_options

    return [
        *instance_options.API_OPTS,
        *instance_options.TASKMANAGER_OPTS,
        *reconcile.OPTS,
        *quota_options.OPTS,
        *mysql_options.OPTS,
    ]


def _descriptions() -> list[Any]:
    from trove.common import plugs
    from trove.guestagent.datastore import description

    group = 'trove.datastores'
    return [plugs.make(group, name, description.Description) for name in plugs.names(group)]
