"""Addresses of instances: their ports, their security group and their floating IP."""

from typing import Any

from trove.common import exception
from trove.compute import base
from trove.compute.nova import access, ports, toolbox


class Network(base.Network):
    """Makes ports under names that follow from the instance's id; Neutron lets each be made once."""

    tools: toolbox.Toolbox

    def make_address(self, request: base.ServerRequest) -> list[base.Address]:
        # Refused before anything is made.
        access.rules_of(request, self.tools.settings.trove_security_group_rule_cidr)
        found = self.tools.ports.find(request.instance_id)
        group = self.tools.groups.make(request.instance_id, found)
        made = self.tools.ports.make(request, group.id)
        group = self.tools.groups.make(request.instance_id, made)
        if not found:
            # Another maker's port may have won, with another group.
            self.tools.groups.delete(request.instance_id, kept=group.id)
        return self._open(request, group, made)

    def change_access(self, request: base.ServerRequest) -> list[base.Address]:
        found = self.tools.ports.find(request.instance_id)
        if not any(ports.is_first(port, request.instance_id) for port in found):
            raise exception.ComputeError(
                reason=f'instance {request.instance_id} has no port any more; delete it, its address is gone'
            )
        return self._open(request, self.tools.groups.make(request.instance_id, found), found)

    def delete_address(self, instance_id: str) -> bool:
        if self.tools.finder.find(instance_id).servers:
            return False
        self.tools.floating.delete(instance_id)
        self.tools.slots.delete(instance_id)
        for port in reversed(self.tools.ports.find(instance_id)):
            self.tools.ports.delete(port.id)
        self.tools.groups.delete(instance_id)
        return True

    def _open(self, request: base.ServerRequest, group: Any, found: list[Any]) -> list[base.Address]:
        self.tools.groups.apply(group, request)
        self.tools.ports.join(found, group.id)
        first = next(port for port in found if ports.is_first(port, request.instance_id))
        floating = self.tools.floating.apply(request.instance_id, first, request.access.is_public)
        return list(ports.addresses_of(found, floating))
