"""Dataclasses as JSON."""

import dataclasses

from trove.common import wire


@dataclasses.dataclass(frozen=True)
class Request:
    name: str
    size: int = 1


def test_there_and_back() -> None:
    assert wire.pack(Request('a', 2)) == {'version': 1, 'name': 'a', 'size': 2}
    assert wire.unpack(Request, wire.pack(Request('a', 2))) == Request('a', 2)


def test_a_newer_sender_and_an_older_one() -> None:
    assert wire.unpack(Request, {'version': 2, 'name': 'a', 'colour': 'blue'}) == Request('a', 1)
