"""A store that is a folder of this machine.

An object is a folder ``<container>/<name>`` with the files ``data`` and ``about.json``. It is made as a draft
and gets its name when it is complete, which the file system lets happen once. A draft belongs to whoever
holds its lock; the lock ends with the process, and what nobody holds is removed by the next call that writes.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.storage import base, options

LOG = logging.getLogger(__name__)

DRAFTS = '.drafts'
DATA = 'data'
ABOUT = 'about.json'


class LocalStore(base.Store):
    """Keeps objects in a folder, which all that use it share; a subclass may choose another ``folder``."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        trove_cfg.register(conf, options.LOCAL_OPTS, options.LOCAL_GROUP)
        self.folder: str = conf[options.LOCAL_GROUP].folder

    def save(
        self,
        key: base.Key,
        chunks: Iterable[bytes],
        metadata: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> base.Stored:
        said = base.check_metadata(metadata)
        if self.find(key) is not None:
            raise base.ObjectExists(key=key)
        with _told(f'saving {key}'):
            self._sweep()
            draft, lock = self._make_draft()
        try:
            tally = _write_data(os.path.join(draft, DATA), chunks, key)
            if digest not in (None, tally.digest):
                raise base.ObjectCorrupt(key=key)
            stored = base.Stored(key, tally.size, tally.digest, said)
            with _told(f'saving {key}'):
                _write_about(draft, stored)
                self._publish(draft, key)
        finally:
            # When all went well it has another name by now.
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)
        LOG.info('Object %s of %d bytes was saved', key, stored.size)
        return stored

    @contextlib.contextmanager
    def load(self, key: base.Key, digest: str | None = None) -> Iterator[Iterator[bytes]]:
        with contextlib.ExitStack() as stack:
            with _told(f'loading {key}'):
                folder = self._place(key)
                try:
                    handle = os.open(os.path.join(folder, DATA), os.O_RDONLY | os.O_NOFOLLOW)
                except FileNotFoundError:
                    raise base.ObjectNotFound(key=key) from None
                stream = stack.enter_context(open(handle, 'rb'))
                stored = _read_about(folder, key)
            yield base.verified(_read_data(stream, key), stored, digest)

    def find(self, key: base.Key) -> base.Stored | None:
        with _told(f'looking for {key}'), contextlib.suppress(base.ObjectNotFound):
            return _read_about(self._place(key), key)
        return None

    def names(self, container: str, prefix: str = '') -> Iterator[str]:
        base.check_container(container)
        with _told(f'listing {container}'):
            try:
                found = os.listdir(os.path.join(self.folder, container))
            except FileNotFoundError:
                found = []
        return iter(sorted(name for name in found if name.startswith(prefix) and base.is_name(name)))

    def delete(self, key: base.Key) -> bool:
        with _told(f'deleting {key}'):
            # It is gone by one change of a name; the bytes may take their time.
            self._make_folders()
            with contextlib.suppress(FileNotFoundError):
                os.rename(self._place(key), os.path.join(self.folder, DRAFTS, secrets.token_hex(8)))
                _sync_folder(os.path.join(self.folder, key.container))
                LOG.info('Object %s was deleted', key)
            self._sweep()
        return True

    def location(self, key: base.Key) -> str:
        return f'local://{key}'

    # -- folders ----------------------------------------------------------------------------

    def _place(self, key: base.Key) -> str:
        """Return the folder of an object; somebody may have put links in the way."""
        root = os.path.realpath(self.folder)
        path = os.path.join(root, key.container, key.name)
        if os.path.realpath(path) != path:
            raise base.StoreError(reason=f'{key} is a link that leads elsewhere')
        return path

    def _make_folders(self) -> None:
        os.makedirs(os.path.join(self.folder, DRAFTS), mode=0o700, exist_ok=True)

    def _make_draft(self) -> tuple[str, int]:
        """Return a new folder and the lock on it."""
        self._make_folders()
        while True:
            path = os.path.join(self.folder, DRAFTS, secrets.token_hex(8))
            os.mkdir(path, 0o700)
            lock = _lock(path)
            # Somebody who sweeps may have taken it for one that was left.
            if lock is not None:
                return path, lock

    def _publish(self, draft: str, key: base.Key) -> None:
        _sync_folder(draft)
        place = self._place(key)
        container = os.path.dirname(place)
        os.makedirs(container, mode=0o700, exist_ok=True)
        try:
            os.rename(draft, place)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise base.ObjectExists(key=key) from None
            raise
        _sync_folder(container)

    def _sweep(self) -> None:
        """Remove what deletes and killed saves left."""
        self._make_folders()
        drafts = os.path.join(self.folder, DRAFTS)
        for name in os.listdir(drafts):
            path = os.path.join(drafts, name)
            lock = _lock(path)
            if lock is not None:
                try:
                    shutil.rmtree(path)
                finally:
                    os.close(lock)


def _lock(path: str) -> int | None:
    """Return the lock on a draft, None when another one has it or the draft is gone."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = os.path.lexists(path)
    except BlockingIOError:
        is_ours = False
    if is_ours:
        return handle
    os.close(handle)
    return None


def _write_data(path: str, chunks: Iterable[bytes], key: base.Key) -> base.Tally:
    tally = base.Tally()
    deed = f'saving {key}'
    with contextlib.ExitStack() as stack:
        with _told(deed):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            stream = stack.enter_context(open(handle, 'wb', buffering=0))
        # What the chunks raise is their own.
        for chunk in chunks:
            with _told(deed):
                _write_all(stream, chunk)
            tally.add(chunk)
        with _told(deed):
            os.fsync(handle)
            if os.fstat(handle).st_size != tally.size:
                raise base.StoreError(reason=f'{deed}: not all of it arrived')
    return tally


def _write_all(stream: BinaryIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[stream.write(rest) :]


def _write_about(folder: str, stored: base.Stored) -> None:
    about = {'size': stored.size, 'digest': stored.digest, 'metadata': dict(stored.metadata)}
    handle = os.open(os.path.join(folder, ABOUT), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, 'w', encoding='utf-8') as stream:
        json.dump(about, stream)
        stream.flush()
        os.fsync(handle)


def _read_about(folder: str, key: base.Key) -> base.Stored:
    try:
        with open(os.path.join(folder, ABOUT), encoding='utf-8') as stream:
            about = json.load(stream)
        return base.Stored(key, int(about['size']), str(about['digest']), dict(about['metadata']))
    except FileNotFoundError:
        raise base.ObjectNotFound(key=key) from None
    except (ValueError, KeyError, TypeError):
        raise base.ObjectCorrupt(key=key) from None


def _read_data(stream: BinaryIO, key: base.Key) -> Iterator[bytes]:
    while True:
        with _told(f'loading {key}'):
            chunk = stream.read(base.CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _sync_folder(path: str) -> None:
    """Make new names in a folder survive a crash of the host."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told(deed: str) -> Iterator[None]:
    """Turn what the file system raises into a ``StoreError`` that says what was tried, and shows no path."""
    try:
        yield
    except OSError as error:
        raise base.StoreError(reason=f'{deed}: {error.strerror}') from error
