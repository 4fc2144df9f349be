"""Ports: found by their names, made once each."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import openstack.exceptions

from trove.common import cloud, exception
from trove.compute import base
from trove.compute.nova import clients, errors, names, options

LOG = logging.getLogger(__name__)

ADVICE = 'name one with --nic net-id='


class Ports:
    """An instance's ports: those on the networks that its tenant named, and those on the management networks."""

    def __init__(self, cloud: clients.Clients, settings: Any) -> None:
        self._cloud = cloud
        self._settings = settings

    def find(self, instance_id: str) -> list[Any]:
        """Return all ports of an instance in the order of its server's devices."""
        wanted = names.of_ports(instance_id)
        with errors.told('Looking for ports'):
            found = list(self._cloud.network.ports(name=wanted, project_id=self._cloud.project_id()))
        # Of twins on several networks, the older one comes first.
        return sorted(found, key=lambda port: (wanted.index(port.name), port.created_at, port.id))

    def find_first(self, instance_id: str) -> Any:
        """Return the instance's first port, or None."""
        return next((port for port in self.find(instance_id) if is_first(port, instance_id)), None)

    def list_all(self) -> list[Any]:
        """Return the ports of all instances."""
        with errors.told('Listing ports'):
            found = list(self._cloud.network.ports(project_id=self._cloud.project_id()))
        return sorted((port for port in found if names.instance_of(port.name)), key=_place)

    def make(self, request: base.ServerRequest, group_id: str) -> list[Any]:
        """Return all ports of an instance, making those that are missing; tenants' ones are in the security group."""
        found = {port.name: port for port in self.find(request.instance_id)}
        for wanted in self._wanted(request, group_id):
            if wanted['name'] not in found:
                self._make(wanted)
        return self.find(request.instance_id)

    def join(self, ports: Iterable[Any], group_id: str) -> None:
        """Put the ports that tenants see into a security group, where they are not."""
        for port in ports:
            if is_users(port) and group_id not in port.security_group_ids:
                with errors.told('Changing a port'):
                    self._cloud.network.update_port(port.id, security_groups=[group_id])

    def delete(self, port_id: str) -> None:
        """Delete a port."""
        with errors.told('Deleting a port'), errors.missing_is_fine():
            self._cloud.network.delete_port(port_id, ignore_missing=False)

    def _wanted(self, request: base.ServerRequest, group_id: str) -> list[dict[str, Any]]:
        if not request.nics:
            raise exception.ComputeError(reason=f'an instance needs a network; {ADVICE}')
        if len(request.nics) > options.MOST_NETWORKS:
            raise exception.ComputeError(reason=f'an instance has {options.MOST_NETWORKS} networks at most')
        listed = []
        for number, nic in enumerate(request.nics):
            name = names.of_user_port(request.instance_id, number)
            listed.append({'name': name, 'security_groups': [group_id], **self._place(nic, request.project_id)})
        for number, network_id in enumerate(self._settings.management_networks):
            name = names.of_management_port(request.instance_id, number)
            groups = self._settings.management_security_groups
            listed.append({'name': name, 'network_id': network_id, **({'security_groups': groups} if groups else {})})
        return listed

    def _make(self, wanted: Mapping[str, Any]) -> None:
        with errors.told('Making a port'):
            try:
                self._cloud.network.create_port(
                    **wanted, project_id=self._cloud.project_id(), mac_address=names.mac_of(wanted['name'])
                )
            except openstack.exceptions.ConflictException as error:
                # Somebody made it at the same time; the next look finds it.
                if 'mac' not in cloud.text_of(error).lower():
                    raise
                return
        LOG.info('Port %s was made', wanted['name'])

    def _place(self, nic: Mapping[str, str], project_id: str) -> dict[str, Any]:
        """Return where a port goes; ``ComputeError`` when that network is not there or not the tenant's to use."""
        network_id, subnet_id = nic.get('network_id'), nic.get('subnet_id')
        if subnet_id:
            network_id = self._network_of(subnet_id, network_id)
        if not network_id:
            raise exception.ComputeError(reason=f'an instance needs a network; {ADVICE}')
        self._check(network_id, project_id)
        address = {
            name: value for name, value in (('subnet_id', subnet_id), ('ip_address', nic.get('ip_address'))) if value
        }
        return {'network_id': network_id, **({'fixed_ips': [address]} if address else {})}

    def _network_of(self, subnet_id: str, network_id: str | None) -> str:
        with errors.told('Looking for a subnet'):
            subnet = self._cloud.network.find_subnet(subnet_id)
        if subnet is None or network_id not in (None, subnet.network_id):
            raise exception.ComputeError(reason=f'there is no subnet {subnet_id} in that network; {ADVICE}')
        return str(subnet.network_id)

    def _check(self, network_id: str, project_id: str) -> None:
        with errors.told('Looking for a network'):
            found = list(self._cloud.network.networks(id=network_id))
        if found and not self._settings.enable_access_check:
            return
        if not found or not self._may_use(found[0], project_id):
            # The same words for both, as a tenant is not told what others have.
            raise exception.ComputeError(
                reason=f'network {network_id} is not there or not for project {project_id} to use; {ADVICE}'
            )

    def _may_use(self, network: Any, project_id: str) -> bool:
        if network.project_id == project_id or network.is_shared:
            return True
        with errors.told('Looking for who may use a network'):
            policies = list(
                self._cloud.network.rbac_policies(
                    object_type='network', object_id=network.id, action='access_as_shared'
                )
            )
        return any(policy.target_project_id in (project_id, '*') for policy in policies)


def is_first(port: Any, instance_id: str) -> bool:
    """Return whether this is the instance's first port."""
    return bool(port.name == names.of_user_port(instance_id, 0))


def is_users(port: Any) -> bool:
    """Return whether this is a port on a network that the tenant named."""
    return '-mgmt-' not in port.name


def addresses_of(ports: Iterable[Any], floating: Iterable[Any]) -> tuple[base.Address, ...]:
    """Return the addresses of an instance, without those on management networks."""
    ours = [port for port in ports if is_users(port)]
    ids = {port.id for port in ours}
    private = [base.Address(ip['ip_address'], 'private', port.network_id) for port in ours for ip in port.fixed_ips]
    public = [
        base.Address(ip.floating_ip_address, 'public', ip.floating_network_id)
        for ip in sorted(floating, key=lambda ip: (ip.created_at, ip.id))
        if ip.port_id in ids
    ]
    return (*private, *public)


def _place(port: Any) -> tuple[int, str, str, str]:
    instance_id = names.instance_of(port.name)
    listed = names.of_ports(instance_id)
    number = listed.index(port.name) if port.name in listed else len(listed)
    return number, port.name, port.created_at, port.id
