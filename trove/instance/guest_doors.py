"""Doors to the guests of instances, with the keys that they send by."""

import functools
from collections.abc import Callable

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import clock, crypto
from trove.db import guest_keys
from trove.guestagent import api as guest_api


def ring_of(keeper: guest_keys.Keeper) -> guest_keys.Ring:
    """Return the keys that a process remembers."""
    return guest_keys.Ring(keeper, clock.Clock())


class Doors:
    """Opens doors; one object serves a whole process, and remembers keys for a while."""

    def __init__(self, find_ring: Callable[[], guest_keys.Ring]) -> None:
        self._find_ring = find_ring

    @classmethod
    def of_conf(cls, conf: cfg.ConfigOpts) -> 'Doors':
        """Return the doors of a process by its configuration; the key file is read when the first one is opened."""
        trove_cfg.register(conf, crypto.OPTS)

        @functools.cache
        def find_ring() -> guest_keys.Ring:
            return ring_of(guest_keys.Keeper(crypto.Sealer.from_file(conf.secrets_key_file)))

        return cls(find_ring)

    def __call__(self, instance_id: str, conf: cfg.ConfigOpts) -> guest_api.API:
        """Return the door to the guest of an instance."""
        ring = self._find_ring()
        return guest_api.API(
            instance_id, conf, guest_api.client_of(instance_id, functools.partial(ring.keys, instance_id))
        )
