"""The engine of a datastore on this host: its folders, configuration, data, process and health."""

import os
import time

from oslo_log import log as logging

from trove.common import exception, passwords, states
from trove.guestagent import requests
from trove.guestagent.datastore import engine
from trove.guestagent.system import files, processes, shell

LOG = logging.getLogger(__name__)


class App(engine.Engine):
    """One engine; a subclass says how its data are made, its process is run and it is asked (see ``engine``).

    Everything here may be repeated after the agent was killed at any moment:
    data are made in a folder of another name that gets its right name when it
    is complete, and files are replaced as a whole.
    """

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

    def health(self) -> states.ServiceStatus:
        """Return what the engine's own answer, or its absence, says."""
        try:
            self.ping()
        except exception.GuestError as error:
            return self._explain_silence(error)
        return states.HEALTHY

    def _explain_silence(self, error: exception.GuestError) -> states.ServiceStatus:
        if self._services.is_running(self.unit_name):
            LOG.debug('The engine runs and does not answer: %s', error)
            return states.BLOCKED
        return states.CRASHED if self._services.is_wanted(self.unit_name) else states.SHUTDOWN

    def _require_state(self) -> None:
        """Raise ``GuestError`` unless the volume holds the data and the state."""
        missing = [path for path in (self.data_folder, self._configuration.layers_path) if not os.path.exists(path)]
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
