"""What goes over the wire: plain JSON, and a context with its request id."""

from typing import Any

import oslo_messaging

from trove.common import context as trove_context


class ContextSerializer(oslo_messaging.NoOpSerializer):
    """Entities are plain already; the context becomes a dict and back, without its token."""

    def serialize_context(self, context: Any) -> dict[str, Any]:
        values: dict[str, Any] = context if isinstance(context, dict) else context.to_dict()
        return {**values, 'auth_token': None}

    def deserialize_context(self, context: dict[str, Any]) -> trove_context.TroveContext:
        return trove_context.TroveContext.from_dict(context)
