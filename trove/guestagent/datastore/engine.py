"""What an engine says of itself - data, process, configuration - and what it is given to work with."""

import abc
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from oslo_config import cfg

from trove.common import passwords
from trove.guestagent import configuration
from trove.guestagent.datastore import description as datastore_description
from trove.guestagent.system import files, processes, services, shell


class Engine(abc.ABC):
    """The part of an ``app.App`` that a datastore writes."""

    config_name: ClassVar[str]
    admin_name: ClassVar[str] = 'os_admin'

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        description: datastore_description.Description,
        unit_services: services.Services,
    ) -> None:
        self._conf = conf
        self._description = description
        self._services = unit_services
        self.options: Any = conf[description.name]
        self.unit_name = f'trove-{description.name}'
        self.user: str | None = self.options.service_user if os.geteuid() == 0 else None
        self.mount_point: str = conf.mount_point or self.options.mount_point
        self.data_folder = os.path.join(self.mount_point, 'data')
        self.run_path: str = conf.run_path
        self.log_file = os.path.join(conf.log_path, f'{description.name}.log')
        self.address: str = conf.bind_address
        self.config_file = os.path.join(conf.state_path, 'engine', self.config_name)
        self._making = f'{conf.guest_id}/making-{description.name}'
        self._configuration = configuration.Configuration(self.config_file, self.user)

    @abc.abstractmethod
    def make_data(self, folder: str) -> None:
        """Make the data of a new engine in an empty folder; no account may be without a password."""

    @abc.abstractmethod
    def unit(self) -> services.Unit:
        """Return how the engine is run."""

    @abc.abstractmethod
    def own_configuration(self) -> str:
        """Return the lines that nobody may override: folders, address, access."""

    @abc.abstractmethod
    def render_overrides(self, overrides: Any) -> str:
        """Return the tenant's values in the engine's format."""

    @abc.abstractmethod
    def ping(self) -> None:
        """Ask the engine something that needs it whole; raise ``GuestError`` when it does not answer."""

    def engine_paths(self) -> list[str]:
        """Return what belongs to the engine's user with all below."""
        return [self.data_folder, self.log_file]

    # -- what it is given -----------------------------------------------------------------

    def admin_password(self) -> str:
        """Return the password of our own account; it is made once and kept in a private file."""
        return self.secret(self.admin_name)

    def run_program(self, argv: Sequence[str]) -> str:
        """Run one of the engine's programs as the engine's user; it is found and ended should the agent be killed."""
        return shell.run(argv, user=self.user, environment={processes.MARK: self._making})

    def secret(self, name: str) -> str:
        """Return a kept secret, making it at the first call."""
        path = os.path.join(self._conf.state_path, 'secrets', name)
        known = files.read(path)
        if known is None:
            files.make_folder(os.path.dirname(path))
            known = passwords.generate_password()
            files.write(path, known)
        return known
