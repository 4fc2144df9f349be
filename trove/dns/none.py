"""The driver that gives instances no host names."""

from collections.abc import Iterable

from oslo_config import cfg

from trove.dns import base


class NoDns(base.Dns):
    """Instances have addresses only."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        pass

    def make_record(self, instance_id: str, name: str, addresses: Iterable[str]) -> str | None:
        return None

    def delete_record(self, instance_id: str) -> bool:
        return True
