"""Pages of names: what was asked for, and where the next page begins."""

import dataclasses
from collections.abc import Callable
from typing import Any

Page = dict[str, Any]

NO_LIMIT = 10_000


@dataclasses.dataclass(frozen=True)
class Request:
    """A page that was asked for; ``marker`` is the last item of the page before."""

    limit: int | None
    marker: str | None
    include_marker: bool

    @property
    def limit_with_next(self) -> int:
        """How many items to fetch: one more than fit shows that there is a next page."""
        return (self.limit or NO_LIMIT) + 1

    def cut(self, items: list[dict[str, Any]], key_of: Callable[[dict[str, Any]], str]) -> Page:
        """Return ``{"items", "next_marker"}`` of items in order that begin where the page does."""
        limit = self.limit or NO_LIMIT
        shown = items[:limit]
        next_marker = key_of(shown[-1]) if len(items) > limit and shown else None
        return {'items': shown, 'next_marker': next_marker}
