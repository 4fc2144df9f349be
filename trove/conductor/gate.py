"""What the conductor lets in of what guests send, and how the words of a guest are checked."""

import math
import re
from typing import Any

from oslo_config import cfg

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import sealing
from trove.common.rpc import sealed, transport
from trove.db import guest_keys

OPTS = [
    cfg.FloatOpt(
        'report_window_seconds',
        default=300,
        min=10,
        help='Seconds for which a report or an answer of a guest is good. Clocks of guests may be wrong by no more; '
        'one that comes later is refused, and the guest tells again.',
    ),
]
MOST_ERROR = 2000
MOST_ENTRIES = 8

_JOB = re.compile(r'[0-9A-Za-z-]{1,36}\.[a-z_]{1,40}', re.ASCII)


class Opener:
    """Lets in what a guest sealed, through its own exchange, lately. Whether it came before is for who writes it."""

    def __init__(self, ring: guest_keys.Ring, clock: trove_clock.Clock, window_seconds: float) -> None:
        self._ring = ring
        self._clock = clock
        self._window_seconds = window_seconds

    def open(self, text: object, exchange: str | None) -> trove_context.GuestContext:
        found = sealing.Sealed.read(text, transport.most_bytes())
        # The broker lets nobody but the guest write to its exchange, so this is known before any key is looked for.
        if exchange is not None and exchange != sealed.exchange_of(found.instance_id):
            raise sealing.Refused('sender')
        message = found.open(self._ring.keys(found.instance_id, found.key_id), sealing.TO_CONTROL)
        if message.sent < self._clock.time() - self._window_seconds:
            raise sealing.Refused('time')
        return trove_context.GuestContext(found.instance_id, message, str(text))


def check_sender(context: trove_context.GuestContext, instance_id: object) -> None:
    """Raise ``Refused`` unless the sender speaks of itself."""
    if instance_id != context.sender:
        raise sealing.Refused('sender')


def check_heartbeat(payload: object, sent: object) -> None:
    """Raise ``Refused`` unless a heartbeat has the form that its door gives it."""
    is_good = isinstance(payload, dict) and _is_number(sent) and _is_volume(payload.get('volume'))
    if not is_good:
        raise sealing.Refused('arguments')


def check_end(job_id: object, error: object) -> None:
    """Raise ``Refused`` unless the end of a job has the form that its door gives it."""
    if not isinstance(job_id, str) or not _JOB.fullmatch(job_id) or not isinstance(error, str | None):
        raise sealing.Refused('arguments')


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_volume(volume: Any) -> bool:
    if volume is None:
        return True
    if not isinstance(volume, dict) or len(volume) > MOST_ENTRIES:
        return False
    return all(len(name) <= sealing.MAX_TEXT and _is_number(value) for name, value in volume.items())
