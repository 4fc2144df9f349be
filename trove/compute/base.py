"""Where guests live: the words and the contract that every compute provider fulfils.

A provider makes servers, volumes and addresses outside of Trove. Everything it
makes is named after the instance, so that it is found again by a process that
remembers nothing. One provider is one entry point in ``trove.compute.providers``.
"""

import abc
import dataclasses
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
    """A data volume of ``size`` GB; ``is_enforced`` tells whether the engine really cannot write more than that."""

    id: str
    size: int
    type: str
    is_enforced: bool


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as it is now.

    ``status`` is one of ``states.ServerStatus``. ``fault`` says what is wrong and
    what to do; it is empty when nothing is known to be wrong.
    """

    id: str
    status: str
    addresses: tuple[Address, ...] = ()
    fault: str = ''


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """All that a provider is told of an instance.

    Ports are numbers or ranges as text (``'3306'``, ``'4567-4568'``). ``nics``
    are dicts with ``net-id``, ``port-id`` or ``v4-fixed-ip``. ``guest_files`` is
    file name to content of the guest's configuration; it holds secrets.
    ``volume_size`` is in GB; None means no data volume.
    """

    instance_id: str
    project_id: str
    user_id: str
    name: str
    flavor: Flavor
    image: Image | None = None
    tcp_ports: tuple[str, ...] = ()
    udp_ports: tuple[str, ...] = ()
    nics: tuple[Mapping[str, str], ...] = ()
    availability_zone: str | None = None
    guest_files: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    volume_size: int | None = None
    volume_type: str | None = None


class Provider(abc.ABC):
    """Makes and minds servers. One object serves a whole process, from many threads.

    Every call is one step of a durable operation: it returns within a few
    seconds, and it may be repeated after it was killed at any point. A *make* is
    find-or-make; a *delete* finds by name and is content with what is gone or was
    never there. Raises ``ComputeBusy`` for what a repetition may cure and
    ``ComputeError`` for what needs somebody; both texts say what to do.
    """

    @abc.abstractmethod
    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Register the provider's own options and read them; nothing is called or made yet."""

    @abc.abstractmethod
    def list_flavors(self) -> list[Flavor]:
        """Return all flavors, smallest first."""

    @abc.abstractmethod
    def find_image(self, image_id: str | None, image_tags: Iterable[str] = ()) -> Image:
        """Return the image with this id, or the newest that has all tags; ``ImageNotFound`` when there is none."""

    @abc.abstractmethod
    def make_address(self, request: ServerRequest) -> list[Address]:
        """Return the instance's addresses, reserving them first if need be."""

    @abc.abstractmethod
    def make_volume(self, request: ServerRequest) -> Volume | None:
        """Return the instance's data volume, making it first if need be; None when none is asked for."""

    @abc.abstractmethod
    def grow_volume(self, instance_id: str, size: int) -> Volume:
        """Make the volume ``size`` GB large, with the server running or not; it never shrinks."""

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
    def delete_volume(self, instance_id: str) -> bool:
        """Delete the data volume; return whether it is gone. It stays while its server is there."""

    @abc.abstractmethod
    def delete_address(self, instance_id: str) -> bool:
        """Give the addresses back; return whether they are gone. They stay while the server is there."""

    @abc.abstractmethod
    def list_instance_ids(self) -> list[str]:
        """Return the ids of all instances of which there is a server, a volume or an address."""

    @abc.abstractmethod
    def resume_servers(self) -> list[str]:
        """Start the servers that ought to run and do not, as after a reboot of their host; return their ids."""

    @abc.abstractmethod
    def guest_settings(self, instance_id: str) -> dict[str, str]:
        """Return options of the guest agent, name to value, that follow from where it runs.

        They win over ``guest_files``: ``bind_address``, ``mount_point``,
        ``state_path``, ``run_path``, ``log_path``, ``service_manager``,
        ``report_interval``. Empty when the image knows better.
        """


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
