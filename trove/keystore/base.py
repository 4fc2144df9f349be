"""Secrets of instances: the contract that every key store fulfils."""

import abc

from oslo_config import cfg

from trove.common import exception

GROUP = 'trove.keystores'
"""Entry points; the name is the option ``key_store``."""


class KeyStoreError(exception.ComputeError):
    """The secret cannot be kept, fetched or forgotten until somebody does something; the text says what."""

    message = 'The key store failed: %(reason)s'


class KeyStoreBusy(exception.ComputeBusy):
    """It did not work now; the same call may work later."""

    message = 'The key store is not ready: %(reason)s'


class KeyStore(abc.ABC):
    """Keeps secrets of instances outside of our database. One object serves a whole process, from many threads.

    Every call may be repeated after it was killed at any point. No secret is ever logged or put into an error.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the store's own options and read them; nothing is called yet."""

    @abc.abstractmethod
    def keep(self, instance_id: str, name: str, secret: str) -> None:
        """Keep a secret under a name, in the place of one that has the name already."""

    @abc.abstractmethod
    def fetch(self, instance_id: str, name: str) -> str | None:
        """Return the secret of this name, or None where there is none."""

    @abc.abstractmethod
    def forget(self, instance_id: str) -> bool:
        """Delete all secrets of an instance; return whether they are gone, call again until they are."""
