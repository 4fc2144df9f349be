"""Secrets in Barbican, in the project of the service user.

A secret is named ``trove-<instance id>-<name>``. Barbican finds whole names only, so each one carries its
instance's id as well in ``mode``, a field that is there for remarks of its users and can be searched by.
"""

import base64
import threading
from typing import Any

import openstack.exceptions
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import cloud, keystone
from trove.keystore import base, options

LOG = logging.getLogger(__name__)

BYTES = 'application/octet-stream'
"""What payloads are declared as, because Barbican trims blanks off those that are text."""


class Barbican(base.KeyStore):
    """Keeps secrets in Barbican."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        trove_cfg.register(conf, options.BARBICAN_OPTS, options.GROUP)
        keystone.register(conf)
        self._conf = conf
        self._lock = threading.Lock()
        self._client: Any = None

    def keep(self, instance_id: str, name: str, secret: str) -> None:
        with _told(f"Keeping the secret '{name}' of instance {instance_id}"):
            former = self._list(instance_id, name)
            # The new one comes first, so that at no moment there is none.
            self._create(instance_id, name, secret)
            for one in former:
                self._delete(one)
        LOG.info("The secret '%s' of instance %s was put into the key store", name, instance_id)

    def fetch(self, instance_id: str, name: str) -> str | None:
        with _told(f"Fetching the secret '{name}' of instance {instance_id}"):
            found = self._list(instance_id, name)
            if not found:
                return None
            # There is more than one only after a keep that was killed before its end.
            newest = max(found, key=lambda one: str(one.created_at))
            return self._payload(newest)

    def forget(self, instance_id: str) -> bool:
        with _told(f'Forgetting the secrets of instance {instance_id}'):
            found = self._list(instance_id)
            for one in found:
                self._delete(one)
        return not found

    # -- the service ------------------------------------------------------------------------

    def _secrets(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = cloud.connection(self._conf)
            return self._client.key_manager

    def _list(self, instance_id: str, name: str | None = None) -> list[Any]:
        if name is not None:
            wanted = name_of(instance_id, name)
            return [one for one in self._secrets().secrets(name=wanted) if one.name == wanted]
        prefix = name_of(instance_id, '')
        return [one for one in self._secrets().secrets(mode=instance_id) if str(one.name).startswith(prefix)]

    def _create(self, instance_id: str, name: str, secret: str) -> None:
        body = {
            'name': name_of(instance_id, name),
            'mode': instance_id,
            'secret_type': self._conf[options.GROUP].secret_type,
            'payload': base64.b64encode(secret.encode()).decode(),
            'payload_content_type': BYTES,
            'payload_content_encoding': 'base64',
        }
        # Not by the library's resource, which would log the payload where requests are logged.
        openstack.exceptions.raise_from_response(self._secrets().post('/secrets', json=body, log=False))

    def _payload(self, secret: Any) -> str:
        path = f'/secrets/{secret.secret_id}/payload'
        answer = self._secrets().get(path, headers={'Accept': BYTES}, log=False)
        openstack.exceptions.raise_from_response(answer)
        return bytes(answer.content).decode()

    def _delete(self, secret: Any) -> None:
        self._secrets().delete_secret(secret.secret_id, ignore_missing=True)


def name_of(instance_id: str, name: str) -> str:
    """Return the name that a secret has in Barbican."""
    return f'trove-{instance_id}-{name}'


def _told(deed: str) -> Any:
    return cloud.told(deed, base.KeyStoreError, base.KeyStoreBusy)
