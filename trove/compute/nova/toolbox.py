"""What all parts of the provider work with."""

from oslo_config import cfg

from trove.compute import base
from trove.compute.nova import access, clients, disks, finder, groups, options, ports, slots


class Toolbox:
    """The clients, and what knows each kind of thing in the cloud. One serves a whole process, from many threads."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.settings = options.read(conf)
        self.cloud = clients.Clients(conf)
        self.slots = slots.Slots(self.cloud, self.settings.slot_seconds)
        self.ports = ports.Ports(self.cloud, self.settings)
        self.groups = access.Groups(self.cloud, self.settings)
        self.floating = access.FloatingAddresses(self.cloud, self.settings)
        self.server_groups = groups.ServerGroups(self.cloud)
        self.disks = disks.Disks(self.cloud)
        self.finder = finder.Finder(self.cloud, self.ports)

    def describe(self, found: finder.Found) -> base.Server:
        """Return an instance's server as providers tell of it."""
        # Without a public network nobody has one.
        floating = self.floating.find(found.instance_id) if self.settings.public_network_id else []
        return finder.describe(found.server, found.instance_id, found.ports, floating)

    def look(self, instance_id: str) -> base.Server:
        """Return the instance's server as it is now; ``ComputeError`` when there is none."""
        return self.describe(self.finder.require(instance_id))
