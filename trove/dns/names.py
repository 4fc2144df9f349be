"""Which host name an instance gets, and which records that means."""

import ipaddress
import re
import string
from collections.abc import Iterable

from trove.common import exception

FIELDS = frozenset({'instance_id', 'name', 'zone'})
MOST_CHARACTERS = 63
"""Of one label of a host name, by the rules of DNS."""


def check(pattern: str) -> None:
    """Raise ``ConfigurationError`` when a pattern cannot give names in a zone."""
    try:
        fields = {field for _text, field, _spec, _conversion in string.Formatter().parse(pattern) if field is not None}
    except ValueError:
        fields = {''}
    if not fields <= FIELDS or not pattern.endswith('.{zone}'):
        raise exception.ConfigurationError(
            reason=f"[designate] hostname_pattern '{pattern}' must end with .{{zone}} and may hold {{instance_id}} and "
            '{name} beside it'
        )


def host_name(pattern: str, instance_id: str, name: str, zone: str) -> str:
    """Return the host name without a final dot; ``zone`` has none either."""
    return pattern.format(instance_id=instance_id, name=label_of(name) or instance_id, zone=zone).lower()


def label_of(name: str) -> str:
    """Return a name as one label of a host name; empty when nothing of it is allowed there."""
    return re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:MOST_CHARACTERS].strip('-')


def by_type(addresses: Iterable[str], types: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses by type of record, sorted, for those types that there are any of."""
    found: dict[str, set[str]] = {}
    for address in addresses:
        parsed = ipaddress.ip_address(address)
        found.setdefault('A' if parsed.version == 4 else 'AAAA', set()).add(str(parsed))
    return {kind: sorted(found[kind]) for kind in types if kind in found}
