"""Names of instances: the contract that every DNS driver fulfils."""

import abc
from collections.abc import Iterable

from oslo_config import cfg

from trove.common import exception

GROUP = 'trove.dns'
"""Entry points; the name is the option ``dns_driver``."""


class DnsError(exception.ComputeError):
    """The name cannot be made or removed until somebody does something; the text says what."""

    message = 'The DNS service failed: %(reason)s'


class DnsBusy(exception.ComputeBusy):
    """It did not work now; the same call may work later."""

    message = 'The DNS service is not ready: %(reason)s'


class Dns(abc.ABC):
    """Gives instances host names. One object serves a whole process, from many threads.

    Every call is one step of a durable operation: it may be repeated after it was killed at any point. A
    *make* finds before it makes; a *delete* is content with what is gone or was never there.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the driver's own options and read them; nothing is called yet."""

    @abc.abstractmethod
    def make_record(self, instance_id: str, name: str, addresses: Iterable[str]) -> str | None:
        """Let the instance's host name stand for these addresses and no others; return it, without a final dot.

        ``name`` is what the tenant calls the instance. Called again when the addresses have changed. None where
        instances get no host name.
        """

    @abc.abstractmethod
    def delete_record(self, instance_id: str) -> bool:
        """Remove the instance's host names; return whether they are gone, call again until they are."""
