"""Dataclasses on the wire: to plain JSON and back, with a version.

Fields are added, not changed: an unknown field of a newer sender is left out,
and a missing one of an older sender takes its default.
"""

import dataclasses
from typing import Any, TypeVar

Record = TypeVar('Record')

VERSION = 1


def pack(record: Any) -> dict[str, Any]:
    """Return a dataclass instance as a JSON-ready dict with its ``version``."""
    return {'version': VERSION, **dataclasses.asdict(record)}


def unpack(cls: type[Record], values: dict[str, Any]) -> Record:
    """Return the dataclass that ``pack`` made the dict of."""
    known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in values.items() if name in known})
