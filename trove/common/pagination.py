"""Pages: what a request asks for and the link to the next one."""

import dataclasses
import urllib.parse
from typing import Any

from trove.common import exception, wsgi

MOST = 1000
"""Items on one page of a list that is not capped, so that no request takes all memory."""


@dataclasses.dataclass(frozen=True)
class Page:
    """At most ``limit`` items behind ``marker``, the last item of the page before."""

    limit: int
    marker: str | None

    def offset(self) -> int:
        """Return the marker of a list that is paged by numbers; ``BadRequest`` when it is none."""
        if self.marker is None:
            return 0
        return _number(self.marker, 'marker', minimum=0)


def read(req: wsgi.Request, page_size: int, is_capped: bool = True) -> Page:
    """Return the page that a request asks for; ``page_size`` is the default, and the largest unless not capped.

    Raises ``BadRequest`` for a limit that is no positive number.
    """
    limit = page_size
    if 'limit' in req.GET:
        limit = _number(req.GET['limit'], 'limit', minimum=1)
        limit = min(page_size if is_capped else MOST, limit)
    return Page(limit, req.GET.get('marker'))


def _number(text: str, name: str, minimum: int) -> int:
    # A longer number means no row of any table; int() itself refuses thousands of digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= minimum):
        raise exception.BadRequest(f"The query parameter '{name}' must be a number of at least {minimum}.")
    return int(text)


def paged(req: wsgi.Request, key: str, items: list[Any], page: Page, next_marker: str | None) -> dict[str, Any]:
    """Return the body of a list: the items and, when there is a next page, its link."""
    body: dict[str, Any] = {key: items}
    if next_marker is not None:
        body['links'] = [{'rel': 'next', 'href': next_link(req, page.limit, next_marker)}]
    return body


def next_link(req: wsgi.Request, limit: int, marker: str) -> str:
    """Return the URL of the next page.

    The marker is quoted twice, because clients decode it once and send it back as it is then.
    """
    query = [(key, value) for key, value in req.GET.items() if key not in ('limit', 'marker')]
    query += [('limit', str(limit)), ('marker', urllib.parse.quote(marker, safe=''))]
    path = urllib.parse.quote(req.script_name + req.path_info)
    return f'{req.endpoint}{path}?{urllib.parse.urlencode(query)}'
