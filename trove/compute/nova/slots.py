"""The slot of an instance: who may make its volume or its server at this moment.

No service of the cloud enforces that names are unique, so that a request whose
reply was lost, and one of a worker that was frozen, could make a second volume or
server. What Neutron does enforce is that a MAC address is there once in a network.
So whoever is about to make something makes a port first, without an address, whose
MAC follows from the instance's id: the claim. There is one at a time.

* Its maker looks by name then, and POSTs only when nothing is there.
* It deletes the claim when the cloud has answered, be it yes or no. Without an answer
  the claim stays, and for ``slot_seconds`` nobody makes anything: by then what was under
  way has shown up or failed.
* A claim that is older is deleted by who comes next, by its own id, so that nobody
  deletes a newer one; of several who come, one makes the next claim. When nobody comes,
  because what it was for is there, it is tidied away.

A compare-and-swap on the instance's port would save a request, but Neutron checks
``If-Match`` against what it read before, and lets several at the same time through.

How old a claim is tells Neutron's own clock where Neutron says what time it is (the
``Date`` of its answers); otherwise the clocks of its host and ours must agree within
the few seconds that ``slot_seconds`` exceeds the timeout of a request.
"""

import contextlib
import dataclasses
import datetime
import email.utils
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import openstack.exceptions

from trove.common import cloud, exception
from trove.compute.nova import clients, errors, names

LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_OWNER = 'trove:claim'
"""What claims say of their owner, by which all of them are found in one request."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim as Neutron told of it."""

    id: str
    age_seconds: float
    purpose: str


class Slots:
    """Claims slots and gives them back."""

    def __init__(
        self, cloud: clients.Clients, slot_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._cloud = cloud
        self._slot_seconds = slot_seconds
        self._monotonic = monotonic

    @contextlib.contextmanager
    def claimed(self, instance_id: str, network_id: str, purpose: str) -> Iterator[Callable[[], None]]:
        """Hold the slot of an instance for the time of one look and one POST.

        The network is that of the instance's first port, the same for all who come. Gives a
        function to be called right before the POST: it refuses when this process was held up
        for so long that the slot may have passed to another one. Raises ``ComputeBusy`` while
        somebody else has the slot.
        """
        began = self._monotonic()
        claim_id = self._claim(instance_id, network_id, purpose)
        was_sent = False

        def check() -> None:
            nonlocal was_sent
            if self._monotonic() - began > self._slot_seconds - self._cloud.timeout_seconds:
                raise exception.ComputeBusy(reason=f'Making the {purpose}: the claim grew too old before it was used')
            was_sent = True

        try:
            yield check
        except exception.ComputeError as error:
            if was_sent and not (error.__cause__ and errors.is_final(error.__cause__)):
                raise
            self._release(claim_id)
            raise
        self._release(claim_id)

    def rest_seconds(self, instance_id: str) -> float:
        """Return for how long something may still be under way that nobody waits for; 0 when nothing is."""
        return max((self._rest(claim) for claim in self._find(instance_id)), default=0.0)

    def delete(self, instance_id: str) -> None:
        """Delete what is left of claims."""
        for claim in self._find(instance_id):
            self._delete(claim.id)

    def tidy(self) -> None:
        """Delete the claims of all instances that are too old to mean anything."""
        for claim in self._list({'device_owner': _OWNER}):
            if not self._rest(claim):
                LOG.warning('The claim %s to make a %s was left behind', claim.id, claim.purpose)
                self._delete(claim.id)

    def _claim(self, instance_id: str, network_id: str, purpose: str) -> str:
        for claim in self._find(instance_id):
            rest_seconds = self._rest(claim)
            if rest_seconds:
                reason = f'Making the {purpose}: a request to make the {claim.purpose} may be under way'
                raise exception.ComputeBusy(reason, rest_seconds)
            LOG.warning('A claim of instance %s to make a %s was left behind', instance_id, claim.purpose)
            self._delete(claim.id)
        name = names.of_claim(instance_id)
        with errors.told(f'Claiming the slot for the {purpose}'):
            try:
                made = self._cloud.network.create_port(
                    name=name,
                    description=purpose,
                    network_id=network_id,
                    device_owner=_OWNER,
                    mac_address=names.mac_of(name),
                    fixed_ips=[],
                    security_groups=[],
                    project_id=self._cloud.project_id(),
                )
            except openstack.exceptions.ConflictException as error:
                if 'mac' not in cloud.text_of(error).lower():
                    raise
                reason = f'Making the {purpose}: another worker is at it'
                raise exception.ComputeBusy(reason, _RETRY_SECONDS) from error
        return str(made.id)

    def _release(self, claim_id: str) -> None:
        try:
            self._delete(claim_id)
        except exception.ComputeError as error:
            # Whoever comes next only has to wait.
            LOG.warning('The claim %s could not be given back: %s', claim_id, error)

    def _delete(self, claim_id: str) -> None:
        with errors.told('Giving the slot back'), errors.missing_is_fine():
            self._cloud.network.delete_port(claim_id, ignore_missing=False)

    def _find(self, instance_id: str) -> list[Claim]:
        """Return the claims of an instance; more than one only when its port moved to another network."""
        return self._list({'name': names.of_claim(instance_id)})

    def _list(self, query: dict[str, str]) -> list[Claim]:
        with errors.told('Looking at claims'):
            params = {**query, 'project_id': self._cloud.project_id()}
            response = self._cloud.network.get('/ports', params=params)
            openstack.exceptions.raise_from_response(response)
        return [read(port, response.headers.get('Date')) for port in response.json()['ports']]

    def _rest(self, claim: Claim) -> float:
        return max(0.0, self._slot_seconds - claim.age_seconds)


def read(port: dict[str, Any], now: str | None) -> Claim:
    """Return the claim that a port is, as Neutron gave it with the ``Date`` of its answer."""
    moment = email.utils.parsedate_to_datetime(now) if now else datetime.datetime.now(datetime.UTC)
    made = datetime.datetime.fromisoformat(port['created_at'])
    return Claim(port['id'], max(0.0, (moment - made).total_seconds()), port.get('description') or 'server')
