"""The contract of stores, as tests.

A store's test module subclasses ``StoreContract`` and gives it the fixture ``store``, a store in which there is
nothing yet; every promise of ``trove.storage.base.Store`` that can be held from outside is then held against it.
"""

import hashlib
import threading
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest

from trove.common import exception
from trove.storage import base

KEY = base.Key('backups', 'b-1.xbstream.zst')
CONTENT = [b'first', b'', b'x' * 200_000, b'last']
METADATA = {'datastore': 'mariadb', 'parent-location': 'l\u00f6cal/b-0', 'empty': ''}
CANARY = 'canary-of-a-store'
MEBIBYTE = 1024 * 1024
LIMIT_SECONDS = 120


class SourceError(Exception):
    """What the chunks of a broken source raise."""


def sum_of(content: Iterable[bytes]) -> str:
    """Return the digest of these bytes."""
    return hashlib.sha256(b''.join(content)).hexdigest()


def broken() -> Iterator[bytes]:
    """Give something, and then no more."""
    yield b'half'
    raise SourceError


def loaded(store: base.Store, key: base.Key, digest: str | None = None) -> bytes:
    """Return all of an object."""
    with store.load(key, digest) as chunks:
        return b''.join(chunks)


def is_absent(store: base.Store, key: base.Key = KEY) -> bool:
    """Return whether an object is nowhere to be seen."""
    with pytest.raises(base.ObjectNotFound), store.load(key):
        pass
    return store.find(key) is None and key.name not in store.names(key.container)


def delete(store: base.Store, key: base.Key = KEY) -> None:
    """Ask until it is gone."""
    while not store.delete(key):
        pass


class StoreContract:
    """The promises of every store; the subclass has the fixture ``store``."""

    def test_what_is_saved_is_found_and_loaded(self, store: base.Store) -> None:
        stored = store.save(KEY, CONTENT, METADATA)
        assert stored == base.Stored(KEY, 200_009, sum_of(CONTENT), METADATA)
        assert store.find(KEY) == stored
        assert loaded(store, KEY) == b''.join(CONTENT)
        assert loaded(store, KEY, stored.digest) == b''.join(CONTENT)

    def test_an_empty_object_is_one(self, store: base.Store) -> None:
        assert store.save(KEY, []).digest == sum_of([])
        assert loaded(store, KEY) == b''
        assert store.find(KEY) == base.Stored(KEY, 0, sum_of([]), {})

    def test_what_never_was_is_not_found(self, store: base.Store) -> None:
        assert is_absent(store)

    def test_a_source_that_breaks_leaves_nothing(self, store: base.Store) -> None:
        with pytest.raises(SourceError):
            store.save(KEY, broken())
        assert is_absent(store)
        store.save(KEY, CONTENT)
        assert loaded(store, KEY) == b''.join(CONTENT)

    def test_another_digest_than_the_senders_leaves_nothing(self, store: base.Store) -> None:
        with pytest.raises(base.ObjectCorrupt):
            store.save(KEY, CONTENT, digest=sum_of([b'other']))
        assert is_absent(store)
        assert store.save(KEY, CONTENT, digest=sum_of(CONTENT)).digest == sum_of(CONTENT)

    def test_an_object_is_not_there_before_it_is_whole(self, store: base.Store) -> None:
        def looking() -> Iterator[bytes]:
            yield b'half'
            assert is_absent(store)
            yield b'whole'
            assert is_absent(store)

        store.save(KEY, looking())
        assert loaded(store, KEY) == b'halfwhole'

    def test_an_object_is_not_what_another_digest_says(self, store: base.Store) -> None:
        store.save(KEY, CONTENT)
        given: list[bytes] = []
        with pytest.raises(base.ObjectCorrupt), store.load(KEY, sum_of([b'other'])) as chunks:
            given += chunks
        assert b'last' not in b''.join(given)

    def test_who_stops_reading_does_no_harm(self, store: base.Store) -> None:
        store.save(KEY, [b'x' * MEBIBYTE])
        with store.load(KEY) as chunks:
            assert next(chunks)
        with store.load(KEY):
            pass
        assert len(loaded(store, KEY)) == MEBIBYTE

    def test_a_name_is_written_once(self, store: base.Store) -> None:
        first = store.save(KEY, CONTENT, METADATA)
        with pytest.raises(base.ObjectExists):
            store.save(KEY, [b'other'])
        assert store.find(KEY) == first
        assert loaded(store, KEY) == b''.join(CONTENT)

    def test_of_writers_at_the_same_time_one_wins(self, store: base.Store) -> None:
        count = 4
        barrier = threading.Barrier(count, timeout=LIMIT_SECONDS)
        saved, refused = [], []

        def write(number: int) -> None:
            def content() -> Iterator[bytes]:
                for _ in range(3):
                    barrier.wait()
                    yield bytes([number]) * 1000

            try:
                saved.append(store.save(KEY, content(), {'writer': str(number)}))
            except base.ObjectExists:
                refused.append(number)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_SECONDS)
        assert (len(saved), len(refused)) == (1, count - 1)
        assert store.find(KEY) == saved[0]
        assert loaded(store, KEY) == bytes([int(saved[0].metadata['writer'])]) * 3000

    def test_what_is_deleted_is_gone_and_its_name_is_free(self, store: base.Store) -> None:
        store.save(KEY, CONTENT)
        delete(store)
        assert is_absent(store)
        store.save(KEY, [b'other'])
        assert loaded(store, KEY) == b'other'

    def test_what_never_was_is_deleted_gladly(self, store: base.Store) -> None:
        delete(store)
        store.save(KEY, CONTENT)
        delete(store)
        delete(store)
        delete(store, base.Key('elsewhere', 'b-1'))
        assert is_absent(store)

    def test_names_are_told_by_container_and_prefix(self, store: base.Store) -> None:
        for container, name in (('logs', 'b-2'), ('logs', 'a-1'), ('logs', 'b-10'), ('others', 'b-3')):
            store.save(base.Key(container, name), [b''])
        assert list(store.names('logs')) == ['a-1', 'b-10', 'b-2']
        assert list(store.names('logs', 'b-')) == ['b-10', 'b-2']
        assert list(store.names('logs', 'c')) == []
        assert list(store.names('nowhere')) == []
        delete(store, base.Key('logs', 'a-1'))
        assert list(store.names('logs')) == ['b-10', 'b-2']

    def test_names_do_not_lead_out_of_the_store(self, store: base.Store) -> None:
        for container in ('..', '../other', '/etc', '', '.hidden', 'a/b', 'a\0b', '-rf', 'a' * 256, 'a\n', '$(x)'):
            with pytest.raises(exception.BadRequest):
                list(store.names(container))

    def test_metadata_that_no_store_can_keep_are_refused(self, store: base.Store) -> None:
        for metadata in ({'Key': ''}, {'a_b': ''}, {'key': f'{CANARY}\n'}, {'key': 'x' * 257}, {'key': ' x'}):
            with pytest.raises(exception.BadRequest) as caught:
                store.save(KEY, CONTENT, metadata)
            assert CANARY not in str(caught.value)
        assert is_absent(store)

    def test_memory_does_not_grow_with_the_object(self, store: base.Store) -> None:
        chunk = b'x' * MEBIBYTE
        tracemalloc.start()
        try:
            store.save(KEY, (chunk for _ in range(64)))
            with store.load(KEY) as chunks:
                size = sum(len(one) for one in chunks)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size == 64 * MEBIBYTE
        assert peak < 16 * MEBIBYTE

    def test_nothing_of_an_object_is_logged(self, store: base.Store, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level('DEBUG')
        store.save(KEY, [CANARY.encode()], {'key': CANARY})
        loaded(store, KEY)
        delete(store)
        assert CANARY not in caplog.text

    def test_its_place_can_be_told(self, store: base.Store) -> None:
        assert str(KEY) in store.location(KEY)
        assert store.location(KEY) != store.location(base.Key('backups', 'b-2'))
