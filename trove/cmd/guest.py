"""trove-guestagent: the agent beside one database engine."""

from trove.cmd import threads  # noqa: F401

import signal
import sys
import threading

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import exception, rpc
from trove.common.rpc import transport
from trove.conductor import api as conductor_api
from trove.guestagent import agent, dbaas, options
from trove.guestagent import api as guest_api
from trove.storage import stores

LOG = logging.getLogger(__name__)


def main() -> int:
    """Serve until SIGTERM or SIGINT; the engine goes on."""
    conf = cfg.CONF
    trove_cfg.register(conf, options.OPTS)
    trove_cfg.register(conf, conductor_api.OPTS)
    trove_cfg.read(conf, 'trove-guestagent', sys.argv[1:])
    try:
        serve(conf)
    except exception.TroveError as error:
        LOG.error('The agent cannot start: %s', error)
        print(f'trove-guestagent: {error}', file=sys.stderr)
        return 1
    return 0


def serve(conf: cfg.ConfigOpts) -> None:
    """Run the agent until a signal ends it."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    if not conf.guest_id:
        raise exception.ConfigurationError(reason='guest_id is not set')
    stores.check(conf)
    try:
        datastore = dbaas.make_manager(conf, ending.wait)
    except exception.GuestError:
        if ending.is_set():
            return
        raise
    transport.start(conf)
    guest = agent.Agent(conf, datastore, conductor_api.API(conf.conductor_queue))
    server = rpc.Server(guest_api.topic_of(conf.guest_id), conf.guest_id, [guest.endpoint], executor='threading')
    guest.start()
    # It waits for the bus, which must keep nobody from ending the agent.
    serving = threading.Thread(target=server.start, name='rpc server', daemon=True)
    serving.start()
    LOG.info('The agent of instance %s was started', conf.guest_id)
    ending.wait()
    LOG.info('The agent of instance %s ends; its engine goes on', conf.guest_id)
    if not serving.is_alive():
        server.stop()
        transport.stop()
    guest.stop()


if __name__ == '__main__':
    sys.exit(main())
