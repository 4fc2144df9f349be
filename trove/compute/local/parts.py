"""What the themes of the local provider share."""

from oslo_config import cfg

from trove.common import clock
from trove.compute.local import addresses, home, locks, servers, settings, volumes


class Parts:
    """The options, the locks and the books of one provider; each theme of the contract builds upon them."""

    def __init__(self, conf: cfg.ConfigOpts, time_source: clock.Clock | None = None) -> None:
        self._settings = settings.Settings(conf)
        self._clock = time_source or clock.Clock()
        self._path = self._settings.instances_path
        self.locks = locks.Locks(self._path)
        self._book = addresses.AddressBook(self._path, self._settings.address_range)
        self._backends = volumes.Backends(self._settings.volume_backend, self._path)
        self._servers = servers.Servers(self._settings, self._book, self._backends, self._clock)

    def _home(self, instance_id: str) -> home.Home:
        return home.Home(self._path, instance_id)
