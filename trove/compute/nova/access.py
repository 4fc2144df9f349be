"""Who may reach an instance: its security group and its floating IP."""

import contextlib
import dataclasses
import ipaddress
import logging
from collections.abc import Iterable
from typing import Any

import openstack.exceptions

from trove.common import cloud, exception
from trove.compute import base
from trove.compute.nova import clients, errors, names

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Traffic that is let in: ports first to last of a protocol, from a network."""

    protocol: str
    first: int
    last: int
    cidr: str

    @property
    def ethertype(self) -> str:
        """The family of addresses, in Neutron's words."""
        return f'IPv{ipaddress.ip_network(self.cidr).version}'


def rules_of(request: base.ServerRequest, default_cidr: str) -> set[Rule]:
    """Return the rules that an instance needs; ``ComputeError`` when a network of them cannot be read."""
    cidrs = [_network(cidr) for cidr in request.access.allowed_cidrs or (default_cidr,)]
    return {
        Rule(protocol, first, last, cidr)
        for protocol, ports in (('tcp', request.tcp_ports), ('udp', request.udp_ports))
        for first, last in _ranges(ports)
        for cidr in cidrs
    }


class Groups:
    """An instance's security group."""

    def __init__(self, cloud: clients.Clients, settings: Any) -> None:
        self._cloud = cloud
        self._settings = settings

    def find(self, instance_id: str) -> list[Any]:
        """Return the groups that carry the instance's name; more than one after makers met. The oldest comes first."""
        with errors.told('Looking for the security group'):
            found = list(
                self._cloud.network.security_groups(name=self._name(instance_id), project_id=self._cloud.project_id())
            )
        return sorted(found, key=lambda group: (group.created_at, group.id))

    def make(self, instance_id: str, ports: Iterable[Any]) -> Any:
        """Return the group of an instance: the one that its port is in, or the oldest, or a new one.

        Two makers may make one each. The port, of which there is only one, decides then.
        """
        used = {group_id for port in ports for group_id in port.security_group_ids}
        found = self.find(instance_id)
        chosen = next((group for group in found if group.id in used), None) or next(iter(found), None)
        if chosen is None:
            with errors.told('Making the security group'):
                chosen = self._cloud.network.create_security_group(
                    name=self._name(instance_id),
                    description=f'Made by Trove for instance {instance_id}',
                    project_id=self._cloud.project_id(),
                )
            LOG.info('The security group of instance %s was made', instance_id)
        return chosen

    def apply(self, group: Any, request: base.ServerRequest) -> None:
        """Let in what the request names and nothing else; what is to be reached stays reachable meanwhile."""
        wanted = rules_of(request, self._settings.trove_security_group_rule_cidr)
        with errors.told('Looking for security group rules'):
            found = list(self._cloud.network.security_group_rules(security_group_id=group.id, direction='ingress'))
        known = {_rule(one): one for one in found}
        for rule in sorted(wanted - set(known), key=dataclasses.astuple):
            self._add(group.id, rule)
        for one in found:
            if _rule(one) not in wanted:
                with errors.told('Deleting a security group rule'), errors.missing_is_fine():
                    self._cloud.network.delete_security_group_rule(one.id, ignore_missing=False)

    def delete(self, instance_id: str, kept: str = '') -> None:
        """Delete the instance's groups, but for one that is kept."""
        for group in self.find(instance_id):
            if group.id != kept:
                with errors.told('Deleting the security group'), errors.missing_is_fine():
                    self._cloud.network.delete_security_group(group.id, ignore_missing=False)

    def _add(self, group_id: str, rule: Rule) -> None:
        with errors.told('Making a security group rule'):
            try:
                self._cloud.network.create_security_group_rule(
                    security_group_id=group_id,
                    direction='ingress',
                    ether_type=rule.ethertype,
                    protocol=rule.protocol,
                    port_range_min=rule.first,
                    port_range_max=rule.last,
                    remote_ip_prefix=rule.cidr,
                )
            except openstack.exceptions.ConflictException as error:
                # Somebody made it at the same time.
                if 'exist' not in cloud.text_of(error):
                    raise

    def _name(self, instance_id: str) -> str:
        names.of_instance(instance_id)
        return f'{self._settings.trove_security_group_name_prefix}-{instance_id}'


class FloatingAddresses:
    """An instance's floating IP; its description carries the instance's name."""

    def __init__(self, cloud: clients.Clients, settings: Any) -> None:
        self._cloud = cloud
        self._settings = settings

    def find(self, instance_id: str) -> list[Any]:
        """Return the floating IPs that were made for an instance, also one whose port is gone."""
        with errors.told('Looking for floating IPs'):
            return list(
                self._cloud.network.ips(description=names.of_instance(instance_id), project_id=self._cloud.project_id())
            )

    def list_all(self) -> list[Any]:
        """Return the floating IPs of all instances."""
        with errors.told('Listing floating IPs'):
            found = list(self._cloud.network.ips(project_id=self._cloud.project_id()))
        return [ip for ip in found if names.instance_of(ip.description)]

    def apply(self, instance_id: str, port: Any, is_public: bool) -> list[Any]:
        """Give the instance's port a floating IP or take it away; return what it has then."""
        found = self.find(instance_id)
        kept = [ip for ip in found if ip.port_id == port.id][:1] if is_public else []
        for ip in found:
            if ip not in kept:
                self._delete(ip)
        if is_public and not kept:
            self._make(instance_id, port)
            kept = self.find(instance_id)
        return kept

    def delete(self, instance_id: str) -> None:
        """Give back the floating IPs of an instance."""
        for ip in self.find(instance_id):
            self._delete(ip)

    def _make(self, instance_id: str, port: Any) -> None:
        network_id = self._settings.public_network_id
        if not network_id:
            raise exception.ComputeError(
                reason='this cloud has no public network for instances; leave out is_public or ask the operator to '
                'set [nova] public_network_id'
            )
        address = next((ip['ip_address'] for ip in port.fixed_ips if ':' not in ip['ip_address']), None)
        with errors.told('Making a floating IP'):
            try:
                self._cloud.network.create_ip(
                    floating_network_id=network_id,
                    port_id=port.id,
                    description=names.of_instance(instance_id),
                    project_id=self._cloud.project_id(),
                    **({'fixed_ip_address': address} if address else {}),
                )
            except openstack.exceptions.ConflictException as error:
                # Neutron gives an address of a port one floating IP only: somebody made it at the same time.
                if 'already' not in cloud.text_of(error):
                    raise
                return
        LOG.info('A floating IP was made for instance %s', instance_id)

    def _delete(self, ip: Any) -> None:
        with errors.told('Deleting a floating IP'), errors.missing_is_fine():
            self._cloud.network.delete_ip(ip.id, ignore_missing=False)


def _rule(found: Any) -> Rule | None:
    """Return what a rule of Neutron says, or None when it is none that we would make."""
    cidr = found.remote_ip_prefix or ('::/0' if found.ether_type == 'IPv6' else '0.0.0.0/0')
    if found.remote_group_id or found.remote_address_group_id or not found.port_range_min:
        return None
    with contextlib.suppress(exception.ComputeError):
        return Rule(found.protocol, found.port_range_min, found.port_range_max, _network(cidr))
    return None


def _network(cidr: str) -> str:
    try:
        return str(ipaddress.ip_network(cidr.strip(), strict=False))
    except ValueError as error:
        raise exception.ComputeError(reason=f"'{cidr}' is no network; write it as 10.0.0.0/8") from error


def _ranges(ports: Iterable[str]) -> list[tuple[int, int]]:
    """Return the ports as ranges, first and last, joined where they touch."""
    ranges: list[tuple[int, int]] = []
    for number in base.port_numbers(ports):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
