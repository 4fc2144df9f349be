"""What Nova is told to make a server from."""

from typing import Any

from trove.common import exception
from trove.compute import base
from trove.compute.nova import names, ports, user_data


def arguments(
    settings: Any, request: base.ServerRequest, found: list[Any], volume: base.Volume | None
) -> dict[str, Any]:
    """Return the arguments of novaclient's create; ``ComputeError`` when the image or the port is missing."""
    if request.image is None:
        raise exception.ComputeError(reason='no image is named; ask the operator to register one')
    if not any(ports.is_first(port, request.instance_id) for port in found):
        raise exception.ComputeError(reason=f'instance {request.instance_id} has no port; make its address first')
    return {
        'name': request.name,
        'image': None if settings.volume_rootdisk_support else request.image.id,
        'flavor': request.flavor.id,
        'meta': metadata(request),
        'tags': [names.of_instance(request.instance_id)],
        # Nova forgets tags and metadata of a deleted server, but not its description.
        'description': names.of_instance(request.instance_id),
        'userdata': guest_data(settings, request),
        'config_drive': settings.use_nova_server_config_drive,
        'key_name': settings.nova_keypair,
        'availability_zone': request.availability_zone,
        'nics': [{'port-id': port.id} for port in found],
        'block_device_mapping_v2': _devices(settings, request.image, request.volume_type, volume),
    }


def metadata(request: base.ServerRequest) -> dict[str, str]:
    """Return what the server's metadata tell operators of its instance."""
    return {
        'trove_instance_id': request.instance_id,
        'trove_project_id': request.project_id,
        'trove_user_id': request.user_id,
    }


def guest_data(settings: Any, request: base.ServerRequest) -> str:
    """Return the user data of the server."""
    own = user_data.read_own(settings.cloudinit_location, request.datastore_manager)
    return user_data.make(request.guest_files, settings.injected_config_location, own)


def _devices(
    settings: Any, image: base.Image, volume_type: str | None, volume: base.Volume | None
) -> list[dict[str, Any]] | None:
    devices: list[dict[str, Any]] = []
    if settings.volume_rootdisk_support:
        kind = settings.cinder_volume_type or volume_type
        devices.append(
            {
                'boot_index': 0,
                'uuid': image.id,
                'source_type': 'image',
                'destination_type': 'volume',
                'volume_size': settings.volume_rootdisk_size,
                'delete_on_termination': True,
                **({'volume_type': kind} if kind else {}),
            }
        )
    if volume is not None:
        devices.append(
            {
                'boot_index': -1,
                'uuid': volume.id,
                'source_type': 'volume',
                'destination_type': 'volume',
                'device_name': settings.block_device_mapping,
                'delete_on_termination': False,
            }
        )
    return devices or None
