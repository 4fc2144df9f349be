"""Names of objects, and what is held back until it is checked."""

import hashlib

import pytest

from trove.storage import base

KEY = base.Key('backups', 'b-1')


@pytest.mark.parametrize('name', ['b-1', '7', 'B_1.xbstream.gz.enc', 'a..b', 'x' * 200])
def test_names(name):
    assert str(base.Key('backups', name)) == f'backups/{name}'


@pytest.mark.parametrize(
    'name', ['', '.', '..', '../b', '/b', 'a/b', '.b', '-b', 'a b', 'a\0', 'b\n', 'b;', '$b', '\u00e4', 'x' * 201]
)
def test_names_that_could_be_more_than_that(name):
    with pytest.raises(base.BadKey, match='cannot be a name in a store'):
        base.Key('backups', name)
    with pytest.raises(base.BadKey, match='cannot be a container in a store'):
        base.Key(f'{name}/' if name else '', 'b-1')


def stored(content):
    return base.Stored(KEY, len(content), hashlib.sha256(content).hexdigest(), {})


def given(chunks, wanted, digest=None):
    """Return what is given of chunks, and whether it came to the end."""
    found = []
    try:
        found += base.verified(chunks, wanted, digest)
    except base.ObjectCorrupt:
        return found, False
    return found, True


@pytest.mark.parametrize('chunks', [[], [b''], [b'a'], [b'a', b'b'], [b'a', b'', b'b', b'']])
def test_what_is_whole_is_given(chunks):
    found, is_whole = given(chunks, stored(b''.join(chunks)))
    assert (b''.join(found), is_whole) == (b''.join(chunks), True)


@pytest.mark.parametrize('chunks', [[], [b'a'], [b'a', b'c'], [b'a', b'b', b'c'], [b'ab', b'c']])
def test_of_what_is_not_the_last_chunk_is_kept(chunks):
    found, is_whole = given(chunks, stored(b'ab'))
    assert not is_whole
    assert found == chunks[:-1]


def test_another_digest_than_the_callers_gives_nothing():
    assert given([b'a', b'b'], stored(b'ab'), 'another') == ([], False)


def test_metadata_are_copied():
    metadata = {'key': 'value'}
    checked = base.check_metadata(metadata)
    metadata['key'] = 'other'
    assert checked == {'key': 'value'}
    assert base.check_metadata(None) == {}


def test_too_many_metadata_are_refused():
    with pytest.raises(Exception, match='at most 20'):
        base.check_metadata({f'key-{number}': '' for number in range(21)})
