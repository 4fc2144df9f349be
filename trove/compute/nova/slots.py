"""The slot of an instance: who may make its volume or its server at this moment.

No service of the cloud enforces that names are unique, so that a request whose
reply was lost, and one of a worker that was frozen, could make a second volume or
server. What Neutron does enforce is a MAC address per network. An instance's first
port has one that follows from the instance's id, so that there is one such port,
and its description is the slot:

* Before anything is POSTed, its maker claims the slot by a compare-and-swap on the
  description (``If-Match`` with the port's revision).
* It looks again then by name, and POSTs when nothing is there.
* It gives the slot back when the cloud has answered, be it yes or no. Without an
  answer the claim stays, and for ``slot_seconds`` nobody else makes anything: by then
  what was under way has shown up or failed.

How old a claim is tells Neutron's own clock where Neutron says what time it is (the
``Date`` of its answers); otherwise the clocks of its host and ours must agree within
the few seconds that ``slot_seconds`` exceeds the timeout of a request.
"""

import contextlib
import dataclasses
import datetime
import email.utils
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import openstack.exceptions

from trove.common import exception
from trove.compute.nova import clients, errors

LOG = logging.getLogger(__name__)

WORD = 'claimed'
_RETRY_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Slot:
    """A slot as Neutron told of it; ``age_seconds`` is how long ago its port was last changed."""

    port_id: str
    revision: int
    description: str
    age_seconds: float

    @property
    def token(self) -> str:
        """The token of who claimed it, or nothing."""
        word, _, rest = self.description.partition(' ')
        return rest.partition(' ')[0] if word == WORD else ''

    def rest_seconds(self, slot_seconds: float) -> float:
        """Return how much longer a claim counts; 0 when there is none or it is too old."""
        return max(0.0, slot_seconds - self.age_seconds) if self.token else 0.0


class Slots:
    """Claims slots and gives them back."""

    def __init__(
        self, cloud: clients.Clients, slot_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._cloud = cloud
        self._slot_seconds = slot_seconds
        self._monotonic = monotonic

    @contextlib.contextmanager
    def claimed(self, port_id: str, purpose: str) -> Iterator[Callable[[], None]]:
        """Hold the slot of an instance for the time of one look and one POST.

        Gives a function to be called right before the POST: it refuses when this process was
        held up for so long that the claim may have passed to another one. Raises ``ComputeBusy``
        while somebody else has the slot.
        """
        token = secrets.token_hex(8)
        began = self._monotonic()
        claim = self._claim(port_id, token, purpose)
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
            self._release(claim, token)
            raise
        self._release(claim, token)

    def rest_seconds(self, port_id: str) -> float:
        """Return for how long something may still be under way that nobody waits for; 0 when nothing is."""
        slot = self._look(port_id)
        return slot.rest_seconds(self._slot_seconds) if slot else 0.0

    def _claim(self, port_id: str, token: str, purpose: str) -> Slot:
        slot = self._look(port_id)
        if slot is None:
            raise exception.ComputeBusy(f'Making the {purpose}: the port is gone', _RETRY_SECONDS)
        rest_seconds = slot.rest_seconds(self._slot_seconds)
        if rest_seconds:
            raise exception.ComputeBusy(f'Making the {purpose}: another request may be under way', rest_seconds)
        with errors.told(f'Claiming the slot for the {purpose}'):
            return self._write(slot, f'{WORD} {token} {purpose}')

    def _release(self, claim: Slot, token: str) -> None:
        # Whoever comes next only has to wait when this fails.
        slot: Slot | None = claim
        with contextlib.suppress(openstack.exceptions.SDKException, exception.ComputeBusy):
            while slot is not None and slot.token == token:
                try:
                    self._write(slot, '')
                    return
                except openstack.exceptions.PreconditionFailedException:
                    # Nova bound the port meanwhile.
                    slot = self._look(slot.port_id)
            return
        LOG.warning('The slot of port %s could not be given back', claim.port_id)

    def _look(self, port_id: str) -> Slot | None:
        with errors.told('Looking at the slot'):
            response = self._cloud.network.get(f'/ports/{port_id}')
            if response.status_code == errors.MISSING:
                return None
            openstack.exceptions.raise_from_response(response)
        return read(response.json()['port'], response.headers.get('Date'))

    def _write(self, slot: Slot, description: str) -> Slot:
        written = self._cloud.network.update_port(slot.port_id, if_revision=slot.revision, description=description)
        return Slot(slot.port_id, written.revision_number, description, 0.0)


def read(port: dict[str, Any], now: str | None) -> Slot:
    """Return the slot of a port as Neutron gave it, with the ``Date`` of its answer."""
    moment = email.utils.parsedate_to_datetime(now) if now else datetime.datetime.now(datetime.UTC)
    changed = datetime.datetime.fromisoformat(port['updated_at'])
    age_seconds = max(0.0, (moment - changed).total_seconds())
    return Slot(port['id'], port['revision_number'], port.get('description') or '', age_seconds)
