"""The guests of a simulated cloud, all in one process on the real bus.

Each is the real agent with its jobs, heartbeats and endpoint, and has its key, account and bus from the files that
the control plane handed to its server; only the engine that it drives is simulated. What engines really did is in
the journal of the cloud.

A process has one transport. So a guest listens from when the broker takes its own account, but all of them speak
over connections of the control plane's account; what they say is sealed with the key of each, on its own exchange.
What an account may do, and what becomes of its connections, is told by ``tests/contract/test_broker_accounts.py``.
"""

import logging
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import amqp
import oslo_messaging
from oslo_config import cfg

from tests.chaos import daemon, ground
from tests.fixtures import guest_double, provider_double
from trove.common import cfg as trove_cfg
from trove.common import ending, states
from trove.common.rpc import transport
from trove.conductor import api as conductor_api
from trove.guestagent import agent, bus, options
from trove.guestagent.system import files

LOOK_SECONDS = 0.2
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
    """One guest on the bus, put together as ``trove.cmd.guest`` does it from what its server was handed."""

    def __init__(
        self, outside: provider_double.Outside, instance_id: str, folder: pathlib.Path, handed: Mapping[str, str]
    ) -> None:
        self._folder = folder
        engine = SimulatedEngine(outside, instance_id, folder / 'engine.json')
        self._conf = _configuration(folder, handed)
        self._bus = bus.Bus(self._conf)
        self._agent = agent.Agent(self._conf, engine, self._bus.conductor, self._bus.keys.renew)  # type: ignore[arg-type]
        self._server = self._bus.make_server(self._agent.endpoint)
        self._ending = threading.Event()
        self._serving = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._agent.start()
        self._serving.start()

    def _serve(self) -> None:
        while not self._is_taken():
            if self._ending.wait(LOOK_SECONDS):
                return
        self._server.start()

    def _is_taken(self) -> bool:
        """Return whether the broker takes the account that this guest was handed."""
        host = oslo_messaging.TransportURL.parse(self._conf).hosts[0]
        connection = amqp.Connection(f'{host.hostname}:{host.port}', host.username, host.password, connect_timeout=2)
        try:
            connection.connect()
        except (OSError, amqp.exceptions.AMQPError):
            return False
        finally:
            connection.collect()
        return True

    def stop(self) -> None:
        """Vanish as a server does that is deleted."""
        self._ending.set()
        if not self._serving.is_alive():
            self._server.stop()
        self._agent.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _configuration(folder: pathlib.Path, handed: Mapping[str, str]) -> cfg.ConfigOpts:
    """Return the configuration of a guest whose server was handed these files."""
    place = folder / 'conf.d'
    place.mkdir(parents=True, exist_ok=True)
    for name, content in handed.items():
        (place / name).write_text(content, encoding='utf-8')
    conf = cfg.ConfigOpts()
    trove_cfg.register(conf, options.OPTS)
    trove_cfg.register(conf, conductor_api.OPTS)
    conf([], project='trove', default_config_files=[], default_config_dirs=[str(place)])
    conf.set_override('state_path', str(folder))
    return conf


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
            handed = ground.guest_files(self._outside, instance_id)
            if handed is not None:
                self._guests[instance_id] = Guest(self._outside, instance_id, self._states / instance_id, handed)
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
    asked = ending.Ending()
    signal.signal(signal.SIGTERM, asked.set)
    while not asked.wait(LOOK_SECONDS):
        guests.turn()
    # They may be killed at any time, and threads that wait for the bus would be waited for.
    os._exit(0)


if __name__ == '__main__':
    main()
