"""The agent put together."""

import threading

import pytest

from tests.unit.guestagent import doubles
from trove.common import context as trove_context
from trove.common import wire
from trove.guestagent import agent, requests

CONTEXT = trove_context.TroveContext()


class Conductor:
    """Takes reports; the bus is away for the first ``lost`` ones."""

    def __init__(self, lost=0):
        self.heartbeats = []
        self.ends = []
        self._lost = lost
        self.heard_end = threading.Event()
        self.heard_health = threading.Event()
        self.heard_health_again = threading.Event()

    def _carry(self):
        if self._lost:
            self._lost -= 1
            raise ConnectionRefusedError('the bus is away')

    def heartbeat(self, context, instance_id, payload, sent):
        self._carry()
        self.heartbeats.append((instance_id, payload))
        if payload['service_status'] == 'healthy':
            (self.heard_health_again if self.heard_health.is_set() else self.heard_health).set()

    def job_ended(self, context, instance_id, job_id, error):
        self._carry()
        self.ends.append((instance_id, job_id, error))
        self.heard_end.set()


@pytest.mark.parametrize('lost', [0, 2])
def test_prepare_is_told_by_job_and_heartbeat(tmp_path, lost):
    conf = doubles.make_conf(tmp_path, health_interval=0.1)
    conductor = Conductor(lost)
    guest = agent.Agent(conf, doubles.StubManager(conf, doubles.MemoryServices()), conductor, None)
    guest.start()
    guest.endpoint.prepare(CONTEXT, 'job', wire.pack(requests.PrepareRequest('1', 512, '')))
    assert conductor.heard_end.wait(120)
    assert conductor.heard_health.wait(120)
    guest.stop()
    assert conductor.ends == [('some-guest', 'job', None)]
    assert conductor.heartbeats[-1][1]['prepared'] is True


def test_a_job_that_changes_no_status_is_followed_by_a_heartbeat(tmp_path):
    # The control plane shows RESTARTING until it hears from the guest; the next regular report is far away.
    conf = doubles.make_conf(tmp_path, health_interval=0.1, report_interval=3600)
    conductor = Conductor()
    guest = agent.Agent(conf, doubles.StubManager(conf, doubles.MemoryServices()), conductor, None)
    guest.start()
    guest.endpoint.prepare(CONTEXT, 'prepare', wire.pack(requests.PrepareRequest('1', 512, '')))
    assert conductor.heard_health.wait(120)
    guest.endpoint.restart(CONTEXT, 'restart')
    assert conductor.heard_health_again.wait(120)
    guest.stop()
