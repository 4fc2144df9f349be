"""Nova virt driver whose servers are local processes; ``machines.py`` tells what one consists of.

All hosts share one base folder, so that a resize or a migration between hosts keeps a server's folder.
"""

import ipaddress
import json
import os
import shutil
import signal
import threading
import time
import uuid as uuids

import machines
import nova.conf
import nova.virt.node
from nova import exception
from nova.api.metadata import base as instance_metadata
from nova.compute import power_state
from nova.virt import driver, fake, hardware
from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import fileutils

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

OPTS = [
    cfg.StrOpt('base', default='$state_path/instances', help='Folder of the server folders.'),
    cfg.StrOpt('command', default='exec sleep 1000000', help='What a server runs, unless its image says otherwise.'),
    cfg.FloatOpt('spawn_check_seconds', default=0.3, help='The build fails when the process ends within this time.'),
    cfg.FloatOpt('stop_timeout_seconds', default=10, help='Seconds between SIGTERM and SIGKILL.'),
    cfg.StrOpt('cidr', default='127.77.0.0/16', help='Addresses for servers without a network.'),
    cfg.IntOpt('vcpus', default=256, help='Processors that the host claims to have.'),
    cfg.IntOpt('memory_mb', default=1024 * 1024, help='MB of memory that the host claims to have.'),
    cfg.IntOpt('local_gb', default=100000, help='GB of disk that the host claims to have.'),
]
CONF.register_opts(OPTS, group='procvirt')


class Host(fake.FakeDriver):
    """What Nova must know of the host and of the servers that it has."""

    capabilities = {
        **fake.FakeDriver.capabilities,
        'supports_migrate_to_same_host': False,
        'supports_evacuate': True,
        'supports_image_type_qcow2': True,
        'supports_image_type_raw': True,
    }

    def __init__(self, virtapi, read_only=False):
        self.vcpus, self.memory_mb, self.local_gb = CONF.procvirt.vcpus, CONF.procvirt.memory_mb, CONF.procvirt.local_gb
        super().__init__(virtapi, read_only)
        self.base = CONF.procvirt.base
        self._lock = threading.RLock()
        os.makedirs(self.base, exist_ok=True)

    # Nova refuses the second start of a host whose state_path holds no compute_id; this makes and reads it.
    def get_available_resource(self, nodename):
        found = super().get_available_resource(nodename)
        if found:
            found['uuid'] = nova.virt.node.get_local_node_uuid()
        return found

    def get_nodenames_by_uuid(self, refresh=False):
        return {nova.virt.node.get_local_node_uuid(): self.get_available_nodes()[0]}

    def get_host_uptime(self):
        with open('/proc/uptime', encoding='ascii') as stream:
            days = float(stream.read().split()[0]) // 86400
        return f' up {days:.0f} days, 0 users,  load average: ' + ', '.join(f'{one:.2f}' for one in os.getloadavg())

    def machine(self, uuid):
        return machines.Machine(self.base, uuid)

    def require(self, instance):
        """Return the machine and what is remembered of it; ``InstanceNotFound`` when there is none."""
        machine = self.machine(instance.uuid)
        record = machine.load()
        if record is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return machine, record

    def _own(self):
        records = (machine.load() for machine in machines.find_all(self.base))
        return [record for record in records if record and record['host'] == self._host]

    def list_instances(self):
        return [record['name'] for record in self._own()]

    def list_instance_uuids(self):
        return [record['uuid'] for record in self._own()]

    def instance_exists(self, instance):
        return self.machine(instance.uuid).load() is not None

    def instance_on_disk(self, instance):
        return os.path.isdir(self.machine(instance.uuid).folder)


class Power(Host):
    """Processes: started, stopped and looked at."""

    def launch(self, instance):
        machine, record = self.require(instance)
        if machine.pid():
            return
        environment = {
            'NAME': record['display_name'] or '',
            'DIR': machine.folder,
            'IP': record['ips'][0] if record['ips'] else '',
            'IPS': ' '.join(record['ips']),
            'ROOT': machine.path('root'),
            'DEV': machine.path('dev'),
            'CONFIG_DRIVE': machine.path('config-drive'),
            'USER_DATA': machine.path('user_data'),
            'RAM_MB': str(instance.flavor.memory_mb),
            'VCPUS': str(instance.flavor.vcpus),
        }
        machine.start(record['command'], {f'NOVA_PROC_{name}': value for name, value in environment.items()})
        LOG.info('The process was started', instance=instance)

    def halt(self, instance, patience_seconds=None):
        if patience_seconds is None:
            patience_seconds = CONF.procvirt.stop_timeout_seconds
        self.machine(instance.uuid).stop(patience_seconds)

    def get_info(self, instance, use_cache=True):
        machine, _record = self.require(instance)
        return hardware.InstanceInfo(state=power_state.RUNNING if machine.pid() else power_state.SHUTDOWN)

    def power_off(self, instance, timeout=0, retry_interval=0):
        self.require(instance)
        self.halt(instance, min(timeout, CONF.procvirt.stop_timeout_seconds) if timeout else None)

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None, share_info=None):
        self.launch(instance)

    def reboot(
        self,
        context,
        instance,
        network_info,
        reboot_type,
        block_device_info=None,
        bad_volumes_callback=None,
        accel_info=None,
        share_info=None,
    ):
        self.halt(instance, 0.01 if reboot_type == 'HARD' else None)
        self.launch(instance)

    def resume_state_on_host_boot(self, context, instance, network_info, share_info, block_device_info=None):
        self.launch(instance)

    def pause(self, instance):
        self.machine(instance.uuid).send(signal.SIGSTOP)

    def unpause(self, instance):
        self.machine(instance.uuid).send(signal.SIGCONT)

    def set_admin_password(self, instance, new_pass):
        self.machine(instance.uuid).write('admin_pass', new_pass)

    def get_console_output(self, context, instance):
        return self.machine(instance.uuid).console()


class Volumes(Power):
    """Volumes: a link in the server's ``dev`` to the folder that the volume is."""

    def default_root_device_name(self, instance, image_meta, root_bdm):
        # So that the next ones are /dev/vdb and on, as with libvirt and virtio.
        return '/dev/vda'

    def plug_all(self, instance, block_device_info):
        for mapping in driver.block_device_info_get_mapping(block_device_info):
            self.attach_volume(None, mapping['connection_info'], instance, mapping['mount_device'])

    def attach_volume(
        self, context, connection_info, instance, mountpoint, disk_bus=None, device_type=None, encryption=None
    ):
        link = self.machine(instance.uuid).path('dev', os.path.basename(mountpoint))
        fileutils.delete_if_exists(link)
        os.symlink(connection_info['data']['device_path'], link)

    def detach_volume(self, context, connection_info, instance, mountpoint, encryption=None):
        fileutils.delete_if_exists(self.machine(instance.uuid).path('dev', os.path.basename(mountpoint)))

    def swap_volume(self, context, old_connection_info, new_connection_info, instance, mountpoint, resize_to):
        self.attach_volume(context, new_connection_info, instance, mountpoint)


class Moves(Volumes):
    """Resize and cold migration: the folder stays, the process is started anew."""

    def migrate_disk_and_power_off(
        self, context, instance, dest, flavor, network_info, block_device_info=None, timeout=0, retry_interval=0
    ):
        self.halt(instance)
        return json.dumps({})

    def _take_over(self, instance, block_device_info, power_on):
        self.plug_all(instance, block_device_info)
        machine, record = self.require(instance)
        machine.save({**record, 'host': self._host})
        if power_on:
            self.launch(instance)

    def finish_migration(
        self,
        context,
        migration,
        instance,
        disk_info,
        network_info,
        image_meta,
        resize_instance,
        allocations,
        block_device_info=None,
        power_on=True,
        share_info=None,
    ):
        self._take_over(instance, block_device_info, power_on)

    def finish_revert_migration(
        self, context, instance, network_info, migration, block_device_info=None, power_on=True, share_info=None
    ):
        self._take_over(instance, block_device_info, power_on)

    def confirm_migration(self, context, migration, instance, network_info):
        """Nothing: both hosts share the folder."""

    # Without these three, a revert would remove the folder.
    def check_instance_shared_storage_local(self, context, instance):
        if not self.instance_on_disk(instance):
            return None
        name = f'.shared-{uuids.uuid4()}'
        machine = self.machine(instance.uuid)
        machine.write(name, b'')
        return {'filename': machine.path(name)}

    def check_instance_shared_storage_remote(self, context, data):
        return os.path.exists(data['filename'])

    def check_instance_shared_storage_cleanup(self, context, data):
        fileutils.delete_if_exists(data['filename'])


class ProcDriver(Moves):
    """Servers: made and removed."""

    def spawn(
        self,
        context,
        instance,
        image_meta,
        injected_files,
        admin_password,
        allocations,
        network_info=None,
        block_device_info=None,
        power_on=True,
        accel_info=None,
    ):
        machine = self.machine(instance.uuid)
        for name in ('dev', 'root'):
            os.makedirs(machine.path(name), exist_ok=True)
        for vif in network_info or []:
            self._interfaces[vif['id']] = vif
        with self._lock:
            machine.save(self._record(instance, network_info))
        metadata = instance_metadata.InstanceMetadata(
            instance,
            content=injected_files,
            network_info=network_info,
            extra_md={'admin_pass': admin_password} if admin_password else {},
        )
        self._write_metadata(machine, metadata)
        self._inject(machine, injected_files or [])
        self.plug_all(instance, block_device_info)
        if power_on:
            self.launch(instance)
            self._await_life(machine)

    def _record(self, instance, network_info):
        return {
            'uuid': instance.uuid,
            'name': instance.name,
            'display_name': instance.display_name,
            'host': self._host,
            'ips': self._addresses(instance, network_info),
            'command': instance.system_metadata.get('image_proc_command') or CONF.procvirt.command,
        }

    def _addresses(self, instance, network_info):
        found = [address['address'] for vif in network_info or [] for address in vif.fixed_ips()]
        return found or [self._free_address(instance)]

    def _free_address(self, instance):
        taken = {ip for machine in machines.find_all(self.base) for ip in (machine.load() or {}).get('ips', [])}
        for host in ipaddress.ip_network(CONF.procvirt.cidr).hosts():
            if str(host) not in taken and not str(host).endswith('.1'):
                # The only place where a server without ports can show it.
                instance.access_ip_v4 = str(host)
                instance.save()
                return str(host)
        raise exception.NoMoreFixedIps(net='procvirt')

    @staticmethod
    def _write_metadata(machine, metadata):
        shutil.rmtree(machine.path('config-drive'), ignore_errors=True)
        for name, content in metadata.metadata_for_config_drive():
            machine.write(os.path.join('config-drive', name), content)
        if metadata.userdata_raw is not None:
            machine.write('user_data', metadata.userdata_raw)

    @staticmethod
    def _inject(machine, files):
        for name, content in files:
            target = os.path.normpath(os.path.join('root', name.lstrip('/')))
            if target.startswith('root' + os.sep):
                machine.write(target, content)

    @staticmethod
    def _await_life(machine):
        time.sleep(CONF.procvirt.spawn_check_seconds)
        if not machine.pid():
            said = machine.console()[-300:]
            raise exception.InstanceDeployFailure(reason=f'the process of the server ended at once: {said}')

    def destroy(
        self, context, instance, network_info, block_device_info=None, destroy_disks=True, destroy_secrets=True
    ):
        if self.instance_on_disk(instance):
            self.halt(instance)
            if destroy_disks:
                shutil.rmtree(self.machine(instance.uuid).folder, ignore_errors=True)

    def cleanup(
        self,
        context,
        instance,
        network_info,
        block_device_info=None,
        destroy_disks=True,
        migrate_data=None,
        destroy_vifs=True,
        destroy_secrets=True,
    ):
        machine = self.machine(instance.uuid)
        if destroy_disks and not machine.pid():
            shutil.rmtree(machine.folder, ignore_errors=True)
