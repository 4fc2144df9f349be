"""Where guests live: the words and the contract that every compute provider fulfils.

A provider makes servers, volumes and addresses outside of Trove. Everything it
makes is named after the instance, so that it is found again by a process that
remembers nothing. One provider is one entry point in ``trove.compute.providers``.
"""

import abc
import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from oslo_config import cfg

from trove.common import exception


@dataclasses.dataclass(frozen=True)
class Flavor:
    """The size of a server. ``ram`` is in MB, ``disk`` and ``ephemeral`` are in GB."""

    id: str
    name: str
    ram: int
    vcpus: int = 1
    disk: int = 0
    ephemeral: int = 0


@dataclasses.dataclass(frozen=True)
class Image:
    """What a server is started from."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True)
class Address:
    """An address of a server; ``type`` is ``private`` or ``public``, ``network`` is the provider's id or name."""

    address: str
    type: str = 'private'
    network: str = ''


@dataclasses.dataclass(frozen=True)
class Volume:
    """A data volume of ``size`` GB.

    ``is_enforced`` tells whether the engine really cannot write more than that;
    ``is_ready`` is False while the volume is being made or grown: ask again.
    """

    id: str
    size: int
    type: str
    is_enforced: bool
    is_ready: bool = True
    instance_id: str = ''


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as it is now.

    ``status`` is one of ``states.ServerStatus``. ``fault`` says what is wrong and
    what to do; it is empty when nothing is known to be wrong. ``host`` is where it
    runs, empty where that means nothing.
    """

    id: str
    status: str
    addresses: tuple[Address, ...] = ()
    fault: str = ''
    instance_id: str = ''
    flavor_id: str = ''
    host: str = ''


@dataclasses.dataclass(frozen=True)
class Access:
    """Who may reach an instance: the outside too when ``is_public``; these networks only, if any are named."""

    is_public: bool = False
    allowed_cidrs: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """All that a provider is told of an instance.

    Ports are numbers or ranges as text (``'3306'``, ``'4567-4568'``). ``nics``
    are dicts with ``network_id``, ``subnet_id`` or ``ip_address``. ``guest_files``
    is file name to content of the guest's configuration; it holds secrets.
    ``volume_size`` is in GB; None means no data volume. ``locality`` is how near to
    each other the servers of a group live (``affinity``, ``anti-affinity`` and the
    soft forms of both).
    """

    instance_id: str
    project_id: str
    user_id: str
    name: str
    flavor: Flavor
    image: Image | None = None
    datastore_manager: str = ''
    tcp_ports: tuple[str, ...] = ()
    udp_ports: tuple[str, ...] = ()
    nics: tuple[Mapping[str, str], ...] = ()
    access: Access = Access()
    availability_zone: str | None = None
    locality: str | None = None
    guest_files: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    volume_size: int | None = None
    volume_type: str | None = None


class Catalogue(abc.ABC):
    """What can be chosen from."""

    @abc.abstractmethod
    def list_flavors(self) -> list[Flavor]:
        """Return all flavors, smallest first."""

    @abc.abstractmethod
    def find_image(self, image_id: str | None, image_tags: Iterable[str] = ()) -> Image:
        """Return the image with this id, or the newest that has all tags; ``ImageNotFound`` when there is none."""


class Network(abc.ABC):
    """Addresses, and who may reach them."""

    @abc.abstractmethod
    def make_address(self, request: ServerRequest) -> list[Address]:
        """Return the instance's addresses, reserving and opening them first if need be."""

    @abc.abstractmethod
    def change_access(self, request: ServerRequest) -> list[Address]:
        """Let those reach the instance whom ``request.access`` names, and nobody else; return its addresses."""

    @abc.abstractmethod
    def delete_address(self, instance_id: str) -> bool:
        """Give the addresses back; return whether they are gone. They stay while the server is there."""


class Volumes(abc.ABC):
    """Data volumes; they outlive their servers."""

    @abc.abstractmethod
    def make_volume(self, request: ServerRequest) -> Volume | None:
        """Return the instance's data volume, making it first if need be; None when none is asked for.

        Call again until it is ready.
        """

    @abc.abstractmethod
    def grow_volume(self, instance_id: str, size: int) -> Volume:
        """Make the volume ``size`` GB large, with the server running or not; it never shrinks.

        Call again until it is ready.
        """

    @abc.abstractmethod
    def delete_volume(self, instance_id: str) -> bool:
        """Delete the data volume; return whether it is gone. It stays while its server is there."""


class Servers(abc.ABC):
    """Servers: made, found, powered and deleted."""

    @abc.abstractmethod
    def make_server(self, request: ServerRequest, addresses: Iterable[Address], volume: Volume | None) -> Server:
        """Return the instance's server, making and starting it first if need be.

        It may be in BUILD still: ask ``find_server`` until it is ACTIVE or ERROR.
        A server that was stopped on purpose stays stopped.
        """

    @abc.abstractmethod
    def find_server(self, instance_id: str) -> Server | None:
        """Return the instance's server as it is now, or None. It changes nothing."""

    @abc.abstractmethod
    def start_server(self, instance_id: str) -> Server:
        """Start a server that was stopped; ask ``find_server`` until it is ACTIVE."""

    @abc.abstractmethod
    def stop_server(self, instance_id: str) -> Server:
        """Stop a server, keeping its data and addresses.

        The engine gets time to end well, so that the answer may still be ACTIVE:
        call again until it is SHUTOFF.
        """

    @abc.abstractmethod
    def reboot_server(self, instance_id: str, is_hard: bool = False) -> Server:
        """Stop and start a server once per call; ask ``find_server`` until it is ACTIVE.

        A hard reboot gives nothing time to end well.
        """

    @abc.abstractmethod
    def rename_server(self, instance_id: str, name: str) -> None:
        """Give the server another display name."""

    @abc.abstractmethod
    def delete_server(self, instance_id: str) -> bool:
        """Delete the server but for its data volume; return whether it is gone, call again until it is."""

    @abc.abstractmethod
    def guest_settings(self, instance_id: str) -> dict[str, str]:
        """Return options of the guest agent, name to value, that follow from where it runs.

        They win over ``guest_files``: ``bind_address``, ``mount_point``,
        ``state_path``, ``run_path``, ``log_path``, ``service_manager``,
        ``report_interval``. Empty when the image knows better.
        """


class Moves(abc.ABC):
    """What changes a server as a whole. Ask ``find_server`` how far it is."""

    @abc.abstractmethod
    def resize_server(self, instance_id: str, flavor: Flavor) -> Server:
        """Give the server another flavor; it is restarted and comes to VERIFY_RESIZE.

        A server that has the flavor, or is on the way to it, is left alone.
        """

    @abc.abstractmethod
    def migrate_server(self, instance_id: str, host: str | None = None) -> Server:
        """Move the server to a host, or to any other; it is restarted and comes to VERIFY_RESIZE.

        A server that is on the way, or waits to be confirmed, is left alone.
        """

    @abc.abstractmethod
    def confirm_move(self, instance_id: str) -> Server:
        """Keep what a resize or a migration made; ask until it is ACTIVE. Nothing to confirm is fine."""

    @abc.abstractmethod
    def revert_move(self, instance_id: str) -> Server:
        """Undo a resize or a migration that waits to be confirmed; ask until it is ACTIVE. Nothing to undo is fine."""

    @abc.abstractmethod
    def rebuild_server(self, request: ServerRequest) -> Server:
        """Make the server anew from ``request.image``, keeping its addresses and its data volume.

        The guest files are handed over again. Ask ``find_server`` until it is ACTIVE; a
        repeated call may rebuild it again.
        """


class Overview(abc.ABC):
    """All that there is, in few calls however many instances there are."""

    @abc.abstractmethod
    def list_servers(self, changed_since: datetime.datetime | None = None) -> list[Server]:
        """Return the servers of all instances, or those that changed since a moment (UTC, without zone).

        A provider that cannot tell what changed returns all. One that was deleted since
        then comes with status DELETED.
        """

    @abc.abstractmethod
    def list_volumes(self) -> list[Volume]:
        """Return the data volumes of all instances."""

    @abc.abstractmethod
    def list_instance_ids(self) -> list[str]:
        """Return the ids of all instances of which there is a server, a volume or an address."""

    @abc.abstractmethod
    def resume_servers(self) -> list[str]:
        """Start the servers that ought to run and do not, as after a reboot of their host; return their ids.

        None where the cloud itself minds that.
        """

    @abc.abstractmethod
    def tidy(self) -> None:
        """Take away what workers that were killed left behind, and nothing that one at work may still need."""


class Provider(Catalogue, Network, Volumes, Servers, Moves, Overview):
    """Makes and minds servers. One object serves a whole process, from many threads.

    Every call is one step of a durable operation: it returns within a few
    seconds, and it may be repeated after it was killed at any point. A *make* is
    find-or-make; a *delete* finds by name and is content with what is gone or was
    never there. Raises ``ComputeBusy`` for what a repetition may cure and
    ``ComputeError`` for what needs somebody; both texts say what to do.

    A worker may stand still at any moment and go on when another one has taken its operation
    over, and has deleted all. So a call asks ``trove.common.fence.check()`` as late as it can
    before it makes or changes something, under the lock that it holds if it has one, and lets
    what that raises through. What slips through all the same is deleted by an operation
    ``clear_instance``.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the provider's own options and read them; nothing is called or made yet."""


def port_numbers(ports: Iterable[str]) -> list[int]:
    """Return the numbers that ports and ranges of ports stand for, sorted; ``ComputeError`` when one cannot be read."""
    numbers: set[int] = set()
    for port in ports:
        first, dash, last = str(port).strip().partition('-')
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            low, high = 0, 0
        if not 0 < low <= high < 65536:
            raise exception.ComputeError(
                reason=f"'{port}' is no port and no range of ports; correct tcp_ports, udp_ports"
            )
        numbers.update(range(low, high + 1))
    return sorted(numbers)
