"""Ending a machine: the agent first, so that it revives nothing, then the engines, in the end by force."""

import dataclasses
import signal
import time

from trove.compute.local import machine, processes

AGENT_PATIENCE_SECONDS = 10.0
# How long one call waits for what it asked for.
WAIT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the end of a machine is asked for: what elapsed since the first time, and what engines are given in all."""

    elapsed_seconds: float
    patience_seconds: float

    @property
    def is_agent_overdue(self) -> bool:
        """Return whether the agent had its time."""
        return self.elapsed_seconds >= min(self.patience_seconds, AGENT_PATIENCE_SECONDS)

    @property
    def is_urgent(self) -> bool:
        """Return whether half of the time is over: engines that wait for their clients should wait no more."""
        return self.elapsed_seconds >= self.patience_seconds / 2

    @property
    def is_overdue(self) -> bool:
        """Return whether all the time is over."""
        return self.elapsed_seconds >= self.patience_seconds


def end(target: machine.Machine, ending: Ending) -> bool:
    """Go one step towards the end of everything that the instance runs; return whether all is gone."""
    deadline = time.monotonic() + WAIT_SECONDS
    if not _end_agent(target, ending):
        return False
    _end_engines(target, ending)
    return processes.wait_until(target.is_gone, max(deadline - time.monotonic(), 0.1))


def _end_agent(target: machine.Machine, ending: Ending) -> bool:
    members = [process for process in (target.process(), target.agent()) if process]
    processes.send_all(members, signal.SIGKILL if ending.is_agent_overdue else signal.SIGTERM)
    return processes.wait_until(lambda: not any(process.is_alive() for process in members), WAIT_SECONDS)


def _end_engines(target: machine.Machine, ending: Ending) -> None:
    members = target.members()
    if ending.is_overdue:
        processes.kill(members)
        return
    # Workers are left to their engine. The signal is repeated with every call,
    # because an engine may refuse it for a while.
    heads = processes.topmost(members)
    processes.send_all(heads, signal.SIGTERM)
    if ending.is_urgent:
        processes.send_all(heads, signal.SIGINT)
