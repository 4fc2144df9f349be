"""Door to the conductor: what a guest reports.

The bus may lose any of these; the guest sends heartbeats again by itself and
reports the end of a job until the control plane stops asking for it.
"""

from typing import Any

from oslo_config import cfg

from trove.common import context as trove_context
from trove.common import rpc

VERSION = '1.0'
OPTS = [
    cfg.StrOpt('conductor_queue', default='trove-conductor', help='Topic on which conductors take what guests report.'),
]


class API:
    """Casts from a guest to any conductor. Each may raise ``rpc.BusError``."""

    def __init__(self, topic: str) -> None:
        self._client = rpc.Client(topic, VERSION)

    def heartbeat(
        self, context: trove_context.TroveContext, instance_id: str, payload: dict[str, Any], sent: float
    ) -> None:
        """Report the state: ``{"service_status": description, "volume": {...} | None, "prepared": bool}``.

        ``sent`` is UTC seconds; older reports than the newest one are dropped.
        """
        self._client.cast(context, 'heartbeat', instance_id=instance_id, payload=payload, sent=sent)

    def job_ended(
        self, context: trove_context.TroveContext, instance_id: str, job_id: str, error: str | None = None
    ) -> None:
        """Report that a named job ended, with the text of its error if it failed."""
        self._client.cast(context, 'job_ended', instance_id=instance_id, job_id=job_id, error=error)
