"""The abstract base of the managers: it answers every call, and subclasses say what their engine can."""

import abc
from typing import ClassVar

from oslo_config import cfg

from trove.common import states
from trove.guestagent import requests, volume
from trove.guestagent.datastore import abilities, app
from trove.guestagent.datastore import description as datastore_description
from trove.guestagent.system import services

Context = abilities.Context


class Manager(abilities.DatabaseCalls, abilities.UserCalls, abilities.RootCalls, abc.ABC):
    """One datastore on one guest.

    Registered by name in the group ``trove.guestagent.datastores``. A subclass
    names its description, makes its app, and sets ``databases``, ``users`` and
    ``root`` as far as its engine has them; the other calls answer that they are
    not supported. Every call may come twice, and a ``prepare`` that was cut off
    at any moment comes again.
    """

    description: ClassVar[datastore_description.Description]

    def __init__(self, conf: cfg.ConfigOpts, unit_services: services.Services) -> None:
        conf.register_opts(self.description.guest_options(), group=self.description.name)
        self.conf = conf
        self.services = unit_services
        self.app = self.make_app()
        self.volume = volume.Volume(conf, self.app.mount_point)

    @abc.abstractmethod
    def make_app(self) -> app.App:
        """Return the engine, and set the abilities that stand on it; called once."""

    def prepare(self, context: Context, request: requests.PrepareRequest) -> None:
        """Make a serving database from nothing."""
        self.app.install(request)
        if request.databases:
            self._have(self.databases, 'create_database').ensure(request.databases)
        if request.users:
            self._have(self.users, 'create_user').ensure(request.users)
        if request.root_password is not None:
            self._have(self.root, 'enable_root').enable(request.root_password)

    def start(self, context: Context) -> None:
        """Start the engine; it may run already."""
        self.app.start()

    def stop(self, context: Context) -> None:
        """Stop the engine; it stays down until it is started."""
        self.app.stop()

    def restart(self, context: Context) -> None:
        """Stop and start the engine, with its configuration written anew."""
        self.app.restart()

    def start_with_changes(self, context: Context, request: requests.StartRequest) -> None:
        """Start the engine with the template written anew, as for a new flavor; it may run already."""
        self.app.start_with_changes(request)

    def resize_fs(self, context: Context) -> None:
        """Grow the file system of the volume to the size of its device, while the engine serves."""
        self.volume.grow()

    def rebuild(self, context: Context, request: requests.RebuildRequest) -> None:
        """Serve what lies on the volume after the server was made anew; ``GuestError`` when the state is not there."""
        self.app.rebuild(request)

    def health(self) -> states.ServiceStatus:
        """Return the engine's health by asking it: healthy, blocked, crashed or shut down."""
        return self.app.health()

    def get_filesystem_stats(self) -> dict[str, float]:
        """Return size and use of the volume, see ``volume.get_filesystem_stats``."""
        return volume.get_filesystem_stats(self.app.mount_point)
