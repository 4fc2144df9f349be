"""trove-guestagent: the agent beside one database engine."""

from trove.cmd import threads  # noqa: F401

import signal
import sys
import threading

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import ending, exception, rpc
from trove.common.rpc import transport
from trove.conductor import api as conductor_api
from trove.guestagent import agent, bus, dbaas, options
from trove.guestagent.datastore import manager as datastore_manager
from trove.storage import stores

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the agent looks whether it has to join the bus anew, or can."""
LEAVE_SECONDS = 10.0
"""How long the end of the agent waits for the bus."""


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
    asked = ending.Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked.set)
    if not conf.guest_id:
        raise exception.ConfigurationError(reason='guest_id is not set')
    stores.check(conf)
    try:
        datastore = dbaas.make_manager(conf, asked.wait)
    except exception.GuestError:
        if asked.is_set():
            return
        raise
    Service(conf, datastore, asked).run()


class Service:
    """The agent on its bus, until a signal ends it."""

    def __init__(self, conf: cfg.ConfigOpts, datastore: datastore_manager.Manager, asked: ending.Ending) -> None:
        self._conf = conf
        self._asked = asked
        self._bus = bus.Bus(conf)
        self._guest = agent.Agent(conf, datastore, self._bus.conductor, self._bus.keys.renew)

    def run(self) -> None:
        """Serve; the engine goes on when this ends."""
        instance_id = self._conf.guest_id
        self._bus.connect()
        self._guest.start()
        # It waits for the bus, which must keep nobody from ending the agent.
        serving = threading.Thread(target=self._serve, name='rpc server', daemon=True)
        serving.start()
        LOG.info('The agent of instance %s was started', instance_id)
        self._asked.wait()
        LOG.info('The agent of instance %s ends; its engine goes on', instance_id)
        if self._bus.is_served:
            serving.join(LEAVE_SECONDS)
            transport.stop()
        self._guest.stop()

    def _serve(self) -> None:
        is_told = False
        while not self._asked.is_set():
            try:
                self._bus.join(self._guest.endpoint)
            except rpc.BusError as error:
                if not is_told:
                    LOG.warning('The bus is not served and is tried again: %s', error)
                is_told = True
                self._asked.wait(LOOK_SECONDS)
                continue
            is_told = False
            while not self._asked.wait(LOOK_SECONDS):
                # The broker gives the account another password some time after the key was rotated.
                if self._bus.is_outdated():
                    break
        self._bus.leave()


if __name__ == '__main__':
    sys.exit(main())
