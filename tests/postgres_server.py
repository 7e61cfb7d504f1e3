"""A PostgreSQL server of its own for the tests: temporary folder, loopback, ended afterwards."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OWNER, USER = "labels_owner", "labels_user"


@dataclass(frozen=True, slots=True)
class Database:
    """Addresses of one empty database: of the owner of its tables and of the dashboard's user."""

    owner_url: str
    url: str
    name: str


class PostgresServer:
    """A running server; every test gets a database of its own."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        self.programs, self.folder, self.port = programs, folder, port

    def database(self) -> Database:
        """Create an empty database."""
        name = f"labels_{secrets.token_hex(6)}"
        self.sql("postgres", f'CREATE DATABASE "{name}" OWNER {OWNER}')
        urls = [
            f"postgresql+psycopg://{user}:secret@127.0.0.1:{self.port}/{name}"
            for user in (OWNER, USER)
        ]
        return Database(*urls, name)

    def sql(self, database: str, statement: str) -> str:
        """Run a statement as the superuser and return what ``psql`` prints."""
        done = subprocess.run(
            [
                *(str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port)),
                *("-U", "admin", "-v", "ON_ERROR_STOP=1", "-Atc", statement, database),
            ],
            env={**os.environ, "PGPASSWORD": "secret"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    def control(self, *arguments: str) -> None:
        """Run ``pg_ctl``, e.g. ``stop -m immediate``, as the server's user."""
        _as_other_user(
            [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", *arguments],
            self.folder,
        )

    def start(self) -> None:
        """Start the server on loopback, without a socket file.

        ``fsync=off`` spares a minute on a slow disk. What a commit wrote is then in the system's
        memory: it outlives a killed server, which is what the tests do, but no power cut.
        """
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        settings += " -c fsync=off"
        self.control("-l", str(self.folder / "log"), "-o", settings, "start")


def programs() -> Path | None:
    """Return the folder of ``initdb``, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running(where: Path) -> Iterator[PostgresServer]:
    """Make a cluster with its two users, serve it, and end it."""
    with tempfile.TemporaryDirectory(prefix="labels-db-") as name:
        folder = Path(name)
        owner = _server_user()
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        folder.chmod(0o700)
        password = folder / "password"
        password.write_text("secret\n", encoding="utf-8")
        password.chmod(0o644)
        server = PostgresServer(where, folder, _free_port())
        _as_other_user(
            [
                *(str(where / "initdb"), "-D", str(folder / "data"), "-U", "admin", "-E", "UTF8"),
                *("-A", "scram-sha-256", "--pwfile", str(password), "--no-sync"),
            ],
            folder,
        )
        server.start()
        try:
            for user in (OWNER, USER):
                server.sql("postgres", f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
            yield server
        finally:
            server.control("stop", "-m", "immediate")


def _server_user() -> pwd.struct_passwd | None:
    """Return the user to run as: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_other_user(command: list[str], folder: Path) -> None:
    user = _server_user()
    rights = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with (folder / "output").open("w", encoding="utf-8") as output:
        # a pipe would stay open in the server that pg_ctl leaves behind
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=output, timeout=60, check=False, **rights
        )
    if done.returncode:
        raise RuntimeError((folder / "output").read_text(encoding="utf-8"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
