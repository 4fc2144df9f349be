"""What a guest speaks with us by: its key, and its account at the message broker."""

from trove.broker import base as broker
from trove.instance.flows import providing
from trove.taskmanager import operation as vocabulary


def make(operation: vocabulary.Operation) -> None:
    """Make the key of the instance, unless it has one, and its account."""
    with operation.write() as session:
        operation.tools.keys.make(session, operation.subject_id)
    make_account(operation, 0)


def make_account(operation: vocabulary.Operation, which: int) -> None:
    """Make the account, or give it the password of another key: 0 is the present key, 1 the next one."""
    key = operation.tools.keys.keys(operation.subject_id)[which]
    accounts: broker.Accounts = operation.tools.broker
    providing.attempt(lambda: accounts.make(broker.account_of(key)))


def remove(operation: vocabulary.Operation) -> bool:
    """Remove the account; return whether it is gone. The key goes with the record of the instance's service."""
    accounts: broker.Accounts = operation.tools.broker
    return providing.attempt(lambda: accounts.delete(operation.subject_id))
