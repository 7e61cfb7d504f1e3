"""Labels in PostgreSQL, for several servers: one table into which rows are only ever inserted.

A row is a line of the labels file, byte for byte, so that labels move between the two without loss.
Appends wait for each other (an advisory lock that ends with the transaction): without it, a row
with a lower number could become visible after a higher one was read. A label is acknowledged after
a commit that PostgreSQL has written to disk (``synchronous_commit = on``, whatever the server's
own setting).

Two users: one owns the table and is used by :func:`create_table` only; the dashboard's user may
select and insert, nothing else. That is checked at the start, and triggers refuse any change, even
by the owner.
"""

from __future__ import annotations

import logging
import uuid as uuids
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    create_engine,
    func,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels.book import LabelBook
from eegdash.labels.index import LabelIndex, read_line
from eegdash.labels.record import DraftLabel, Label

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

TABLE_NAME = "eegdash_labels"
DRIVER = "postgresql+psycopg"
_PLACE = "the label database"
_LOCK_KEY = 0x6565_6764_6173_6831  # "eegdash1": one lock for the appends of every server
_CONNECT_S, _LOCK_S, _STATEMENT_S = 5, 20, 60
_ROWS_A_TIME = 5000

_METADATA = MetaData()
_ROWS = Table(
    TABLE_NAME,
    _METADATA,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    # Empty where the line is torn, or repeats what an earlier line says.
    Column("uuid", Uuid, unique=True),
    Column("idempotency_id", Text, unique=True),
    Column("line", LargeBinary, nullable=False),
)
_APPEND_ONLY = f"""
CREATE OR REPLACE FUNCTION {TABLE_NAME}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'labels are only ever added: % is refused', TG_OP; END $$;
CREATE OR REPLACE TRIGGER {TABLE_NAME}_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE_NAME}
    FOR EACH STATEMENT EXECUTE FUNCTION {TABLE_NAME}_append_only();
REVOKE ALL ON {TABLE_NAME} FROM PUBLIC;
"""
_RIGHTS = f"""
SELECT to_regclass('{TABLE_NAME}') IS NOT NULL AS there,
       CASE WHEN to_regclass('{TABLE_NAME}') IS NULL THEN false ELSE
           has_table_privilege('{TABLE_NAME}', 'UPDATE')
           OR has_any_column_privilege('{TABLE_NAME}', 'UPDATE')
           OR has_table_privilege('{TABLE_NAME}', 'DELETE')
           OR has_table_privilege('{TABLE_NAME}', 'TRUNCATE') END AS too_much
"""

_log = logging.getLogger(__name__)


class DatabaseLabelStore(LabelBook):
    """Labels shared by servers on several machines.

    Parameters
    ----------
    url : str
        ``postgresql+psycopg://user:password@host/database``; the user may select and insert only.
    folder : Path
        Holds the view ``labels.csv``.

    Raises
    ------
    WorkspaceError
        If the address is not one of PostgreSQL. The database itself is first asked when labels
        are read or written.
    """

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder, _PLACE)
        self._engine = _engine(url)
        weakref.finalize(self, self._engine.dispose)  # a command line opens and never closes
        self._rights_checked = False
        self._last = 0  # number of the last row taken in
        self._n_lines = 0

    def append(self, draft: DraftLabel) -> Label:
        """Append a label and return its record once its commit is on the server's disk.

        Raises
        ------
        LabelNotSavedError
            If anything prevented it. Where the connection broke at the very end the message says
            that the outcome is not known: saving again keeps the label once.
        """
        with self._mutex:
            try:
                label = self._appended(draft)
            except WorkspaceError as error:
                raise LabelNotSavedError(f"NOT saved: {error}") from error
            except SQLAlchemyError as error:
                found = self._after_failure(draft, error)
                if found is None:
                    raise _not_saved(error) from error
                return found
            try:
                self._refresh()
            except SQLAlchemyError as error:  # the label is saved; trouble later must not hide it
                _log.warning("labels could not be read back: %s", type(error).__name__)
                self._forget()
            return label

    def _appended(self, draft: DraftLabel) -> Label:
        self._check_rights()
        with self._writing() as connection:
            self._take_in(connection)
            first = self._index.repeated(draft.idempotency_id)
            if first is not None:
                return first
            label = self._next_label(draft)
            connection.execute(insert(_ROWS), [_row(label.to_line().rstrip(b"\n"), label)])
        return label

    def _after_failure(self, draft: DraftLabel, error: SQLAlchemyError) -> Label | None:
        """Look whether the label is there nevertheless: the answer to a commit may get lost."""
        self._forget()
        try:
            self._refresh()
        except SQLAlchemyError:
            return None
        return self._index.repeated(draft.idempotency_id)

    def append_lines(self, lines: Iterable[bytes]) -> int:
        """Append lines as they are, all or none, and return their number (migration).

        Raises
        ------
        LabelNotSavedError
            If anything prevented it; then none was added.
        """
        seen = LabelIndex()
        rows = []
        for number, line in enumerate(lines, start=1):
            read = read_line(number, line) if line.strip() else None
            label = read.label if read else None
            if label is not None and (
                seen.find(label.uuid) or seen.repeated(label.idempotency_id or label.uuid)
            ):
                label = None
            elif read is not None:
                seen.add(read)
            rows.append(_row(line, label))
        try:
            with self._mutex, self._writing() as connection:
                for start in range(0, len(rows), _ROWS_A_TIME):
                    connection.execute(insert(_ROWS), rows[start : start + _ROWS_A_TIME])
        except SQLAlchemyError as error:
            raise _not_saved(error) from error
        return len(rows)

    def raw_lines(self) -> list[bytes]:
        """Return every line as it is kept, blank ones included, in order."""
        try:
            self._check_rights()
            with self._engine.connect() as connection:
                return [bytes(line) for line in connection.scalars(_lines_after(0, _ROWS.c.line))]
        except SQLAlchemyError as error:
            raise _unreadable(error) from error

    def refresh(self) -> int:
        """Take in the rows that were added and return their number.

        Raises
        ------
        WorkspaceError
            If the database cannot be read.
        """
        with self._mutex:
            try:
                self._check_rights()
                return self._refresh()
            except SQLAlchemyError as error:
                raise _unreadable(error) from error

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._engine.dispose()

    def _refresh(self) -> int:
        with self._engine.connect() as connection:
            return self._take_in(connection)

    def _take_in(self, connection: Connection) -> int:
        found = connection.execute(_lines_after(self._last, _ROWS.c.number, _ROWS.c.line)).all()
        for number, line in found:
            self._n_lines += 1
            self._last = number
            if line.strip():
                self._index.add(read_line(self._n_lines, bytes(line)))
        return len(found)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that no other append runs beside."""
        with self._engine.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = on"))
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_S}s'"))
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
            yield connection

    def _check_rights(self) -> None:
        if self._rights_checked:
            return
        with self._engine.connect() as connection:
            found = connection.execute(text(_RIGHTS)).one()
        if not found.there:
            raise WorkspaceError(
                "The label database holds no table of labels. Let its owner make it: "
                "python -m eegdash labels create-table --grant USER."
            )
        if found.too_much:
            raise WorkspaceError(
                "The dashboard's database user may change or delete labels, so that their history "
                "could not be trusted. Use a user that may select and insert only "
                "(python -m eegdash labels create-table --grant USER)."
            )
        self._rights_checked = True

    def _state(self) -> tuple[int, ...]:
        return self._last, self._n_lines

    def _forget(self) -> None:
        self._index = LabelIndex()
        self._last = self._n_lines = 0


def create_table(owner_url: str, grant_to: str) -> None:
    """Make the table, its triggers, and the rights of the dashboard's user; repeatable.

    Parameters
    ----------
    owner_url : str
        Address with a user that may create tables.
    grant_to : str
        Existing user that the dashboard connects as: gets select and insert, nothing else.

    Raises
    ------
    WorkspaceError
        If the database refuses.
    """
    engine = _engine(owner_url)
    user = engine.dialect.identifier_preparer.quote(grant_to)
    try:
        with engine.begin() as connection:
            _METADATA.create_all(connection)
            for statement in (
                _APPEND_ONLY,
                f"REVOKE ALL ON {TABLE_NAME} FROM {user}",
                f"GRANT SELECT, INSERT ON {TABLE_NAME} TO {user}",
            ):
                connection.execute(text(statement))
    except SQLAlchemyError as error:
        raise WorkspaceError(
            f"The table of labels cannot be made ({_short(error)}). "
            "Use an address whose user may create tables, and create the dashboard's user first."
        ) from error
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    return create_engine(
        _checked(url),
        pool_pre_ping=True,
        hide_parameters=True,  # labels never enter logs or tracebacks
        connect_args={
            "connect_timeout": _CONNECT_S,
            "options": f"-c statement_timeout={_STATEMENT_S}s",
            "application_name": "eegdash",
            "tcp_user_timeout": _LOCK_S * 1000,
        },
    )


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername != DRIVER or not parsed.database:
        raise WorkspaceError(
            "The address of the label database is not understood. Write it as "
            f"{DRIVER}://user:password@host/database."
        )
    return parsed


def _lines_after(number: int, *columns: Any) -> Any:
    return select(*columns).where(_ROWS.c.number > number).order_by(_ROWS.c.number)


def _row(line: bytes, label: Label | None) -> dict[str, Any]:
    key = label.idempotency_id if label else ""
    return {
        "uuid": uuids.UUID(label.uuid) if label else None,
        "idempotency_id": key if key and "\0" not in key else None,
        "line": line,
    }


def _not_saved(error: SQLAlchemyError) -> LabelNotSavedError:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return LabelNotSavedError(
            "Perhaps NOT saved: the connection to the label database broke before it answered. "
            "The form is kept; save again - the label is kept only once."
        )
    if isinstance(error, IntegrityError):
        return LabelNotSavedError(
            "NOT saved: another program writes into the label database in its own way. "
            "The form is kept; save again."
        )
    return LabelNotSavedError(
        f"NOT saved: the label database refused or could not be reached ({_short(error)}). The "
        "form is kept; have the database checked, then save again."
    )


def _unreadable(error: SQLAlchemyError) -> WorkspaceError:
    return WorkspaceError(
        f"The label database cannot be read ({_short(error)}). Check that it runs, and "
        "EEGDASH_LABELS_URL."
    )


def _short(error: SQLAlchemyError) -> str:
    """Return the kind of an error: the text may hold an address, a user or a label."""
    return type(getattr(error, "orig", None) or error).__name__
