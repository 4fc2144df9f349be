from trove.extensions.mysql import views


def test_nothing_but_names_is_shown():
    assert views.database({'name': 'ab', 'character_set': 'utf8'}) == {'name': 'ab'}
    found = {'name': 'ann', 'host': '%', 'password': 'canary', 'databases': [{'name': 'ab', 'collate': 'x'}]}
    assert views.user(found) == {'name': 'ann', 'host': '%', 'databases': [{'name': 'ab'}]}
