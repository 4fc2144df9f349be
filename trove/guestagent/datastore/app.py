"""The engine of a datastore on this host: its folders, configuration, data, process and health."""

import abc
import os
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from oslo_config import cfg
from oslo_log import log as logging

from trove.common import exception, passwords, states
from trove.guestagent import configuration, requests
from trove.guestagent.datastore import description as datastore_description
from trove.guestagent.system import files, processes, services, shell

LOG = logging.getLogger(__name__)


class App(abc.ABC):
    """One engine; a subclass says how its data are made, its process is run and it is asked.

    Everything here may be repeated after the agent was killed at any moment:
    data are made in a folder of another name that gets its right name when it
    is complete, and files are replaced as a whole.
    """

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

    # -- what an engine says of itself --------------------------------------------------

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

    # -- what is the same for all ---------------------------------------------------------

    def install(self, request: requests.PrepareRequest) -> None:
        """Make the engine from nothing, or from whatever an earlier attempt left, and start it."""
        self._make_folders()
        self._configuration.save(request.config_contents, request.overrides)
        self.write_configuration()
        self._make_data_once()
        self.start()

    def write_configuration(self) -> None:
        """Compose the engine's configuration file."""
        self._configuration.write(self.own_configuration(), self.render_overrides)

    def start(self) -> None:
        """Start the engine and wait until it answers; ``GuestError`` when it does not in time."""
        self._services.start(self.unit())
        self._await_answer()

    def stop(self) -> None:
        """End the engine; it stays down until it is started."""
        self._services.stop(self.unit_name)

    def restart(self) -> None:
        """Stop, write the configuration anew, start."""
        self.stop()
        self.write_configuration()
        self.start()

    def start_with_changes(self, request: requests.StartRequest) -> None:
        """Start with another template; what runs is restarted, as it runs by the old one."""
        self._configuration.replace_template(request.config_contents)
        self.restart()

    def rebuild(self, request: requests.RebuildRequest) -> None:
        """Serve the data of the volume on a host that has nothing else of this engine any more."""
        self._require_state()
        LOG.info('The engine is set up anew for version %s on what is there', request.datastore_version)
        self._make_folders()
        for path in self.engine_paths():
            # The image that the host was made from may have another id for the same user.
            files.give(path, self.user)
        self.start_with_changes(requests.StartRequest(request.config_contents))

    def engine_paths(self) -> list[str]:
        """Return what belongs to the engine's user with all below."""
        return [self.data_folder, self.log_file]

    def health(self) -> states.ServiceStatus:
        """Return what the engine's own answer, or its absence, says."""
        try:
            self.ping()
        except exception.GuestError as error:
            return self._explain_silence(error)
        return states.HEALTHY

    def admin_password(self) -> str:
        """Return the password of our own account; it is made once and kept in a private file."""
        return self.secret(self.admin_name)

    def run_program(self, argv: Sequence[str]) -> str:
        """Run one of the engine's programs as the engine's user; it is found and ended should the agent be killed."""
        return shell.run(argv, user=self.user, environment={processes.MARK: self._making})

    def secret(self, name: str) -> str:
        """Return a kept secret, making it at the first call."""
        path = self._secret_path(name)
        known = files.read(path)
        if known is None:
            files.make_folder(os.path.dirname(path))
            known = passwords.generate_password()
            files.write(path, known)
        return known

    def _secret_path(self, name: str) -> str:
        return os.path.join(self._conf.state_path, 'secrets', name)

    def _explain_silence(self, error: exception.GuestError) -> states.ServiceStatus:
        if self._services.is_running(self.unit_name):
            LOG.debug('The engine runs and does not answer: %s', error)
            return states.BLOCKED
        return states.CRASHED if self._services.is_wanted(self.unit_name) else states.SHUTDOWN

    def _require_state(self) -> None:
        """Raise ``GuestError`` unless all is there that cannot be made anew."""
        kept = (self.data_folder, self._configuration.layers_path, self._secret_path(self.admin_name))
        missing = [path for path in kept if not os.path.exists(path)]
        if missing:
            reason = (
                f'the state of this guest is lost: {", ".join(missing)} missing; what a rebuild is to keep must lie '
                f'on the volume, with state_path below {self.mount_point}'
            )
            raise exception.GuestError(reason=reason)

    def _make_folders(self) -> None:
        # It raises when there is no such user.
        shell.identity(self.user)
        # The engine's user must reach its configuration below a folder of the agent's.
        files.make_folder(self._conf.state_path, mode=0o711 if self.user else 0o700)
        # The engine writes to folders in it; the state may lie there as well, and must not be replaced by the engine.
        files.make_folder(self.mount_point, owner=os.geteuid(), mode=0o755)
        files.make_folder(self._conf.log_path, owner=self.user, mode=0o755)

    def _make_data_once(self) -> None:
        if os.path.isdir(self.data_folder):
            return
        # What an agent that was killed had started may still write to its folder.
        processes.kill_marked(self._making)
        for entry in os.listdir(self.mount_point):
            if entry.startswith('data.new-'):
                files.remove(os.path.join(self.mount_point, entry))
        draft = os.path.join(self.mount_point, f'data.new-{passwords.generate_password(8)}')
        files.make_folder(draft, owner=self.user)
        self.make_data(draft)
        shell.run(['sync', '-f', draft])
        os.rename(draft, self.data_folder)
        files.sync_folder(self.mount_point)
        LOG.info('The data of a new engine were made in %s', self.data_folder)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + self._conf.start_timeout_seconds
        while True:
            try:
                return self.ping()
            except exception.GuestError:
                if time.monotonic() > deadline:
                    raise
                if not self._services.is_running(self.unit_name):
                    reason = f'{self._description.name} ended right after its start; see {self.log_file} on the guest'
                    raise exception.GuestError(reason=reason) from None
            time.sleep(0.02)
