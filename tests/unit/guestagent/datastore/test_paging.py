"""Pages of names."""

from trove.guestagent.datastore import paging


def items(*names):
    return [{'name': name} for name in names]


def key_of(item):
    return item['name']


def test_full_page_tells_where_the_next_begins():
    request = paging.Request(limit=2, marker=None, include_marker=False)
    assert request.limit_with_next == 3
    assert request.cut(items('a', 'b', 'c'), key_of) == {'items': items('a', 'b'), 'next_marker': 'b'}


def test_last_page_has_no_next():
    request = paging.Request(limit=2, marker='a', include_marker=False)
    assert request.cut(items('b', 'c'), key_of) == {'items': items('b', 'c'), 'next_marker': None}
    assert request.cut([], key_of) == {'items': [], 'next_marker': None}


def test_no_limit_is_everything_within_reason():
    request = paging.Request(limit=None, marker=None, include_marker=False)
    assert request.limit_with_next == paging.NO_LIMIT + 1
    assert request.cut(items('a'), key_of)['next_marker'] is None
