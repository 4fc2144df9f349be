import urllib.parse

import pytest

from trove.common import exception, pagination, wsgi


def request(query='', **environ):
    made = wsgi.Request.blank('/v1.0/p/instances' + query, base_url='http://host:8779')
    made.environ.update(environ)
    return made


def test_defaults():
    assert pagination.read(request(), 20) == pagination.Page(20, None)


def test_a_limit_is_cut_to_the_page_size():
    assert pagination.read(request('?limit=7&marker=m'), 20) == pagination.Page(7, 'm')
    assert pagination.read(request('?limit=700'), 20).limit == 20


@pytest.mark.parametrize('limit', ['0', '-1', 'x', '', '1.5', '1e3', '%C2%B2', '9' * 5000, '%2B1'])
def test_bad_limits(limit):
    with pytest.raises(exception.BadRequest, match='limit'):
        pagination.read(request(f'?limit={limit}'), 20)


def test_offsets():
    assert pagination.Page(20, None).offset() == 0
    assert pagination.Page(20, '40').offset() == 40
    with pytest.raises(exception.BadRequest):
        pagination.Page(20, 'x').offset()


def test_no_link_without_a_next_page():
    assert pagination.paged(request(), 'items', [1], pagination.Page(20, None), None) == {'items': [1]}


def test_the_link_keeps_the_query_and_replaces_the_page():
    page = pagination.Page(2, 'old')
    body = pagination.paged(request('?deleted=False&limit=2&marker=old'), 'items', [1], page, 'new')
    href = 'http://host:8779/v1.0/p/instances?deleted=False&limit=2&marker=new'
    assert body == {'items': [1], 'links': [{'rel': 'next', 'href': href}]}


def test_the_marker_survives_a_client_that_decodes_it_once():
    link = pagination.next_link(request(), 2, 'ä@% &=')
    marker = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)['marker'][0]
    following = request(f'?limit=2&marker={marker}')
    assert pagination.read(following, 20).marker == 'ä@% &='


def test_the_link_carries_the_public_endpoint():
    made = request(**{wsgi.ENDPOINT_KEY: 'https://database.example.org'})
    assert pagination.next_link(made, 2, 'm').startswith('https://database.example.org/v1.0/p/instances?')
