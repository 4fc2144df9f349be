"""Brings a world up, has a plan played in it, and tells how that ended."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from tests.chaos import faults, run
from tests.chaos import ground as grounds
from tests.chaos import world as chaos_world
from tests.fixtures import databases
from trove.db.sqlalchemy import session
from trove.standalone import broker

DISK_MEGABYTES = 160


@contextlib.contextmanager
def small_disk(folder: pathlib.Path) -> Iterator[None]:
    """Let a folder lie on a small file system of its own, where that is allowed."""
    if os.geteuid() != 0:
        yield
        return
    size = f'size={DISK_MEGABYTES}m,uid={databases.NOBODY},gid={databases.NOBODY},mode=0700'
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', size, 'chaos', str(folder)], check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(['umount', '--lazy', str(folder)], check=True)


@contextlib.contextmanager
def control_database(manager: str) -> Iterator[Any]:
    """A private MariaDB that can be taken away and has little room."""
    server = databases.MariaDB(small_disk)
    try:
        server.start()
        chaos_world.make_database(server, manager)
        yield server
    finally:
        session.dispose()
        server.stop()


@contextlib.contextmanager
def message_bus(folder: pathlib.Path) -> Iterator[broker.Broker]:
    """A private RabbitMQ that can be taken away."""
    node = broker.Broker(folder)
    node.start()
    try:
        yield node
    finally:
        node.stop()


@contextlib.contextmanager
def world(seed: str, kind: str) -> Iterator[chaos_world.World]:
    """A world on a kind of ground, in a folder of its own, which is removed afterwards."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='trove-chaos-')))
        # Guests may have a user of their own.
        folder.chmod(0o755)
        ground = grounds.GROUNDS[kind](folder)
        stack.callback(ground.clean)
        database = stack.enter_context(control_database(ground.MANAGER))
        bus = stack.enter_context(message_bus(folder / 'bus'))
        made = chaos_world.World(ground, database, bus, seed)
        stack.callback(made.stop)
        made.start()
        yield made


def perform(
    seed: str, operations: int, weights: Mapping[str, int] = faults.WEIGHTS, kind: str = grounds.Simulated.name
) -> int:
    """Play the plan of a seed and print what came of it; return the exit code."""
    with world(seed, kind) as made:
        played = run.Run(made, seed, operations, weights)
        played.play()
        found = played.take_stock()
        for line in played.report(found):
            print(line, flush=True)
    return 1 if found else 0
