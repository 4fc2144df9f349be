"""A store that is a folder: an object is one file, its bytes first and what is known of them behind."""

import contextlib
import json
import os
import pathlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from oslo_config import cfg
from trove.storage import base

GROUP = 'acme_store'
OPTS = [
    cfg.StrOpt('folder', default='/var/lib/acme-store', help='Where objects lie; its file system must have O_TMPFILE.'),
]

# How long the text is that stands in front of this.
END = struct.Struct('>Q')


class AcmeStore(base.Store):
    """Writes files that have no name until they are whole, so that a writer who was killed leaves nothing at all."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        conf.register_opts(OPTS, group=GROUP)
        self._folder = pathlib.Path(conf[GROUP].folder)

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
        container = self._folder / key.container
        with contextlib.ExitStack() as stack:
            with told(key):
                container.mkdir(mode=0o700, parents=True, exist_ok=True)
                place = os.open(container, os.O_RDONLY | os.O_DIRECTORY)
                stack.callback(os.close, place)
                nameless = os.open(container, os.O_TMPFILE | os.O_WRONLY, 0o600)
                stream = stack.enter_context(open(nameless, 'wb'))
            tally = base.Tally()
            # What the chunks raise is their own.
            for chunk in chunks:
                with told(key):
                    stream.write(chunk)
                tally.add(chunk)
            if digest not in (None, tally.digest):
                raise base.ObjectCorrupt(key=key)
            stored = base.Stored(key, tally.size, tally.digest, said)
            with told(key):
                write_end(stream, stored)
                name_file(stream, place, key)
        return stored

    @contextlib.contextmanager
    def load(self, key: base.Key, digest: str | None = None) -> Iterator[Iterator[bytes]]:
        with contextlib.ExitStack() as stack:
            with told(key):
                stream = stack.enter_context(self._open(key))
                stored = read_end(stream, key)
            yield base.verified(read(stream, stored), stored, digest)

    def find(self, key: base.Key) -> base.Stored | None:
        with told(key), contextlib.suppress(base.ObjectNotFound), self._open(key) as stream:
            return read_end(stream, key)
        return None

    def names(self, container: str, prefix: str = '') -> Iterator[str]:
        base.check_container(container)
        with told(container), contextlib.suppress(FileNotFoundError):
            return iter(sorted(name for name in os.listdir(self._folder / container) if name.startswith(prefix)))
        return iter(())

    def delete(self, key: base.Key) -> bool:
        with told(key):
            (self._folder / key.container / key.name).unlink(missing_ok=True)
        return True

    def location(self, key: base.Key) -> str:
        return f'acme://{key}'

    def _open(self, key: base.Key) -> BinaryIO:
        try:
            return open(self._folder / key.container / key.name, 'rb')
        except FileNotFoundError:
            raise base.ObjectNotFound(key=key) from None


@contextlib.contextmanager
def told(what: object) -> Iterator[None]:
    """Turn what the file system raises into an error that shows no path."""
    try:
        yield
    except OSError as error:
        raise base.StoreError(reason=f'{what}: {error.strerror}') from error


def write_end(stream: BinaryIO, stored: base.Stored) -> None:
    """Write what is known of an object behind its bytes, and all of it to the disk."""
    about = json.dumps({'digest': stored.digest, 'metadata': dict(stored.metadata)}).encode()
    stream.write(about + END.pack(len(about)))
    stream.flush()
    os.fsync(stream.fileno())


def name_file(stream: BinaryIO, place: int, key: base.Key) -> None:
    """Give a file its name, for which there is one first."""
    try:
        # With a folder's descriptor it follows the link to the file that has no name.
        os.link(f'/proc/self/fd/{stream.fileno()}', key.name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=True)
    except FileExistsError:
        raise base.ObjectExists(key=key) from None
    os.fsync(place)


def read_end(stream: BinaryIO, key: base.Key) -> base.Stored:
    """Return what is known of an object."""
    try:
        end = stream.seek(-END.size, os.SEEK_END)
        (length,) = END.unpack(stream.read())
        size = stream.seek(end - length)
        about = json.loads(stream.read(length))
        return base.Stored(key, size, str(about['digest']), dict(about['metadata']))
    except (OSError, ValueError, KeyError, TypeError):
        raise base.ObjectCorrupt(key=key) from None


def read(stream: BinaryIO, stored: base.Stored) -> Iterator[bytes]:
    """Give the bytes of an object, without what stands behind them."""
    rest = stored.size
    stream.seek(0)
    while rest:
        with told(stored.key):
            chunk = stream.read(min(base.CHUNK_BYTES, rest))
        if not chunk:
            return
        rest -= len(chunk)
        yield chunk
