"""Where tasks run: processes of this machine, or a Dask scheduler that was started elsewhere.

Dask sends functions and values as pickles, so whoever may talk to a scheduler or worker may run
programs there. Nothing else in this project unpickles anything. The processes of this machine
therefore listen on 127.0.0.1 only, and only to who holds a key that is made for this run and kept
in memory (but for the moment in which a private file hands it to OpenSSL): other users of the
machine cannot reach them.
"""

from __future__ import annotations

import logging
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from eegdash.errors import JobError
from eegdash.workflows.parts import software

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

_START_S = 60.0
_CLOSE_S = 10.0
_START_WORKERS = (
    "Start some with 'python -m dask worker {} --nthreads 1', in the folder and the environment of "
    "this program."
)
_ENDED = ("closed", "failed")
# Dask has a web server in every process; it is left nothing to show
_SETTINGS: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Dask would have every array's memory given back to the system at once, which was seen to cost
    # as much time as the work itself
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1
    ),
    "distributed.worker.profile.enabled": False,
    # what is too much for the memory would be pickled to a file
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    # how long Dask waits for a process that it starts again itself, before another one is started
    "distributed.deploy.lost-worker-timeout": "6s",
}
# a task is given up when a process with it died once more than this; many.py tries it once again,
# by itself, so that little is gained by more
_DEATHS = 1
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n", re.DOTALL)
_KEY_COMMAND = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 "
    "-days 30 -subj /CN=eegdash -keyout /dev/stdout -out /dev/stdout"
).split()


@contextmanager
def local_cluster(n_workers: int) -> Iterator[Client]:
    """Start processes on this machine, and end them whatever happens.

    Parameters
    ----------
    n_workers : int
        Each uses one core.

    Yields
    ------
    distributed.Client

    Raises
    ------
    JobError
        If they cannot be started.
    """
    import dask
    from distributed import Client, LocalCluster

    security = _key_of_this_run()
    with _quiet(), dask.config.set(_SETTINGS):
        try:
            cluster = LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                protocol="tls://",
                security=security,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                preload=["eegdash.workflows.cluster_process"],
                scheduler_kwargs={"allowed_failures": _DEATHS, "dashboard": False},
            )
        except (OSError, RuntimeError, TimeoutError) as error:
            raise JobError(
                f"The {n_workers} processes could not be started ({type(error).__name__}). "
                "Choose fewer with --workers."
            ) from error
        try:
            with Client(cluster, security=security, timeout=_START_S) as client:
                yield client
        finally:
            with suppress(TimeoutError, OSError):
                cluster.close(timeout=_CLOSE_S)


@contextmanager
def remote_cluster(address: str) -> Iterator[Client]:
    """Connect to a Dask scheduler that runs already; it and its workers stay as they are.

    Parameters
    ----------
    address : str
        ``tcp://host:8786``, or ``tls://host:8786`` with the keys that Dask's configuration names.

    Yields
    ------
    distributed.Client

    Raises
    ------
    JobError
        If it does not answer, has no workers, or they cannot run this program.
    """
    from distributed import Client

    with _quiet():
        try:
            client = Client(address, timeout=_START_S / 4)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise JobError(
                f"No Dask scheduler answers at {address} ({type(error).__name__}). Start one with "
                "'python -m dask scheduler', or score on this machine with --workers."
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_START_S / 4)
            except TimeoutError as error:
                raise JobError(
                    f"The scheduler at {address} has no workers. {_START_WORKERS.format(address)}"
                ) from error
            try:
                client.submit(software, key=uuid.uuid4().hex, pure=False).result(timeout=_START_S)
            except Exception as error:
                raise JobError(
                    f"The workers at {address} cannot run this program ({type(error).__name__}). "
                    f"{_START_WORKERS.format(address)}"
                ) from error
            yield client


def mend(client: Client) -> None:
    """Start processes of this machine anew that ended for good.

    Dask replaces one that dies, but gives it up if the next one dies as it starts, which a
    harmful recording brings about. Processes of a cluster elsewhere are not ours to start.
    """
    cluster: Any = client.cluster
    if cluster is None:
        return
    ended = [name for name, one in cluster.workers.items() if one.status.name in _ENDED]
    for name in ended:
        cluster.workers.pop(name, None)
    if len(cluster.workers) < len(cluster.worker_spec):
        cluster.scale(len(cluster.worker_spec))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own lines off the screen: what matters is said in our words."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado", *names)]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _key_of_this_run() -> Security:
    """Return credentials that only the processes of this run hold, in memory."""
    from distributed.security import Security

    try:
        done = subprocess.run(_KEY_COMMAND, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise JobError(
            "The processes cannot be given a key of their own, because the program openssl is "
            "missing or failed (Debian: apt-get install openssl). Score without --workers."
        ) from error
    found = {match.group(1): match.group(0) for match in _PEM.finditer(done.stdout)}
    key, certificate = found["PRIVATE KEY"], found["CERTIFICATE"]
    roles = {
        f"tls_{role}_{part}": text
        for role in ("client", "scheduler", "worker")
        for part, text in (("key", key), ("cert", certificate))
    }
    return Security(require_encryption=True, tls_ca_file=certificate, **roles)
