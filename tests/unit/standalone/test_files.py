"""Files that appear whole, with the rights that were meant."""

import os

import pytest

from trove.standalone import files


@pytest.mark.parametrize(
    ('write', 'mode'),
    [
        (files.write_private, 0o600),
        (files.write_public, 0o644),
        (lambda path, text: files.write_public(path, text, is_program=True), 0o755),
    ],
)
@pytest.mark.parametrize('mask', [0o000, 0o077])
def test_rights_do_not_depend_on_the_mask_or_on_what_was_there(tmp_path, write, mode, mask):
    path = tmp_path / 'file'
    path.write_text('old')
    path.chmod(0o666)
    before = os.umask(mask)
    try:
        write(path, 'new')
    finally:
        os.umask(before)
    assert path.read_text() == 'new'
    assert path.stat().st_mode & 0o777 == mode
    assert [one.name for one in tmp_path.iterdir()] == ['file']
