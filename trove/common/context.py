"""Who asks, for which project, under which request id."""

from typing import Any

from oslo_context import context as oslo_context

from trove.common import sealing


class TroveContext(oslo_context.RequestContext):
    """The context of one request; it travels with every message as a plain dict."""

    def __init__(
        self, limit: int | None = None, marker: str | None = None, service_catalog: Any = None, **kwargs: Any
    ) -> None:
        # Where a request came from and went to is known to the API alone; it does not travel.
        self.client_ip: str | None = kwargs.pop('client_ip', None)
        self.server_ip: str | None = kwargs.pop('server_ip', None)
        super().__init__(**kwargs)
        self.limit = limit
        self.marker = marker
        self.service_catalog = service_catalog or []

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = super().to_dict()
        values.update(limit=self.limit, marker=self.marker)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any], **kwargs: Any) -> 'TroveContext':
        context: TroveContext = super().from_dict(
            values, limit=values.get('limit'), marker=values.get('marker'), **kwargs
        )
        return context


def service_context(request_id: str | None = None) -> TroveContext:
    """Return a context for work that a daemon does by itself, or for an operation's request id."""
    return TroveContext(is_admin=True, request_id=request_id)


class GuestContext(TroveContext):
    """The context of a message that was sealed: who really sent it, and what tells it from every other one."""

    def __init__(self, sender: str, message: sealing.Message, text: str = '') -> None:
        super().__init__(request_id=message.request_id)
        self.sender = sender
        self.message = message
        self.text = text
        """The message as it was sealed, to be handed on."""
