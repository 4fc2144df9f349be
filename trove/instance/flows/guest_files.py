"""The configuration that a server is handed for its guest agent."""

from collections.abc import Mapping

from trove.broker import base as broker
from trove.common import exception
from trove.db import models
from trove.instance.flows import records
from trove.taskmanager import operation as vocabulary

INFO_FILE = 'guest_info.conf'
CONFIG_FILE = 'trove-guestagent.conf'
KEY_FILE = 'trove-guestagent.key.conf'
"""It comes after the other ones by its name, so that what it says of the bus wins."""


def make(subject: records.Subject, tools: vocabulary.Tools) -> dict[str, str]:
    """Return file name to content: who the guest is, the operator's configuration of all guests, and its bus.

    The last one is missing as long as the instance has no key.
    """
    info = {
        'guest_id': subject.record.id,
        'datastore_manager': subject.version.manager,
        'datastore_version': subject.version.version,
        'tenant_id': subject.record.project_id,
    }
    if subject.version.registry_ext:
        info['datastore_registry_ext'] = subject.version.registry_ext
    files = {INFO_FILE: _render(info), CONFIG_FILE: _read(tools.conf.guest_config)}
    if subject.key is not None:
        files[KEY_FILE] = _render(_bus_of(subject.key, tools))
    return files


def _bus_of(record: models.GuestKey, tools: vocabulary.Tools) -> dict[str, str]:
    key = tools.keys.open(record)[0]
    accounts: broker.Accounts = tools.broker
    return {
        'transport_url': accounts.bus_url(broker.account_of(key)),
        'instance_rpc_encr_key': key.encode(),
        'instance_rpc_key_number': str(record.number),
    }


def _render(options: Mapping[str, str]) -> str:
    # oslo.config would take a plain dollar for a variable.
    lines = ['[DEFAULT]', *[f'{name} = {value.replace("$", "$$")}' for name, value in options.items()]]
    return '\n'.join(lines) + '\n'


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except OSError as error:
        reason = f'guest_config {path} cannot be read: {error.strerror}'
        raise exception.ComputeError(reason=reason) from error
