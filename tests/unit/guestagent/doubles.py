"""Doubles for tests of the agent: services without processes, and an engine without an engine."""

from oslo_config import cfg

from trove.common import exception
from trove.guestagent import options
from trove.guestagent.datastore import abilities, app, description, manager
from trove.guestagent.system import services


class MemoryServices(services.Services):
    """Remembers what runs."""

    def __init__(self):
        self.running = {}
        self.wanted = set()
        self.dies_at_start = False

    def start(self, unit):
        self.wanted.add(unit.name)
        if not self.dies_at_start:
            self.running.setdefault(unit.name, unit)

    def stop(self, name):
        self.wanted.discard(name)
        self.running.pop(name, None)

    def is_running(self, name):
        return name in self.running

    def is_wanted(self, name):
        return name in self.wanted

    def tend(self):
        pass


class StubDescription(description.Description):
    name = 'stub'
    tcp_ports = ('4321',)
    mount_point = '/nowhere'
    service_user = 'root'
    root_user_name = 'boss'

    def validate_database(self, database):
        self._refuse_reserved(database['name'], frozenset({'system'}))

    def validate_user(self, user):
        pass


class StubApp(app.App):
    """Answers as long as its unit runs and it is told to."""

    config_name = 'stub.conf'
    answers = True
    made = 0

    def make_data(self, folder):
        self.made += 1

    def unit(self):
        return services.Unit(self.unit_name, ('stub',), self.log_file)

    def own_configuration(self):
        return f'address={self.address}\n'

    def render_overrides(self, overrides):
        return ''.join(f'{key}={value}\n' for key, value in overrides.items())

    def ping(self):
        if not (self.answers and self._services.is_running(self.unit_name)):
            raise exception.GuestError(reason='silence')


class Recorder:
    """Stands for a store: remembers the calls, answers each with ``answer``."""

    def __init__(self, answer=None):
        self.calls = []
        self.answer = answer

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *arguments))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


class StubManager(manager.Manager):
    description = StubDescription()

    def make_app(self) -> app.App:
        return StubApp(self.conf, self.description, self.services)


class FullManager(StubManager):
    """One with every ability."""

    def make_app(self) -> app.App:
        self.databases: abilities.DatabaseStore = Recorder()
        self.users: abilities.UserStore = Recorder()
        self.root: abilities.RootAccount = Recorder()
        return super().make_app()


def make_conf(folder, **changes):
    """Return a configuration whose folders lie in ``folder``."""
    conf = cfg.ConfigOpts()
    conf.register_opts(options.OPTS)
    conf([], default_config_files=[])
    values = {
        'guest_id': 'some-guest',
        'datastore_manager': 'stub',
        'bind_address': '127.0.0.9',
        'mount_point': f'{folder}/volume',
        'state_path': f'{folder}/state',
        'run_path': f'{folder}/run',
        'log_path': f'{folder}/log',
        'service_manager': 'process',
        'start_timeout_seconds': 1,
        **changes,
    }
    for key, value in values.items():
        conf.set_override(key, value)
    return conf
