"""The nova provider: an instance is a server of Nova, ports of Neutron and a volume of Cinder."""

from oslo_config import cfg

from trove.compute import base
from trove.compute.nova import images, moves, network, overview, servers, toolbox, volumes


class NovaProvider(
    images.Catalogue,
    network.Network,
    volumes.Volumes,
    servers.Servers,
    moves.Moves,
    overview.Overview,
    base.Provider,
):
    """Everything that it makes belongs to the service project and is found by the instance's id alone.

    How it makes each thing once is told in ``trove.compute.nova.slots``.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.tools = toolbox.Toolbox(conf)
