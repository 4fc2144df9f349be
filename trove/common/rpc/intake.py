"""The first look at what comes from a broker, before any of it is parsed.

The library that the bus stands on inflates a compressed body, parses it and writes a traceback for each one that
is malformed, and the answer of a call goes to whatever queue the message names. A guest may be hostile. So a
message is looked at here first: one that is too large, compressed or malformed becomes an empty one, and of what
came through the exchange of a guest only the sealed text is kept, with the name of the exchange.
"""

import json
from typing import Any

from kombu.transport import pyamqp

from trove.common.rpc import refusals

GUEST_EXCHANGE = 'guest.'
"""How the names of the exchanges of guests begin. Nobody but the guest and the control plane may write to one."""
METHOD = 'sealed'
"""What the one method of sealed messages is called."""
EXCHANGE_KEY = '_context_exchange'

_VERSION, _MESSAGE = 'oslo.version', 'oslo.message'
_JSON = 'application/json'
_NOTHING = b'{}'


class Bounds:
    """What a message may have; set once for a process."""

    most_bytes = 2 * 1024 * 1024


class Message(pyamqp.Message):
    """A message that cannot do harm by its form."""

    def __init__(self, msg: Any, channel: Any = None, **kwargs: Any) -> None:
        self._exchange = str((msg.delivery_info or {}).get('exchange') or '')
        headers = msg.properties.get('application_headers') or {}
        reason = _fault(len(msg.body), headers, msg.properties.get('content_type'))
        if reason is not None:
            refusals.found.note(self._exchange, reason)
            msg.body = _NOTHING
            msg.properties = {'content_type': _JSON, 'content_encoding': 'utf-8'}
        super().__init__(msg, channel=channel, **kwargs)  # type: ignore[no-untyped-call]

    def _decode(self) -> dict[str, Any]:
        try:
            # Not by the library, whose JSON makes objects of what names a type.
            found = _unwrapped(json.loads(self.body))
        except (ValueError, TypeError, RecursionError):
            refusals.found.note(self._exchange, 'form')
            return {}
        return _of_guest(found, self._exchange) if self._exchange.startswith(GUEST_EXCHANGE) else found


def install(most_bytes: int) -> None:
    """Have every message of this process pass here; ``most_bytes`` is what one may have."""
    Bounds.most_bytes = most_bytes
    pyamqp.Channel.Message = Message


def _fault(size: int, headers: dict[str, Any], content_type: str | None) -> str | None:
    if size > Bounds.most_bytes:
        return 'size'
    if headers.get('compression') or content_type != _JSON:
        return 'form'
    return None


def _unwrapped(payload: Any) -> dict[str, Any]:
    """Return the message inside its envelope; ``ValueError`` for anything else."""
    if not isinstance(payload, dict):
        raise ValueError('no dict')
    message = json.loads(payload[_MESSAGE]) if _MESSAGE in payload else payload
    if not isinstance(message, dict) or _MESSAGE in message:
        raise ValueError('no message')
    return message


def _of_guest(message: dict[str, Any], exchange: str) -> dict[str, Any]:
    """Return no more than a sealed text: no queue that an answer should go to, no time-out, no context."""
    arguments = message.get('args')
    if message.get('method') != METHOD or not isinstance(arguments, dict):
        refusals.found.note(exchange, 'form')
        return {}
    return {'method': METHOD, 'args': {'text': arguments.get('text')}, EXCHANGE_KEY: exchange}
