"""Reading the kernel's tables of sockets."""

from trove.compute.local import listeners

HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
WILDCARD = '   0: 00000000:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n'
LOOPBACK = '   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1\n'
CLIENT = '   2: 00000000:0CEB 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4713 1\n'
SIX = (
    '   3: 00000000000000000000000000000000:0CEC 00000000000000000000000000000000:0000 0A '
    '00000000:00000000 00:00000000 00000000     0        0 4714 1\n'
)


def test_only_sockets_that_listen_on_all_addresses_count():
    found = listeners.wildcard_listeners(HEADER + WILDCARD + LOOPBACK + CLIENT + SIX + '\n')
    assert found == [listeners.Listener(3306, '4711'), listeners.Listener(3308, '4714')]


def test_owner_is_named(tmp_path):
    (tmp_path / 'net').mkdir()
    (tmp_path / 'net' / 'tcp').write_text(HEADER + WILDCARD)
    (tmp_path / 'net' / 'tcp6').write_text(HEADER + SIX)
    (tmp_path / '17' / 'fd').mkdir(parents=True)
    (tmp_path / '17' / 'comm').write_text('mysqld\n')
    (tmp_path / '17' / 'fd' / '3').symlink_to('socket:[4711]')
    (tmp_path / '17' / 'fd' / '4').symlink_to('socket:[1]')
    (tmp_path / '17' / 'fd' / '5').write_text('')
    assert listeners.find_wildcard(3306, proc=str(tmp_path)) == 'mysqld (process 17)'
    assert listeners.find_wildcard(3308, proc=str(tmp_path)) == 'a process of another user'
    assert listeners.find_wildcard(3307, proc=str(tmp_path)) is None
    assert listeners.find_wildcard(3306, 'udp', proc=str(tmp_path)) is None
