"""What the control plane asks of a guest, as it travels."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class PrepareRequest:
    """Everything a guest needs to make its database from nothing.

    ``databases``: ``{"name", "character_set"?, "collate"?}``; ``users``: ``{"name",
    "host", "password", "databases": [{"name"}]}``; ``config_contents``: the rendered
    template; ``overrides``: parameter name to value; ``memory_mb``: what the engine may use.
    """

    datastore_version: str
    memory_mb: int
    config_contents: str
    databases: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    users: list[dict[str, Any]] = dataclasses.field(default_factory=list, repr=False)
    root_password: str | None = dataclasses.field(default=None, repr=False)
    overrides: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class StartRequest:
    """What an engine is started with after its server changed: the template rendered for the new flavor.

    The tenant's overrides stay what they were.
    """

    config_contents: str


@dataclasses.dataclass(frozen=True)
class RekeyRequest:
    """Another key for the bus, as ``sealing.Key.encode`` spells it, and its number."""

    number: int
    key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class RebuildRequest:
    """What a guest on a fresh root disk needs to serve what lies on the volume; the rest it finds there."""

    datastore_version: str
    config_contents: str
