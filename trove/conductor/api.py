"""Door to the conductor: what a guest reports.

The bus may lose any of these; the guest sends heartbeats again by itself and
reports the end of a job until the control plane stops asking for it.
"""

from typing import Any

from oslo_config import cfg

from trove.common import context as trove_context
from trove.common import rpc

VERSION = '2.0'
OPTS = [
    cfg.StrOpt('conductor_queue', default='trove-conductor', help='Topic on which conductors take what guests report.'),
]


class API:
    """Sealed casts from a guest to any conductor. Each may raise ``rpc.BusError``."""

    def __init__(self, client: rpc.Sender) -> None:
        self._client = client

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

    def answer(self, context: trove_context.TroveContext, call_id: str, topic: str, outcome: dict[str, Any]) -> None:
        """Answer a call: ``{"result": ...}`` or a packed error, for who listens on the topic."""
        self._client.cast(context, 'answer', call_id=call_id, topic=topic, outcome=outcome)
