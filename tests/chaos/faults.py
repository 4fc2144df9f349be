"""What may go wrong: one class each, with what begins it and what ends it; the table is ``FAULTS``."""

import abc
import contextlib
import os
import pathlib
import shutil
import signal
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.chaos import cloud, messages
from tests.chaos import world as chaos_world


class Fault(abc.ABC):
    """A fault that lasts for a while; two of the same kind never overlap."""

    WEIGHT: ClassVar[int] = 1
    """How often it comes, in proportion."""

    def __init__(self, world: chaos_world.World, pick: float) -> None:
        self.world = world
        self.pick = pick

    @abc.abstractmethod
    def begin(self) -> str:
        """Begin it; return what it befell, for the log."""

    def end(self) -> None:
        """End it; what is killed is started again by itself."""
        return

    def choose(self, names: Sequence[chaos_world.Name]) -> chaos_world.Name:
        """Return the victim."""
        return names[int(self.pick * len(names))]


# -- processes ---------------------------------------------------------------------------


class KillDaemon(Fault):
    """kill -9 of a daemon, which is started again."""

    WEIGHT = 6

    def begin(self) -> str:
        victim = self.choose(chaos_world.DAEMONS)
        self.world.processes.send(victim, signal.SIGKILL)
        return str(victim)


class KillTaskmanagers(Fault):
    """kill -9 of all taskmanagers at once."""

    def begin(self) -> str:
        for victim in chaos_world.DAEMONS:
            if victim.kind == chaos_world.TASKMANAGER:
                self.world.processes.send(victim, signal.SIGKILL)
        return 'all taskmanagers'


class KillGuests(Fault):
    """kill -9 of all guest agents, in the middle of whatever jobs they run; who keeps them starts them again."""

    WEIGHT = 2

    def begin(self) -> str:
        if self.world.ground.HAS_GUESTS:
            self.world.ground.kill_guests()
        else:
            self.world.processes.send(chaos_world.Name(chaos_world.GUESTS), signal.SIGKILL)
        return chaos_world.GUESTS


class StopDaemon(Fault):
    """A daemon stands still and goes on later, as often as not past the leases that it holds."""

    WEIGHT = 5

    def begin(self) -> str:
        self._victim = self.choose(self.world.ours)
        self.world.processes.send(self._victim, signal.SIGSTOP)
        return str(self._victim)

    def end(self) -> None:
        self.world.processes.send(self._victim, signal.SIGCONT)


class TurnClock(Fault):
    """The clock of one process is wrong for a while, by more than a lease, one way or the other."""

    WEIGHT = 2
    SECONDS = (-30.0, -12.0, 12.0, 30.0)

    def begin(self) -> str:
        victim = self.choose(self.world.ours)
        self._path = self.world.processes.clock(victim)
        seconds = self.SECONDS[int(self.pick * 1000) % len(self.SECONDS)]
        fresh = self._path.with_suffix('.new')
        fresh.write_text(str(seconds), encoding='ascii')
        fresh.rename(self._path)
        return f'{victim} by {seconds} s'

    def end(self) -> None:
        self._path.unlink(missing_ok=True)


# -- the bus -----------------------------------------------------------------------------


class BusAway(Fault):
    """The broker is stopped, with all messages that are not durable, and comes back."""

    def begin(self) -> str:
        self.world.bus.stop()
        return 'the bus'

    def end(self) -> None:
        self.world.bus.start()


class BusLost(BusAway):
    """The broker is lost with all that it kept, also the accounts of guests, and another one takes its place."""

    def begin(self) -> str:
        self.world.bus.stop()
        data = self.world.bus.folder / 'data'
        shutil.rmtree(data)
        data.mkdir(mode=0o700)
        return 'the bus and all that it kept'


class Purge(Fault):
    """Every queue loses what is in it, while those who would read it stand still."""

    WEIGHT = 2

    def begin(self) -> str:
        self._readers = self.world.ours
        for name in self._readers:
            if name.kind != chaos_world.API:
                self.world.processes.send(name, signal.SIGSTOP)
        return 'all queues'

    def end(self) -> None:
        with contextlib.suppress(OSError):
            messages.purge(self.world.bus, messages.queues(self.world))
        for name in self._readers:
            self.world.processes.send(name, signal.SIGCONT)


class Mix(Fault):
    """Messages come three times and in another order."""

    WEIGHT = 4

    def begin(self) -> str:
        self._mixer = messages.Mixer(self.world, self.pick)
        self._mixer.start()
        return 'all queues'

    def end(self) -> None:
        self._mixer.stop()


# -- the control database ----------------------------------------------------------------


class DatabaseAway(Fault):
    """The control database is ended and started again."""

    WEIGHT = 2

    def begin(self) -> str:
        self.world.database.halt()
        return 'the control database'

    def end(self) -> None:
        self.world.database.resume()


class DatabaseSilent(Fault):
    """The control database stands still with all its connections open."""

    def begin(self) -> str:
        self.world.database.send(signal.SIGSTOP)
        return 'the control database'

    def end(self) -> None:
        self.world.database.send(signal.SIGCONT)


class DatabaseFull(Fault):
    """The control database has no room on its disk; its folder has to be a small file system of its own."""

    def begin(self) -> str:
        self._ballast = pathlib.Path(self.world.database.folder, 'ballast')
        if not os.path.ismount(self.world.database.folder):
            return 'nothing, as its disk is no small one of its own'
        with open(self._ballast, 'wb', buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(1 << 16))
        return 'the disk of the control database'

    def end(self) -> None:
        self._ballast.unlink(missing_ok=True)


# -- the cloud ---------------------------------------------------------------------------


class CloudMood(Fault):
    """The cloud is unreliable in one way."""

    WEIGHT = 3
    MOOD: ClassVar[cloud.Mood]

    def begin(self) -> str:
        self.world.moods.write(self.MOOD)
        return str(self.MOOD)

    def end(self) -> None:
        self.world.moods.write(cloud.Mood())


class CloudBroken(CloudMood):
    """A fifth of all calls is answered with 503."""

    MOOD = cloud.Mood(broken=0.2)


class CloudSilent(CloudMood):
    """Some calls are never answered."""

    WEIGHT = 2
    MOOD = cloud.Mood(silent=0.15)


class CloudLosesReplies(CloudMood):
    """A fifth of all calls is carried out, and the answer is lost."""

    MOOD = cloud.Mood(lost=0.2)


class CloudSlow(CloudMood):
    """Each call takes up to a second."""

    WEIGHT = 2
    MOOD = cloud.Mood(slow_seconds=1.0)


FAULTS: Mapping[str, type[Fault]] = {
    'kill-daemon': KillDaemon,
    'kill-taskmanagers': KillTaskmanagers,
    'kill-guests': KillGuests,
    'stop-daemon': StopDaemon,
    'turn-clock': TurnClock,
    'bus-away': BusAway,
    'bus-lost': BusLost,
    'purge': Purge,
    'mix': Mix,
    'database-away': DatabaseAway,
    'database-silent': DatabaseSilent,
    'database-full': DatabaseFull,
    'cloud-broken': CloudBroken,
    'cloud-silent': CloudSilent,
    'cloud-loses-replies': CloudLosesReplies,
    'cloud-slow': CloudSlow,
}
WEIGHTS = {name: fault.WEIGHT for name, fault in FAULTS.items()}
SHORT = {name: FAULTS[name].WEIGHT for name in ('kill-daemon', 'kill-guests', 'stop-daemon', 'mix', 'cloud-broken')}
"""What a short run has time for: nothing that takes long to come back."""
TROUBLES: Mapping[str, Any] = {'all': WEIGHTS, 'short': SHORT}
