"""trove-taskmanager: runs operations and drives the compute provider."""

from trove.cmd import patch  # noqa: F401

import contextlib
from collections.abc import Sequence

from oslo_config import cfg

from trove.broker import base as broker
from trove.broker import options as broker_options
from trove.cmd import common, daemon
from trove.common import cfg as trove_cfg
from trove.common import clock, crypto, exception, notification, plugs, processes, rpc
from trove.common.rpc import notifications, transport
from trove.compute import base as compute
from trove.conductor import api as conductor_api
from trove.db import guest_keys
from trove.db import operations as ledger
from trove.dns import base as dns
from trove.dns import options as dns_options
from trove.guestagent import api as guest_api
from trove.instance import guest_accounts, guest_doors, reconcile
from trove.instance import options as instance_options
from trove.keystore import base as keystore
from trove.keystore import options as keystore_options
from trove.quota import options as quota_options
from trove.storage import stores
from trove.taskmanager import api, engine, events, manager, operation

PROVIDERS_GROUP = 'trove.compute.providers'
OPERATIONS_GROUP = 'trove.operations'


def build(conf: cfg.ConfigOpts) -> Sequence[daemon.Part]:
    """Return the parts of the process; every plug is loaded and checked here."""
    common.connect_database(conf)
    transport.start(conf)
    provider = plugs.make(PROVIDERS_GROUP, conf.compute_provider, compute.Provider, conf)
    stores.check(conf)
    notifying = notification.start(conf, 'taskmanager')
    kinds = plugs.load_all(OPERATIONS_GROUP, operation.Operation)
    system_clock = clock.Clock()
    worker = processes.own_name(conf.host)
    book = ledger.Ledger(system_clock, worker, conf.operation_lease_seconds)
    # With a database that is away the leases of a predecessor end by themselves.
    with contextlib.suppress(exception.ServiceUnavailable):
        book.release(lambda name: processes.is_dead(name, conf.host))
    sealer = crypto.Sealer.from_file(conf.secrets_key_file)
    keeper = guest_keys.Keeper(sealer)
    ring = guest_doors.ring_of(keeper)
    doors = guest_doors.Doors(lambda: ring)
    accounts = plugs.make(broker.GROUP, conf.broker_accounts, broker.Accounts, conf)
    repair = guest_accounts.Repair(accounts, keeper)
    tools = operation.Tools(
        conf=conf,
        ledger=book,
        clock=system_clock,
        sealer=sealer,
        provider=provider,
        guest=lambda instance_id: doors(instance_id, conf),
        dns=plugs.make(dns.GROUP, conf.dns_driver, dns.Dns, conf),
        keystore=plugs.make(keystore.GROUP, conf.key_store, keystore.KeyStore, conf),
        notifications=notifying,
        keys=keeper,
        broker=accounts,
    )
    runner = engine.Engine(kinds, tools)
    looks = reconcile.Looks(system_clock, conf.provider_full_look_turns, conf.provider_look_overlap_seconds)
    reconciler = reconcile.Reconciler(provider, looks)
    looking = manager.Periodic(
        [provider.resume_servers, reconciler.refresh_servers, reconciler.refresh_volumes],
        conf.provider_refresh_seconds,
    )
    tidying = manager.Periodic(
        [reconciler.refresh_flavors, provider.tidy, reconciler.report_orphans], conf.provider_refresh_seconds
    )
    mending = manager.Periodic([repair.make_missing, repair.remove_strays], conf.provider_refresh_seconds)
    endpoint = manager.Manager(runner)
    return [
        notifying,
        runner,
        looking,
        tidying,
        mending,
        *_listeners(conf, looking),
        daemon.RpcServer(lambda: rpc.Server(conf.taskmanager_queue, conf.host, [endpoint], executor='eventlet')),
    ]


def _listeners(conf: cfg.ConfigOpts, looking: manager.Periodic) -> list[daemon.Part]:
    if not conf.provider_notification_topics:
        return []
    source = notifications.Source(
        conf.provider_notification_topics, conf.provider_notification_exchange, conf.provider_notification_url
    )
    return [manager.listen(conf, source, looking, executor='eventlet')]


def start() -> None:
    conf = common.configure('trove-taskmanager')
    for options in (
        api.OPTS,
        engine.OPTS,
        events.OPTS,
        manager.OPTS,
        conductor_api.OPTS,
        guest_api.OPTS,
        crypto.OPTS,
        instance_options.TASKMANAGER_OPTS,
        broker_options.OPTS,
        dns_options.OPTS,
        keystore_options.OPTS,
        reconcile.OPTS,
        quota_options.OPTS,
    ):
        trove_cfg.register(conf, options)
    daemon.serve(conf, lambda: build(conf))


def main() -> None:
    """Console entry point."""
    daemon.run(start)


if __name__ == '__main__':
    main()
