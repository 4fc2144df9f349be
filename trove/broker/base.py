"""Accounts of guests at the message broker: the contract that every broker fulfils."""

import abc
import dataclasses
from collections.abc import Iterable

from oslo_config import cfg

from trove.common import exception, sealing

GROUP = 'trove.brokers'
"""Entry points; the name is the option ``broker_accounts``."""


class BrokerError(exception.ComputeError):
    """An account cannot be made or removed until somebody does something; the text says what."""

    message = 'The message broker failed: %(reason)s'


class BrokerBusy(exception.ComputeBusy):
    """It did not work now; the same call may work later."""

    message = 'The message broker is not ready: %(reason)s'


@dataclasses.dataclass(frozen=True)
class Account:
    """The account of an instance's guest."""

    instance_id: str
    password: str = dataclasses.field(repr=False)


def account_of(key: sealing.Key) -> Account:
    """Return the account that goes with the key of an instance."""
    return Account(key.instance_id, key.broker_password)


class Accounts(abc.ABC):
    """Gives each guest an account that can use its own exchange and queues and speak to conductors, and nothing else.

    One object serves a whole process, from many threads. Every call is one step of a durable operation: it may be
    repeated after it was killed at any point.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the broker's own options and read them; nothing is called yet."""

    @abc.abstractmethod
    def make(self, account: Account) -> None:
        """Make the account and the way of its messages to the conductors, or mend what is not as it should be.

        The password is set also when the account is there.
        """

    @abc.abstractmethod
    def delete(self, instance_id: str) -> bool:
        """Remove the account, which ends its connections, and its queues; return whether they are gone."""

    @abc.abstractmethod
    def find_missing(self, instance_ids: Iterable[str]) -> list[str]:
        """Return those that have no account, or whose messages come to no conductor; costs a few calls for all."""

    @abc.abstractmethod
    def list_instance_ids(self) -> list[str]:
        """Return the ids of all instances that have an account."""

    @abc.abstractmethod
    def bus_url(self, account: Account) -> str:
        """Return the transport URL that the guest is handed; it holds the password."""
