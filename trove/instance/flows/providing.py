"""What flows ask of the compute provider: the request they make of an instance, and what its errors mean."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from trove.common import exception, fence
from trove.compute import base as compute
from trove.datastore import descriptions
from trove.db import models
from trove.instance.flows import guest_files, records
from trove.taskmanager import operation as vocabulary

Result = TypeVar('Result')


def attempt(call: Callable[[], Result]) -> Result:
    """Call the provider; what a repetition may cure becomes ``Retry``, everything else ``Fail``.

    A worker that has lost its operation meanwhile calls nobody.
    """
    fence.check()
    try:
        return call()
    except exception.ComputeBusy as error:
        raise vocabulary.Retry(str(error), error.delay_seconds) from error
    except exception.ImageNotFound as error:
        advice = 'ask the operator to bring it back or to name another one'
        raise vocabulary.Fail(f'{str(error).rstrip(".")}; {advice}') from error
    except exception.ComputeError as error:
        raise vocabulary.Fail(str(error)) from error


def request_of(
    subject: records.Subject, tools: vocabulary.Tools, nics: list[dict[str, str]], image: compute.Image | None = None
) -> compute.ServerRequest:
    """Return what the provider is told of an instance; the same at each repetition."""
    record, flavor = subject.record, subject.flavor
    conf = tools.conf
    settings = conf[descriptions.find(conf, subject.version.manager).name]
    return compute.ServerRequest(
        instance_id=record.id,
        project_id=record.project_id,
        user_id=record.user_id or '',
        name=record.name,
        flavor=flavor_of(flavor),
        image=image,
        datastore_manager=subject.version.manager,
        tcp_ports=tuple(settings.tcp_ports),
        udp_ports=tuple(settings.udp_ports),
        nics=tuple(nics),
        access=access_of(record.access),
        availability_zone=record.availability_zone,
        locality=record.locality,
        guest_files=guest_files.make(subject, tools),
        volume_size=record.volume_size,
        volume_type=record.volume_type,
    )


def flavor_of(flavor: models.Flavor) -> compute.Flavor:
    """Return a flavor as providers know it."""
    return compute.Flavor(flavor.id, flavor.name, flavor.ram, flavor.vcpus, flavor.disk, flavor.ephemeral)


def access_of(access: Mapping[str, Any]) -> compute.Access:
    """Return an access as providers know it; what is not named is not public, and open to the operator's default."""
    return compute.Access(bool(access.get('is_public')), tuple(access.get('allowed_cidrs', ())))


def addresses_of(found: Iterable[compute.Address]) -> list[dict[str, str]]:
    """Return addresses as the record has them."""
    return [dataclasses.asdict(one) for one in found]


def tags_of(subject: records.Subject) -> list[str]:
    """Return the tags that the image of an instance carries."""
    return [tag for tag in subject.version.image_tags.split(',') if tag]


def remove(provider: compute.Provider, instance_id: str) -> bool:
    """Give back all that the provider made for an instance; return whether it is gone already."""
    return (
        attempt(lambda: provider.delete_server(instance_id))
        and attempt(lambda: provider.delete_volume(instance_id))
        and attempt(lambda: provider.delete_address(instance_id))
    )
