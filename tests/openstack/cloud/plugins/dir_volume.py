"""Cinder volume driver whose volumes are folders; snapshots and clones are copies."""

import os
import shutil

from cinder.volume import configuration, driver
from oslo_config import cfg

OPTS = [
    cfg.StrOpt('dir_volume_base', help='Folder of the volumes.'),
    cfg.IntOpt('dir_volume_capacity_gb', default=10000, help='GB that the store claims to hold.'),
]
cfg.CONF.register_opts(OPTS, group=configuration.SHARED_CONF_GROUP)


class DirVolumeDriver(driver.VolumeDriver):
    """Makes, copies and removes folders."""

    VERSION = '1.0'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTS)

    def _path(self, thing, kind='vol'):
        return os.path.join(self.configuration.dir_volume_base, f'{kind}-{thing["id"]}')

    def do_setup(self, context):
        os.makedirs(self.configuration.dir_volume_base, exist_ok=True)

    def check_for_setup_error(self):
        """Nothing can be wrong with a folder that could be made."""

    def _update_volume_stats(self):
        total = self.configuration.dir_volume_capacity_gb
        pool = {
            'pool_name': 'dir',
            'total_capacity_gb': total,
            'free_capacity_gb': total,
            'reserved_percentage': 0,
            'QoS_support': False,
            'multiattach': False,
            'thin_provisioning_support': True,
            'max_over_subscription_ratio': '20.0',
        }
        self._stats = {
            'volume_backend_name': self.configuration.safe_get('volume_backend_name') or 'dir',
            'vendor_name': 'Trove tests',
            'driver_version': self.VERSION,
            'storage_protocol': 'dir',
            'pools': [pool],
        }

    def create_volume(self, volume):
        os.makedirs(self._path(volume), exist_ok=True)

    def delete_volume(self, volume):
        shutil.rmtree(self._path(volume), ignore_errors=True)

    def create_snapshot(self, snapshot):
        shutil.copytree(self._path(snapshot.volume), self._path(snapshot, 'snap'), symlinks=True)

    def delete_snapshot(self, snapshot):
        shutil.rmtree(self._path(snapshot, 'snap'), ignore_errors=True)

    def create_volume_from_snapshot(self, volume, snapshot):
        shutil.copytree(self._path(snapshot, 'snap'), self._path(volume), symlinks=True)

    def create_cloned_volume(self, volume, src_vref):
        shutil.copytree(self._path(src_vref), self._path(volume), symlinks=True)

    def extend_volume(self, volume, new_size):
        """Nothing: a folder has no size of its own."""

    def clone_image(self, context, volume, image_location, image_meta, image_service):
        # So that Cinder need not fetch the image and look into it, with rights that it does not have.
        os.makedirs(self._path(volume), exist_ok=True)
        with open(os.path.join(self._path(volume), 'image_id'), 'w', encoding='ascii') as stream:
            stream.write(image_meta['id'])
        return {}, True

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        raise NotImplementedError()

    def ensure_export(self, context, volume):
        """Nothing: a path needs no export."""

    def create_export(self, context, volume, connector):
        """Nothing: a path needs no export."""

    def remove_export(self, context, volume):
        """Nothing: a path needs no export."""

    def initialize_connection(self, volume, connector, **kwargs):
        path = self._path(volume)
        return {
            'driver_volume_type': 'dir',
            'data': {'device_path': path, 'volume_id': volume['id'], 'access_mode': 'rw'},
        }

    def terminate_connection(self, volume, connector, **kwargs):
        """Nothing: a path needs no connection."""
