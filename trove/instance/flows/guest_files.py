"""The configuration that a server is handed for its guest agent."""

from oslo_config import cfg

from trove.common import exception
from trove.instance.flows import records

INFO_FILE = 'guest_info.conf'
CONFIG_FILE = 'trove-guestagent.conf'


def make(subject: records.Subject, conf: cfg.ConfigOpts) -> dict[str, str]:
    """Return file name to content: who the guest is, and the operator's configuration of all guests."""
    info = {
        'guest_id': subject.record.id,
        'datastore_manager': subject.version.manager,
        'datastore_version': subject.version.version,
        'tenant_id': subject.record.project_id,
    }
    if subject.version.registry_ext:
        info['datastore_registry_ext'] = subject.version.registry_ext
    lines = ['[DEFAULT]', *[f'{name} = {value}' for name, value in info.items()]]
    return {INFO_FILE: '\n'.join(lines) + '\n', CONFIG_FILE: _read(conf.guest_config)}


def _read(path: str) -> str:
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except OSError as error:
        reason = f'guest_config {path} cannot be read: {error.strerror}'
        raise exception.ComputeError(reason=reason) from error
