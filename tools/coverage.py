#!/usr/bin/env python3
"""Runs all tests and holds the bounds of coverage, branches included.

Of processes that tests start nothing is measured; the entry points in trove/cmd are left out of the bounds for that
reason, as they run there. Nor is anything of the tests in folders that tests/conftest.py names, because it doubles the
time that they take. The nova provider is left out: tools/test-openstack runs it against a real Nova and holds its
bound. The suites in trove/testing are tests themselves, and would only make the figure look better.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
PURE = ('tests/unit', 'tests/functional')
# The longest groups come first, so that none is left to run alone in the end.
WITH_SERVERS = ('tests/e2e', 'tests/chaos', 'tests/durability', 'tests/contract')

COMPLETE = ('trove/db/operations.py', 'trove/taskmanager/')
LEFT_OUT = ('trove/cmd/', 'trove/compute/nova/', 'trove/testing/')
LEAST_PERCENT = 90.0


def run(*arguments: str) -> bool:
    """Run a module of this Python at the top of the tree; return whether it was content."""
    print(f'$ python -m {" ".join(arguments)}', flush=True)
    # Hundreds of processes are started from the same files, which are compiled once.
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONDONTWRITEBYTECODE'}
    command = [sys.executable, '-m', *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def run_tests(more: Iterable[str]) -> bool:
    """Run all suites, also after one of them failed; return whether all passed."""
    measured = ['--cov', '--cov-branch', '--cov-report=', '--cov-append', *more]
    run('coverage', 'erase')
    passed = [
        run('pytest', *_present(PURE), '-n', str(os.cpu_count() or 1), *measured),
        # Three keep two cores busy, because each of them waits for servers now and then. Not more at once on a large
        # machine: each of them may start a broker and several engines.
        run('pytest', *_present(WITH_SERVERS), '-n', '3', '--dist', 'loadfile', '--no-loadscope-reorder', *measured),
    ]
    return all(passed)


def _present(folders: Iterable[str]) -> list[str]:
    return [folder for folder in folders if (ROOT / folder).is_dir()]


def measure() -> dict[str, Any]:
    """Return the summary of each file."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / 'coverage.json'
        run('coverage', 'json', '-q', '-o', str(report))
        found: dict[str, Any] = json.loads(report.read_text())['files']
    return {name: entry['summary'] for name, entry in found.items() if not name.startswith(LEFT_OUT)}


def check(summaries: dict[str, Any]) -> list[str]:
    """Return what is below its bound, in words."""
    failures = []
    complete = {name: one for name, one in summaries.items() if name.startswith(COMPLETE)}
    others = {name: one for name, one in summaries.items() if name not in complete}
    for name, summary in sorted(complete.items()):
        if percent([summary]) < 100:
            failures.append(f'{name} is covered to {percent([summary]):.1f} %, and must be to 100 %')
    total = percent(others.values())
    print(f'Coverage of lines and branches: {total:.1f} % (100 % where it must be complete).')
    if total < LEAST_PERCENT:
        failures.append(f'the code is covered to {total:.1f} %, and must be to {LEAST_PERCENT:.0f} %')
    for name, summary in sorted(others.items(), key=lambda item: percent([item[1]])):
        if percent([summary]) < LEAST_PERCENT:
            print(f'  {percent([summary]):5.1f} %  {name}')
    return failures


def percent(summaries: Iterable[dict[str, Any]]) -> float:
    """Return how much of lines and branches was run."""
    listed = list(summaries)
    wanted = sum(one['num_statements'] + one['num_branches'] for one in listed)
    seen = sum(one['covered_lines'] + one['covered_branches'] for one in listed)
    return 100.0 * seen / wanted if wanted else 100.0


def main() -> int:
    """Console entry point; arguments go to pytest."""
    has_passed = run_tests(sys.argv[1:])
    failures = check(measure())
    for failure in failures:
        print(f'coverage: {failure}', file=sys.stderr)
    return 0 if has_passed and not failures else 1


if __name__ == '__main__':
    sys.exit(main())
