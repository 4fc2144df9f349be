"""Reads the JSON body of a request, distrusting every byte of it."""

import json
from collections.abc import Iterator
from typing import Any

import webob

from trove.common import exception

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64


class MalformedBody(exception.BadRequest):
    message = 'Malformed JSON in the request body: %(reason)s.'


def read(req: webob.Request) -> Any:
    """Return the parsed body, or None when there is none.

    Raises ``BadRequest`` for anything that is not JSON of UTF-8 text,
    ``UnsupportedMediaType`` for another content type and ``OverLimit`` above ``MAX_BYTES``.
    """
    raw = _read_bytes(req)
    if not raw:
        return None
    content_type = req.environ.get('CONTENT_TYPE', '').split(';')[0].strip().lower()
    if not content_type:
        raise exception.BadRequest('The request has a body but no Content-Type; send application/json.')
    if content_type != 'application/json':
        raise exception.UnsupportedMediaType(content_type=content_type)
    return parse(raw)


def _read_bytes(req: webob.Request) -> bytes:
    try:
        if not req.is_body_readable:
            return b''
        raw: bytes = req.body_file.read(MAX_BYTES + 1)
    except (ValueError, OSError) as error:
        raise exception.BadRequest('The request body cannot be read.') from error
    if len(raw) > MAX_BYTES:
        raise exception.OverLimit(f'The request body is larger than {MAX_BYTES} bytes.')
    return raw


def parse(raw: bytes) -> Any:
    """Return the JSON value of bytes; no NaN, NUL, lone surrogates or deep nesting gets through."""
    try:
        value = json.loads(raw.decode('utf-8'), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise MalformedBody(reason='it is not UTF-8') from error
    except RecursionError as error:
        raise MalformedBody(reason='it is nested too deeply') from error
    except ValueError as error:
        # The text of the decoder names a position and no content; an integer of thousands of digits ends here too.
        raise MalformedBody(reason='it cannot be parsed') from error
    if raw.count(b'{') + raw.count(b'[') > MAX_DEPTH or b'\\u' in raw:
        _check(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is not JSON')


def _check(value: Any) -> None:
    for depth, item in _walk(value):
        if depth > MAX_DEPTH:
            raise MalformedBody(reason='it is nested too deeply')
        if isinstance(item, str) and not _is_plain(item):
            raise MalformedBody(reason='it holds a NUL or half a character')


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    waiting = [(1, value)]
    while waiting:
        depth, item = waiting.pop()
        yield depth, item
        if isinstance(item, dict):
            waiting.extend((depth + 1, part) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting.extend((depth + 1, part) for part in item)


def _is_plain(text: str) -> bool:
    # A lone surrogate is no character: no database and no engine takes it.
    return '\x00' not in text and not any('\ud800' <= character <= '\udfff' for character in text)


def peek(req: webob.Request) -> Any:
    """Return the parsed body and leave it to be read again; None when it is no JSON, for the reader to complain."""
    req.make_body_seekable()
    try:
        return read(req)
    except exception.TroveError:
        return None
    finally:
        req.body_file_raw.seek(0)
