"""Sealed messages between the control plane and one guest: who sent them, when, and that nobody else reads them.

Both halves import this, so it leans on nothing but ``cryptography``. A sealed message is one line of text,
``1:<instance id>:<key id>:<base64>``. Everything else lies inside, and the first three parts are
authenticated with it, as is the direction that it goes.
"""

import base64
import binascii
import dataclasses
import json
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import aead
from cryptography.hazmat.primitives.kdf import hkdf

from trove.common import exception

VERSION = '1'
KEY_BYTES = 32
NONCE_BYTES = 12
TO_GUEST = 'to-guest'
TO_CONTROL = 'to-control'
DIRECTIONS = (TO_GUEST, TO_CONTROL)

AHEAD_SECONDS = 300.0
"""How far the clock of a sender may be ahead of ours."""
MAX_BYTES = 1024 * 1024
"""What one sealed message may have at most unless an option says otherwise."""
MAX_TEXT = 128
"""What a method, an id or a topic may have; they come into logs."""

_TEXT = re.compile(r'1:([0-9A-Za-z_-]{1,36}):([0-9a-f]{16}):([A-Za-z0-9_-]+={0,2})', re.ASCII)


class Refused(exception.TroveError):
    """A message that is not let in. ``reason`` is one of a few words, which are counted."""

    code = 403
    message = 'The message was refused: %(reason)s'

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Message:
    """What is said. ``call_id`` and ``answer_topic`` are set where an answer is waited for."""

    method: str
    arguments: dict[str, Any] = dataclasses.field(repr=False)
    sent: float
    sequence: int
    version: str = '1.0'
    request_id: str | None = None
    call_id: str | None = None
    answer_topic: str | None = None


_TYPES: dict[str, tuple[type, ...]] = {
    'method': (str,),
    'arguments': (dict,),
    'sent': (int, float),
    'sequence': (int,),
    'version': (str,),
    'request_id': (str, type(None)),
    'call_id': (str, type(None)),
    'answer_topic': (str, type(None)),
}


class Key:
    """The key of one instance, from which everything is derived that its guest shares with the control plane."""

    def __init__(self, secret: bytes, instance_id: str) -> None:
        if len(secret) != KEY_BYTES:
            raise exception.ConfigurationError(reason=f'the key of instance {instance_id} has not {KEY_BYTES} bytes')
        self.secret = secret
        self.instance_id = instance_id
        self.id = self._derive('key id', 8).hex()
        self.broker_password = base64.urlsafe_b64encode(self._derive('broker password', 30)).decode()
        """Password of the guest's account at the broker; the same whenever it is asked for."""
        # Each direction has its own, so that nothing can be sent back to where it came from.
        self._ciphers = {direction: aead.AESGCM(self._derive(direction, KEY_BYTES)) for direction in DIRECTIONS}

    def _derive(self, purpose: str, length: int) -> bytes:
        info = f'trove bus {VERSION} {purpose} {self.instance_id}'.encode()
        derived: bytes = hkdf.HKDF(hashes.SHA256(), length, salt=None, info=info).derive(self.secret)
        return derived

    @classmethod
    def decode(cls, text: str, instance_id: str) -> 'Key':
        """Return the key that ``encode`` made the text of; ``ConfigurationError`` for any other text."""
        try:
            return cls(base64.urlsafe_b64decode(text), instance_id)
        except ValueError as error:
            raise exception.ConfigurationError(reason=f'the key of instance {instance_id} is malformed') from error

    def encode(self) -> str:
        """Return the key as text; as secret as the key."""
        return base64.urlsafe_b64encode(self.secret).decode()

    def seal(self, direction: str, message: Message) -> str:
        """Return the sealed text of a message."""
        nonce = os.urandom(NONCE_BYTES)
        plain = json.dumps(dataclasses.asdict(message), separators=(',', ':')).encode()
        sealed = nonce + self._ciphers[direction].encrypt(nonce, plain, self._label(direction))
        return f'{VERSION}:{self.instance_id}:{self.id}:{base64.urlsafe_b64encode(sealed).decode()}'

    def open(self, direction: str, sealed: bytes) -> Message:
        """Return the message; ``Refused`` when anything of it is not what was sealed with this key."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            plain = self._ciphers[direction].decrypt(nonce, rest, self._label(direction))
        except (exceptions.InvalidTag, ValueError):
            raise Refused('seal') from None
        return _parse(plain)

    def _label(self, direction: str) -> bytes:
        return f'{VERSION}:{direction}:{self.instance_id}:{self.id}'.encode()

    def __repr__(self) -> str:
        return f'Key({self.id} of {self.instance_id})'


def make_secret() -> bytes:
    """Return a new key's bytes."""
    return secrets.token_bytes(KEY_BYTES)


def _parse(plain: bytes) -> Message:
    try:
        values = json.loads(plain)
    except (ValueError, RecursionError):
        raise Refused('malformed') from None
    if not isinstance(values, dict):
        raise Refused('malformed')
    # What a later version adds is left out, as everywhere on the wire.
    known: dict[str, Any] = {name: values.get(name) for name in _TYPES}
    if not _is_good(known):
        raise Refused('malformed')
    return Message(**known)


def _is_good(known: dict[str, Any]) -> bool:
    if not all(isinstance(known[name], types) for name, types in _TYPES.items()):
        return False
    texts = [value for value in known.values() if isinstance(value, str)]
    is_short = all(len(text) <= MAX_TEXT and text.isprintable() for text in texts)
    return is_short and 0 <= known['sequence'] < 2**63


@dataclasses.dataclass(frozen=True)
class Sealed:
    """A sealed message as it came: what it says of itself, which is not proven yet."""

    instance_id: str
    key_id: str
    payload: str = dataclasses.field(repr=False)

    @classmethod
    def read(cls, text: object, most_bytes: int = MAX_BYTES) -> 'Sealed':
        """Return what a text says of itself; ``Refused`` when it is too large or not a sealed message."""
        if not isinstance(text, str):
            raise Refused('malformed')
        if len(text) > most_bytes:
            raise Refused('size')
        found = _TEXT.fullmatch(text)
        if found is None:
            raise Refused('malformed')
        return cls(*found.groups())

    def open(self, keys: Iterable[Key], direction: str) -> Message:
        """Return the message by whichever of the keys it was sealed with; ``Refused`` when none of them opens it."""
        for key in keys:
            if key.id == self.key_id and key.instance_id == self.instance_id:
                return key.open(direction, self._decode())
        raise Refused('key')

    def _decode(self) -> bytes:
        try:
            return base64.urlsafe_b64decode(self.payload)
        except binascii.Error:
            raise Refused('malformed') from None


def make_sequence() -> int:
    """Return a number that no other message has; it is drawn, so that processes need not agree on it."""
    return secrets.randbits(62)


Seen = list[list[Any]]
"""The newest messages that came, as JSON: ``[sent, sequence]``, oldest first."""


def admit(seen: Sequence[Sequence[Any]], message: Message, now: float, window_seconds: float, limit: int = 256) -> Seen:
    """Return what was seen with a message added; ``Refused`` when it came before, or is of another time.

    No more than ``limit`` are remembered. What is older than all of them might have been forgotten, so it is
    refused, too.
    """
    if not now - window_seconds <= message.sent <= now + AHEAD_SECONDS:
        raise Refused('time')
    if len(seen) >= limit and message.sent < seen[0][0]:
        raise Refused('time')
    entry = [message.sent, message.sequence]
    if any(known[1] == message.sequence for known in seen):
        raise Refused('replay')
    recent = [list(known) for known in seen if known[0] >= now - window_seconds]
    return sorted([*recent, entry])[-limit:]
