"""The machine of an instance: a tiny init that keeps the guest agent alive.

It is a shell script with a session of its own that outlives the taskmanager.
There is at most one for an instance, because it holds a lock on a file of the
instance's folder from before its birth (the lock is taken by the one who starts
it and handed down) until its death.
"""

import contextlib
import dataclasses
import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from trove.common import exception
from trove.common.processes import Process
from trove.compute.local import processes, users

LOCK = 'machine.lock'
SCRIPT_NAME = 'machine.sh'
# The agent's failures in a row after which the server's fault speaks of them.
TELLING_FAILURES = 3

SCRIPT = """\
#!/bin/sh
# The "machine" of a Trove instance: starts the guest agent and starts it again
# when it ends. SIGTERM ends the agent and then the machine.
# usage: machine.sh start <folder for pid files> <log file> <command>...
phase=$1 folder=$2 log=$3
umask 077

identify() {
    # "pid start-time" of a process, as in field 22 of its stat.
    read -r stat <"/proc/$1/stat" || return 0
    set -- "$1" ${stat##*) }
    shift 20
    started=$1
}

remember() {
    # The file appears whole or not at all.
    started=
    identify "$2"
    [ -n "$started" ] && echo "$2 $started" >"$folder/$1.new" && mv -f "$folder/$1.new" "$folder/$1"
}

if [ "$phase" = start ]; then
    # A child of nobody leaves no zombie. The lock comes as standard input.
    shift
    exec 3<&0 >>"$log" 2>&1
    /bin/sh "$0" run "$@" 3<&3 </dev/null &
    exit 0
fi

shift 3
# A shell without a terminal lets its background children ignore these two.
env --default-signal=INT,QUIT true 2>/dev/null && set -- env --default-signal=INT,QUIT "$@"

is_ending= child= pause=1 failures=0
trap 'is_ending=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
trap '' HUP
remember machine.pid $$

follow() {
    child=$!
    [ -z "$is_ending" ] || kill -TERM "$child" 2>/dev/null
    # Waited for at least once: a child that has ended already still has its code to tell.
    while :; do
        wait "$child"
        code=$?
        # A signal to this shell ends the waiting, too, with the child still alive.
        [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null || break
    done
    child=
}

limit_log() {
    # Agents that end again and again would fill the disk; the last of their words are kept.
    [ "$(stat -c %s "$log")" -le 10485760 ] || { mv -f "$log" "$log.1" && exec >>"$log" 2>&1; }
}

while [ -z "$is_ending" ]; do
    limit_log
    began=$(date +%s)
    "$@" 3<&- </dev/null &
    remember agent.pid $!
    follow
    [ -z "$is_ending" ] || break
    if [ $(($(date +%s) - began)) -ge 60 ]; then
        pause=1 failures=0
    fi
    failures=$((failures + 1))
    echo "$failures $code" >"$folder/failures"
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) The guest agent ended with code $code and is started again in $pause s."
    sleep "$pause" 3<&- </dev/null &
    follow
    pause=$((pause * 2))
    [ "$pause" -le 30 ] || pause=30
done
rm -f "$folder/agent.pid" "$folder/machine.pid"
"""


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine of one instance. ``folder`` is the instance's, ``pids`` is where it writes its pid files."""

    instance_id: str
    folder: str
    user: users.User

    @property
    def pids(self) -> str:
        """Folder of the pid files; the service user owns it."""
        return os.path.join(self.folder, 'machine')

    @property
    def log_file(self) -> str:
        """What agent and machine print."""
        return os.path.join(self.folder, 'log', 'guest-agent.log')

    def process(self) -> Process | None:
        """Return the machine's process if it runs."""
        return processes.read(os.path.join(self.pids, 'machine.pid'), self.instance_id)

    def agent(self) -> Process | None:
        """Return the process of the guest agent if it runs, also when its machine is gone."""
        return processes.read(os.path.join(self.pids, 'agent.pid'), self.instance_id)

    def members(self) -> list[Process]:
        """Return all processes of the instance."""
        return processes.find(self.instance_id, self.folder, self.user.uid)

    def fault(self) -> str:
        """Return what is wrong when no agent runs because it ended again and again, or nothing."""
        try:
            with open(os.path.join(self.pids, 'failures'), encoding='ascii') as stream:
                failures, code = (int(word) for word in stream.read(64).split())
        except (OSError, ValueError):
            return ''
        if failures < TELLING_FAILURES or self.agent() is not None:
            return ''
        return f'the guest agent ended {failures} times in a row, with code {code} at last; see {self.log_file}'

    def launch(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the machine unless it runs or is just being started by somebody else."""
        lock = os.open(os.path.join(self.folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            self._end_orphan()
            self._spawn(lock, command, environment)
        finally:
            os.close(lock)

    def is_gone(self) -> bool:
        """Return whether nothing of the instance runs and nobody is just starting it."""
        if self.members():
            return False
        try:
            lock = os.open(os.path.join(self.folder, LOCK), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(lock)

    def _end_orphan(self) -> None:
        """End an agent whose machine was killed: the new machine starts its own, and two would quarrel."""
        agent = self.agent()
        if agent is None:
            return
        agent.send(signal.SIGTERM)
        if not processes.wait_until(lambda: not agent.is_alive(), 3):
            processes.kill([agent])
            processes.wait_until(lambda: not agent.is_alive(), 1)

    def _spawn(self, lock: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.pids, 'failures'))
        script = os.path.join(self.folder, SCRIPT_NAME)
        try:
            starter = subprocess.Popen(
                ['/bin/sh', script, 'start', self.pids, self.log_file, *command],
                stdin=lock,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, processes.MARK: self.instance_id},
                cwd='/',
                start_new_session=True,
                **self.user.popen_arguments(),
            )
        except OSError as error:
            raise exception.ComputeError(reason=f'{script} cannot be started: {error.strerror}') from error
        try:
            code = starter.wait(timeout=10)
        except subprocess.TimeoutExpired as error:
            starter.kill()
            starter.wait()
            raise exception.ComputeBusy(reason=f'{script} did not start in time') from error
        if code:
            raise exception.ComputeError(reason=f'{script} ended with code {code}; see {self.log_file}')
