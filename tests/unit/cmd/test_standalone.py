"""The command line of the stand-alone stack."""

import json
import pathlib
import subprocess
import sys


def test_nothing_is_removed_when_nobody_is_there_to_be_asked(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'stack.json').write_text(json.dumps({}))
    command = [sys.executable, '-m', 'trove.cmd.standalone', '--state-dir', str(tmp_path), 'reset']
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, '')
    assert 'Go on? [y/N]' in done.stdout and 'Nothing was changed.' in done.stdout
    assert (tmp_path / 'stack.json').exists()
