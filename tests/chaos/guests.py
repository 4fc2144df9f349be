"""The guests of a simulated cloud, all in one process on the real bus.

Each is the real agent with its jobs, heartbeats and endpoint; only the engine that it
drives is simulated. What engines really did is in the journal of the cloud.
"""

import logging
import pathlib
import random
import shutil
import signal
import sys
import threading
import time
from typing import Any

from oslo_config import cfg

from tests.chaos import daemon
from tests.fixtures import guest_double, provider_double
from trove.common import cfg as trove_cfg
from trove.common import rpc, states
from trove.common.rpc import transport
from trove.conductor import api as conductor_api
from trove.guestagent import agent, options
from trove.guestagent import api as guest_api
from trove.guestagent.system import files

LOOK_SECONDS = 0.2
REPORT_SECONDS = 2.0
LONGEST_JOB_SECONDS = 0.4
BEGAN = 'guests-began'
"""Effect of the journal: all agents were started anew."""
ENDED = 'ended'
"""Effect of the journal: an engine did what a job is for."""
JOB_THREAD = 'job '
"""How the agent names the thread of a job."""


class _NoServices:
    def tend(self) -> None:
        return


class SimulatedEngine(guest_double.GuestDouble):
    """What an agent drives: a file that tells whether it runs and what databases it has."""

    services = _NoServices()

    def __init__(self, outside: provider_double.Outside, instance_id: str, path: pathlib.Path) -> None:
        super().__init__()
        self._outside = outside
        self._instance_id = instance_id
        self._path = str(path)
        kept = files.read_json(self._path) or {'is_running': False, 'databases': []}
        self._is_running = kept['is_running']
        self.databases = set(kept['databases'])

    def _keep(self) -> None:
        files.write_json(self._path, {'is_running': self._is_running, 'databases': sorted(self.databases)})

    def _carry_out(self, is_running: bool) -> None:
        time.sleep(random.uniform(0, LONGEST_JOB_SECONDS))
        self._is_running = is_running
        self._keep()
        self._outside.write(self._instance_id, ENDED, threading.current_thread().name.removeprefix(JOB_THREAD))

    def prepare(self, context: Any, request: Any) -> None:
        self._carry_out(True)

    def restart(self, context: Any) -> None:
        self._carry_out(True)

    def stop(self, context: Any) -> None:
        self._carry_out(False)

    def start_with_changes(self, context: Any, request: Any) -> None:
        self._carry_out(True)

    def resize_fs(self, context: Any) -> None:
        self._carry_out(self._is_running)

    def rebuild(self, context: Any, request: Any) -> None:
        self._carry_out(True)

    def create_database(self, context: Any, databases: list[dict[str, Any]]) -> None:
        super().create_database(context, databases)
        self._keep()

    def health(self) -> states.ServiceStatus:
        return states.HEALTHY if self._is_running else states.SHUTDOWN

    def get_filesystem_stats(self) -> dict[str, float]:
        return {'total': 1.0, 'used': 0.1}


class Guest:
    """One guest on the bus, put together as ``trove.cmd.guest`` does it."""

    def __init__(self, outside: provider_double.Outside, instance_id: str, folder: pathlib.Path) -> None:
        conf = cfg.ConfigOpts()
        trove_cfg.register(conf, options.OPTS)
        trove_cfg.register(conf, conductor_api.OPTS)
        conf([], project='trove', default_config_files=[], default_config_dirs=[])
        self._folder = folder
        conf.set_override('guest_id', instance_id)
        conf.set_override('state_path', str(folder))
        conf.set_override('report_interval', REPORT_SECONDS)
        folder.mkdir(parents=True, exist_ok=True)
        engine = SimulatedEngine(outside, instance_id, folder / 'engine.json')
        self._agent = agent.Agent(conf, engine, conductor_api.API(conf.conductor_queue))  # type: ignore[arg-type]
        topic = guest_api.topic_of(instance_id)
        self._server = rpc.Server(topic, instance_id, [self._agent.endpoint], executor='threading')
        self._serving = threading.Thread(target=self._server.start, daemon=True)

    def start(self) -> None:
        self._agent.start()
        self._serving.start()

    def stop(self) -> None:
        """Vanish as a server does that is deleted."""
        if not self._serving.is_alive():
            self._server.stop()
        self._agent.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Guests:
    """The guests of all servers that there are."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._outside = provider_double.Outside(folder / 'outside')
        self._states = folder / 'guests'
        self._guests: dict[str, Guest] = {}

    def turn(self) -> None:
        """Start a guest for each new server, and end those of servers that are gone."""
        wanted = {one for one in self._outside.instance_ids() if self._outside.path(one, 'server').exists()}
        for instance_id in wanted - self._guests.keys():
            self._guests[instance_id] = Guest(self._outside, instance_id, self._states / instance_id)
            self._guests[instance_id].start()
        for instance_id in self._guests.keys() - wanted:
            # Beside the others, because leaving the bus takes its time.
            threading.Thread(target=self._guests.pop(instance_id).stop, daemon=True).start()


def main() -> None:
    """Play the guests until a signal ends them."""
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(name)s %(message)s')
    logging.getLogger('oslo').setLevel(logging.CRITICAL)
    daemon.turn_clock()
    folder = pathlib.Path(sys.argv[1])
    # The global one, as oslo.messaging insists on it.
    cfg.CONF(['--config-file', sys.argv[2]], project='trove')
    transport.start(cfg.CONF)
    provider_double.Outside(folder / 'outside').write('-', BEGAN, '-')
    guests = Guests(folder)
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    while not ending.wait(LOOK_SECONDS):
        guests.turn()


if __name__ == '__main__':
    main()
