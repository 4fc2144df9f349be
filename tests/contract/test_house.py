"""The rules of the house that a glance at the tree can hold; ``doc/source/architecture.rst`` tells why."""

import ast
import configparser
import itertools
import pathlib
import re
import statistics
import subprocess
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef

EXEMPT_FROM_SIZE = ('migrate_repo', 'tables.py', 'schema.py')
NESTING = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match)
BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.BoolOp, ast.comprehension, ast.match_case)
BORDERS = {
    'trove/common/wsgi.py': 'WSGI fault wrapper',
    'trove/taskmanager/engine.py': 'engine step and sweep',
    'trove/taskmanager/manager.py': 'periodic task',
    'trove/common/notification.py': 'code of notifiers, in a thread of its own',
    'trove/common/rpc/sealed.py': 'RPC endpoint',
    'trove/guestagent/manager.py': 'RPC endpoint',
    'trove/guestagent/jobs.py': 'guest job',
    'trove/health.py': 'probe',
    'trove/guestagent/heartbeat.py': 'periodic task',
    'trove/cmd/manage.py': 'command line',
    'trove/cmd/status.py': 'command line',
    'trove/standalone/supervisor.py': 'supervision of daemons',
    'trove/common/plugs.py': 'code of vendors, whose errors are raised on with the name of the plug',
}
"""The only files that may catch everything, and as what."""
STARTED_BY_IMPORT = {
    'trove/wsgi.py': 'a WSGI server takes the application from the module, so that its import is its main function',
}
"""The only files whose import starts a process of ours, which reads CONF and connects, and why."""
IMPORTS_BY_NAME = {
    'trove/common/plugs.py': 'loads entry points, and the dotted paths and files that options of an operator name',
}
"""The only files that import what a text names, and why."""
IMPORTERS = re.compile(
    r'\bimportlib\.(?!metadata\b)\w+|\bimportutils\b|\bpkgutil\b|\brunpy\b|\bimp\b|\b__import__\b|\bpkg_resources\b'
    r'|\bstevedore\b|^(exec|eval|compile)$'
)
"""Names, as they are written in code, by which a module is found by a text."""
FILLED_BY_VENDORS = {'trove.db_plugins', 'trove.guestagent.backups', 'trove.guestagent.replications'}
"""Groups of entry points that have none of ours."""
GROUP_NAME = re.compile(r'^trove\.(api\.extensions|api\.rooms|datastores|guestagent\.(datastores|backups|replications)'
                        r'|db_plugins|policies|compute\.providers|brokers|storage|notifiers|operations|dns'
                        r'|keystores)$')  # fmt: skip


def files(*folders: str) -> list[pathlib.Path]:
    listed = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard', *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split('\n')
    return [ROOT / name for name in listed if name.endswith('.py') and (ROOT / name).exists()]


SOURCES = {path: ast.parse(path.read_text()) for path in files('trove')}
TESTS = {path: ast.parse(path.read_text()) for path in files('tests')}


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def is_exempt(path: pathlib.Path) -> bool:
    return any(part in EXEMPT_FROM_SIZE for part in path.parts)


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def lines_of(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def depth_of(node: ast.AST, depth: int = 0) -> int:
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*Function.__args__, ast.ClassDef, ast.Lambda)):
            continue
        # An elif is an If inside the orelse of an If, at the same depth for the reader.
        is_elif = isinstance(child, ast.If) and isinstance(node, ast.If) and child in node.orelse
        is_deeper = isinstance(child, NESTING) and not is_elif
        deepest = max(deepest, depth_of(child, depth + is_deeper))
    return deepest


def complexity_of(function: Function) -> int:
    return 1 + sum(isinstance(node, BRANCHES) for node in ast.walk(function))


def test_files_are_short() -> None:
    sizes = {path: path.read_text().count('\n') for path in SOURCES if not is_exempt(path)}
    assert {name_of(path): size for path, size in sizes.items() if size > 600} == {}
    assert sorted(sizes.values())[int(len(sizes) * 0.95)] <= 450


def test_functions_are_short() -> None:
    sizes = [
        (name_of(path), function.name, lines_of(function))
        for path, tree in SOURCES.items()
        if not is_exempt(path)
        for function in functions(tree)
    ]
    assert [row for row in sizes if row[2] > 80] == []
    lengths = sorted(row[2] for row in sizes)
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 40


def test_functions_take_few_parameters() -> None:
    rows = []
    for path, tree in SOURCES.items():
        for function in functions(tree):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            named = [argument for argument in arguments if argument.arg not in ('self', 'cls', 'context')]
            if len(named) > 6:
                rows.append((name_of(path), function.name, len(named)))
    assert rows == []


def test_functions_are_flat_and_simple() -> None:
    rows = [
        (name_of(path), function.name, depth_of(function), complexity_of(function))
        for path, tree in SOURCES.items()
        if not is_exempt(path)
        for function in functions(tree)
        if depth_of(function) > 3 or complexity_of(function) > 10
    ]
    assert rows == []


def test_classes_are_small() -> None:
    rows = []
    for path, tree in (SOURCES | TESTS).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = sum(isinstance(child, Function) for child in node.body)
                if lines_of(node) > 300 or methods > 20:
                    rows.append((name_of(path), node.name, lines_of(node), methods))
    assert rows == []


def test_modules_tell_what_they_are_for() -> None:
    assert [name_of(path) for path, tree in SOURCES.items() if tree.body and not ast.get_docstring(tree)] == []


def test_packages_hold_no_logic() -> None:
    rows = [
        name_of(path)
        for path, tree in SOURCES.items()
        if path.name == '__init__.py' and any(lines_of(function) > 5 for function in functions(tree))
    ]
    assert rows == []


def catchers(tree: ast.AST) -> list[ast.ExceptHandler]:
    """Return the handlers that catch everything, alone or among others."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {one.id for one in caught if isinstance(one, ast.Name)}
            if node.type is None or names & {'Exception', 'BaseException'}:
                found.append(node)
    return found


def test_only_borders_catch_everything() -> None:
    assert {name_of(path) for path, tree in SOURCES.items() if catchers(tree)} <= set(BORDERS)


def test_what_is_caught_of_plugs_is_raised_on() -> None:
    (handler,) = catchers(SOURCES[ROOT / 'trove' / 'common' / 'plugs.py'])
    last = handler.body[-1]
    assert isinstance(last, ast.Raise)
    assert last.cause is not None


def test_only_commands_name_eventlet() -> None:
    rows = [
        name_of(path)
        for path, tree in SOURCES.items()
        if path.parent != ROOT / 'trove' / 'cmd'
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name.startswith('eventlet') for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or '').startswith('eventlet'))
    ]
    assert rows == []


def test_imports_stand_at_the_top() -> None:
    rows = [
        (name_of(path), function.name)
        for path, tree in SOURCES.items()
        if path.parent != ROOT / 'trove' / 'cmd' and path.name != 'plugs.py'
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert rows == []


def test_configuration_is_not_read_at_import_time() -> None:
    """CONF is read inside functions only, never in a default, and never changed."""
    rows = []
    for path, tree in SOURCES.items():
        inside = {id(node) for function in functions(tree) for part in function.body for node in ast.walk(part)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == 'CONF' and id(node) not in inside:
                rows.append((name_of(path), node.lineno, 'read at import time or in a default'))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == 'set_override':
                rows.append((name_of(path), node.lineno, 'changed'))
    assert rows == []


def commands_imported_by(tree: ast.Module) -> set[str]:
    """Return the names that stand for modules or functions of trove.cmd in a file."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[:2] == ['trove', 'cmd']:
            names |= {alias.asname or alias.name for alias in node.names}
        if isinstance(node, ast.Import) and any(alias.name.startswith('trove.cmd') for alias in node.names):
            names |= {alias.asname or 'trove' for alias in node.names}
    return names


def test_importing_starts_nothing() -> None:
    """Who calls a command while it is imported reads CONF at import time, by the hand of another."""
    found = set()
    for path, tree in SOURCES.items():
        commands = commands_imported_by(tree)
        inside = {id(node) for function in functions(tree) for part in function.body for node in ast.walk(part)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and id(node) not in inside:
                first = ast.unparse(node.func).split('.')[0]
                if first in commands:
                    found.add(name_of(path))
    assert found == set(STARTED_BY_IMPORT)


def written_names(tree: ast.Module) -> Iterator[str]:
    """Return every name and dotted name that a file uses or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def test_only_plugs_are_found_by_name() -> None:
    """What is looked up by name is an entry point, and one file loads all of these."""
    found = {name_of(path) for path, tree in SOURCES.items() if any(map(IMPORTERS.search, written_names(tree)))}
    assert found == set(IMPORTS_BY_NAME)


def test_suites_are_for_tests() -> None:
    """No process of ours loads what the tests of vendors subclass, nor pytest: neither by an import nor by a plug."""
    rows = [
        name_of(path)
        for path, tree in SOURCES.items()
        if path.parent != ROOT / 'trove' / 'testing'
        and any(re.match(r'(trove\.testing|_?pytest)\b', name) for name in written_names(tree))
    ]
    assert rows == []
    targets = [target for group in groups_of_ours() for target in entry_points(group).values()]
    assert [target for target in targets if target.startswith('trove.testing')] == []


def test_every_group_of_ours_is_declared() -> None:
    """A text that reads like a group of entry points is one of ``setup.cfg``, or one that only vendors fill."""
    declared = set(groups_of_ours())
    asked = set()
    for tree in SOURCES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and GROUP_NAME.match(node.value):
                asked.add(node.value)
    assert declared <= asked
    assert asked - declared <= FILLED_BY_VENDORS


def test_every_option_has_help() -> None:
    rows = []
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            is_option = isinstance(node.func.value, ast.Name) and node.func.value.id == 'cfg'
            # A former name of an option has no help of its own.
            is_option = is_option and node.func.attr != 'DeprecatedOpt'
            if is_option and node.func.attr.endswith('Opt') and 'help' not in {word.arg for word in node.keywords}:
                rows.append((name_of(path), node.lineno))
    assert rows == []


def test_nothing_is_left_to_do() -> None:
    word = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
    rows = [
        (name_of(path), number)
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert rows == []


def entry_points(group: str) -> dict[str, str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    lines = parser['options.entry_points'][group].strip().splitlines()
    pairs = (line.split('=', 1) for line in lines if '=' in line)
    return {name.strip(): target.strip() for name, target in pairs}


def test_every_operation_is_declared() -> None:
    declared = set(entry_points('trove.operations').values())
    written = set()
    for path, tree in SOURCES.items():
        module = name_of(path).removesuffix('.py').replace('/', '.')
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).endswith('vocabulary.Operation') for base in node.bases
            ):
                written.add(f'{module}:{node.name}')
    assert written == declared


def groups_of_ours() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return [name for name in parser['options.entry_points'] if name.startswith('trove.')]


@pytest.mark.parametrize('group', groups_of_ours())
def test_every_plug_names_something(group: str) -> None:
    for target in entry_points(group).values():
        module, name = target.split(':')
        body = SOURCES[ROOT / (module.replace('.', '/') + '.py')].body
        assert any(isinstance(node, ast.ClassDef | Function) and node.name == name for node in body), target


def requirements(file_name: str) -> set[str]:
    lines = (ROOT / file_name).read_text().splitlines()
    names = (re.match(r'[A-Za-z0-9._-]+', line.strip()) for line in lines if not line.startswith(('#', '-')))
    return {match.group().lower().replace('_', '-') for match in names if match}


def test_the_guest_needs_no_more_than_the_server() -> None:
    assert requirements('guest-requirements.txt') <= requirements('requirements.txt')


def test_tests_patch_little() -> None:
    patch = re.compile(r'mock\.patch|patch\.object|@patch|monkeypatch\.setattr')
    patches = sum(len(patch.findall(path.read_text())) for path in TESTS if path.name != pathlib.Path(__file__).name)
    count = sum(function.name.startswith('test_') for tree in TESTS.values() for function in functions(tree))
    assert patches <= 0.1 * count


def test_unit_tests_mirror_the_package() -> None:
    rows = []
    for path in TESTS:
        parts = path.relative_to(ROOT / 'tests').parts
        if parts[0] == 'unit' and path.name.startswith('test_'):
            source = ROOT.joinpath('trove', *parts[1:-1], path.name.removeprefix('test_'))
            if not source.exists() and not source.with_suffix('').is_dir():
                rows.append(name_of(path))
    assert rows == []


def test_the_project_speaks_of_itself_only() -> None:
    """No path of a workplace, no host of a package registry, no number of an issue."""
    words = re.compile(r'/work/|pypi\.org|files\.pythonhosted|deb\.debian\.org|registry\.npmjs|\bissue #?\d+')
    tracked = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    rows = []
    for name in itertools.filterfalse(lambda name: name == name_of(pathlib.Path(__file__)), tracked):
        path = ROOT / name
        if path.is_file() and words.search(path.read_text(errors='replace')):
            rows.append(name)
    assert rows == []
