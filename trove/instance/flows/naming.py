"""What an instance has beside its provider: its host name, and its secrets in the key store."""

from trove.db import models
from trove.dns import base as dns
from trove.instance.flows import providing, records
from trove.keystore import base as keystore
from trove.taskmanager import operation as vocabulary


def make_record(operation: vocabulary.Operation) -> str | None:
    """Have the host name of the instance stand for its addresses; return it, None where there are no names."""
    driver: dns.Dns = operation.tools.dns
    record = records.read(operation.subject_id).record
    return providing.attempt(lambda: driver.make_record(record.id, record.name, reachable(record)))


def reachable(record: models.Instance) -> list[str]:
    """Return the addresses that a name stands for: the public ones if there are any."""
    public = [one['address'] for one in record.addresses if one.get('type') == 'public']
    return public or [one['address'] for one in record.addresses]


def remove_record(operation: vocabulary.Operation) -> bool:
    """Remove the host name; return whether it is gone."""
    driver: dns.Dns = operation.tools.dns
    return providing.attempt(lambda: driver.delete_record(operation.subject_id))


def forget_secrets(operation: vocabulary.Operation) -> bool:
    """Have the key store forget what it keeps of the instance; return whether it has."""
    store: keystore.KeyStore = operation.tools.keystore
    return providing.attempt(lambda: store.forget(operation.subject_id))


def remove(operation: vocabulary.Operation) -> bool:
    """Remove both; return whether they are gone."""
    return remove_record(operation) and forget_secrets(operation)
