"""Migrations: brings a database to a version of our repository or of a vendor's beside it.

sqlalchemy-migrate is driven by its classes, because its command line does not run on
present interpreters, and with an engine of the old kind of its own, because its
scripts know no other.
"""

import contextlib
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc as sa_exc

from trove.common import exception

with warnings.catch_warnings():
    # What the library leans on has grown old; that is ours to know, not the operator's.
    warnings.simplefilter('ignore')
    import migrate.exceptions
    from migrate.versioning import repository, schema

OUR_REPOSITORY = str(pathlib.Path(__file__).parent / 'migrate_repo')


class MigrationError(exception.TroveError):
    """The schema could not be brought to the version; the text says why and what to do."""

    code = 500
    message = 'Migration of the database failed: %(reason)s'


class _Repository(repository.Repository):
    """A repository whose configuration is named as the founding documents say."""

    _config = 'migrate.cnf'


class _DefaultRepository(repository.Repository):
    """A repository whose configuration has the name that the library gives."""

    _config = 'migrate.cfg'


def db_sync(connection: str, version: int | None = None, repo_path: str | None = None) -> int:
    """Bring the database at a SQLAlchemy URL to a version, by default the newest; return it.

    ``repo_path`` is a vendor's repository. A migration that failed half-way is run
    again from its beginning. Raises ``MigrationError``.
    """
    with _controlled(connection, repo_path) as (engine, repo):
        if version is not None and not 0 <= version <= int(repo.latest):
            reason = f'repository {repo.id} has no version {version} (its newest is {repo.latest})'
            raise MigrationError(reason=reason)
        controlled = _load(engine, repo) or schema.ControlledSchema.create(engine, repo)
        controlled.upgrade(version)
        return int(controlled.version)


def db_version(connection: str, repo_path: str | None = None) -> int:
    """Return the version of the database at a SQLAlchemy URL; 0 when it has none yet."""
    with _controlled(connection, repo_path) as (engine, repo):
        controlled = _load(engine, repo)
        return int(controlled.version) if controlled else 0


def newest_version(repo_path: str | None = None) -> int:
    """Return the newest version that a repository has, by default ours; no database is asked."""
    return int(_open(repo_path or OUR_REPOSITORY).latest)


def _load(engine: sa.engine.Engine, repo: repository.Repository) -> schema.ControlledSchema | None:
    if not sa.inspect(engine).has_table(repo.version_table):
        return None
    try:
        return schema.ControlledSchema(engine, repo)
    except migrate.exceptions.DatabaseNotControlledError:
        # The table is there, but only with rows of other repositories.
        return None


def _open(path: str) -> repository.Repository:
    kind = _Repository if os.path.exists(os.path.join(path, _Repository._config)) else _DefaultRepository
    try:
        return kind(path)
    except migrate.exceptions.InvalidRepositoryError as error:
        reason = f'{path} is no migration repository: it needs {_Repository._config} and a folder "versions"'
        raise MigrationError(reason=reason) from error


@contextlib.contextmanager
def _controlled(connection: str, repo_path: str | None) -> Iterator[tuple[sa.engine.Engine, repository.Repository]]:
    repo = _open(repo_path or OUR_REPOSITORY)
    engine = _create_engine(connection)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield engine, repo
    except (migrate.exceptions.Error, sa_exc.SQLAlchemyError) as error:
        cause = getattr(error, 'orig', None) or error
        reason = f'repository {repo.id}: {cause}; mend the cause and run db_sync again'
        raise MigrationError(reason=reason) from error
    finally:
        engine.dispose()


def _create_engine(connection: str) -> sa.engine.Engine:
    try:
        engine = sa.create_engine(connection, hide_parameters=True)
    except (sa_exc.ArgumentError, ImportError) as error:
        # The URL is not shown, because it holds a password.
        raise MigrationError(reason=f'[database] connection cannot be used ({type(error).__name__})') from error
    if engine.name == 'sqlite':
        sa.event.listen(engine, 'connect', _sqlite_connected)
    return engine


def _sqlite_connected(connection: Any, _record: object) -> None:
    # The mode stays with the file: set here, daemons that start together need not race for it.
    connection.execute('PRAGMA journal_mode=WAL')
