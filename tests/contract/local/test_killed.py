"""The local provider when who calls it is killed at any moment."""

import contextlib
import os
import pathlib
import signal
import sys

import pytest

from tests.fixtures import local_provider
from trove.common import clock, states
from trove.compute.local import volumes
from trove.testing import providers

needs_root = local_provider.needs_root
until = providers.until


@pytest.mark.slow
class TestKilledAnywhere:
    """The caller is killed at one after the other of its system calls; the next one makes it whole."""

    STRIDE = 11

    def killed_at(self, number, action):
        """Run an action in a child that is killed at its n-th noticeable event; return whether it was."""
        child = os.fork()
        if child == 0:
            count = 0

            def count_down(event, _arguments):
                nonlocal count
                if event != 'os.kill' and event.startswith(
                    ('open', 'os.', 'subprocess', 'shutil', 'socket.bind', 'fcntl')
                ):
                    count += 1
                    if count >= number:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count_down)
            with contextlib.suppress(BaseException):
                action()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    def test_make(self, make_world):
        world = make_world(volume_backend='folder')
        provider = world.provider()
        number, kills = 1, 0
        while True:
            request = world.request()
            was_killed = self.killed_at(number, lambda made=request: providers.build(world.provider(), made))
            providers.build(provider, request)
            until(lambda made=request: world.serving(made.instance_id))
            assert len(world.machines(request.instance_id)) == 1
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert provider.list_instance_ids() == []
            if not was_killed:
                break
            kills += 1
            number += self.STRIDE
        assert kills > 5

    def test_delete_after_a_killed_make(self, make_world):
        world = make_world()
        provider = world.provider()
        # What volumes are is found out here, and not in each child.
        provider.make_volume(spare := world.request())
        providers.delete(provider, spare.instance_id)
        for number in range(3, 300, 2 * self.STRIDE):
            request = world.request()
            self.killed_at(number, lambda made=request: providers.build(provider, made))
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert provider.list_instance_ids() == []
            assert list(pathlib.Path(world.options['instances_path']).glob('.*/*')) == []

    def test_delete(self, make_world):
        world = make_world()
        provider = world.provider()
        number, kills = 1, 0
        while True:
            request = world.request()
            providers.build(provider, request)
            was_killed = self.killed_at(
                number, lambda made=request: providers.delete(world.provider(), made.instance_id)
            )
            providers.delete(provider, request.instance_id)
            assert world.processes(request.instance_id) == []
            assert list(pathlib.Path(world.options['instances_path']).glob('.*/*')) == []
            if not was_killed:
                break
            kills += 1
            number = int(number * 1.6) + 1
        assert kills > 3

    @needs_root
    def test_probe(self, tmp_path):
        for number in range(2, 60, self.STRIDE):
            self.killed_at(number, volumes.Backends('auto', str(tmp_path)).choose)
            volumes.Backends('auto', str(tmp_path)).choose()
            assert [str(path) for path in tmp_path.rglob('*')] == [str(tmp_path / '.locks')]
            assert str(tmp_path) not in pathlib.Path('/proc/self/mounts').read_text(encoding='utf-8')

    def test_reboot(self, make_world):
        world = make_world(volume_backend='folder')
        now = clock.ManualClock()
        provider = world.provider(time_source=now)
        request = world.request()
        providers.build(provider, request)

        def is_rebooting():
            return providers.is_in(provider, request.instance_id, states.ServerStatus.REBOOT)

        for number in (2, 10, 40, 80):
            self.killed_at(number, lambda: provider.reboot_server(request.instance_id))
            # Whoever was to repeat it never does; the taskmanager resumes the server in the end.
            now.turn(120)
            until(lambda: provider.resume_servers() or not is_rebooting())
            assert not is_rebooting()
            provider.start_server(request.instance_id)
            until(lambda: providers.is_in(provider, request.instance_id, providers.ACTIVE))
            assert len(world.machines(request.instance_id)) == 1
        providers.delete(provider, request.instance_id)

    @pytest.mark.parametrize('verb', ['resize_server', 'revert_move', 'rebuild_server'])
    def test_moves(self, make_world, verb):
        world = make_world(volume_backend='folder')
        provider = world.provider()
        request = world.request()
        providers.build(provider, request)
        flavor = providers.another_flavor(provider, request)
        arguments = {
            'resize_server': (request.instance_id, flavor),
            'revert_move': (request.instance_id,),
            'rebuild_server': (request,),
        }[verb]
        for number in (2, 10, 40, 80, 160):
            if verb == 'revert_move':
                provider.resize_server(request.instance_id, flavor)
            self.killed_at(number, lambda: getattr(world.provider(), verb)(*arguments))
            getattr(provider, verb)(*arguments)
            if verb == 'resize_server':
                assert providers.become(provider, request.instance_id, providers.VERIFY_RESIZE).flavor_id == flavor.id
                provider.revert_move(request.instance_id)
            server = providers.become(provider, request.instance_id, providers.ACTIVE)
            assert server.flavor_id == request.flavor.id
            assert len(world.machines(request.instance_id)) == 1
        providers.delete(provider, request.instance_id)
