"""The key store that keeps nothing."""

from oslo_config import cfg

from trove.keystore import base


class NoKeyStore(base.KeyStore):
    """Secrets live in our own database only, sealed, for as long as an operation needs them."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        pass

    def keep(self, instance_id: str, name: str, secret: str) -> None:
        pass

    def fetch(self, instance_id: str, name: str) -> str | None:
        return None

    def forget(self, instance_id: str) -> bool:
        return True
