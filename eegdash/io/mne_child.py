"""The process in which MNE and SciPy parse what strangers wrote. Run as a script, by its path.

It imports nothing of this package: ``python -I mne_child.py``, one JSON request a line on the
standard input, one JSON line as an answer on the standard output, followed by ``bytes`` raw bytes
where the answer says so. Before each request it takes a limit of memory and a limit of time; past
the first a parser fails, past the second the process ends, and :mod:`eegdash.io.parser` starts
another. Nothing about a patient leaves it:
of MNE's ``subject_info`` it is said which fields are there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

_KEPT = 4  # recordings that stay open
_TIMES_SIZE = 16  # 16-bit samples become double precision, and are copied on the way
_LIMITS = ("size", "limit_s", "room_bytes", "most_bytes")
_VOLT_TYPES = frozenset({"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"})
_PERSONAL = {
    "his_id": "a patient code",
    "birthday": "a birth date",
    "last_name": "the patient's name",
    "first_name": "the patient's first name",
}
_open: OrderedDict[tuple[str, str, str], Any] = OrderedDict()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends."""
    _say(answers, {"ready": True})
    for line in requests:
        request = json.loads(line)
        _limit(**{name: request[name] for name in _LIMITS})
        try:
            answer, content = _TASKS[request["do"]](request)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises is a refusal
            answer, content = {"refused": type(error).__name__}, b""
        _alarm(0.0)
        _say(answers, {**answer, "bytes": len(content)}, content)


def _say(answers: BinaryIO, answer: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode("ascii") + b"\n" + content)
    answers.flush()


def _limit(size: int, limit_s: float, room_bytes: int, most_bytes: int) -> None:
    """Bound memory by what is held now and the file's size, and time by the alarm clock."""
    _alarm(limit_s)
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return  # a system that has no such limits
    now = pages * resource.getpagesize()
    soft = min(now + room_bytes + _TIMES_SIZE * size, most_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))


def _alarm(seconds: float) -> None:
    # without a handler the alarm ends the process, whatever it is doing, also inside C code
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _raw(request: dict[str, Any]) -> Any:
    """Return the recording of a request, opened now or before."""
    key = (request["function"], request["path"], request["stamp"])
    if key not in _open:
        import mne

        _open[key] = getattr(mne.io, key[0])(key[1], preload=False, verbose="error")
        while len(_open) > _KEPT:
            _open.popitem(last=False)
    _open.move_to_end(key)
    return _open[key]


def _describe(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    raw = _raw(request)
    raw[:, :1], raw[:, raw.n_times - 1 :]  # both ends are there
    measured = raw.info["meas_date"]
    notes = raw.annotations
    return {
        "sfreq": float(raw.info["sfreq"]),
        "n_times": int(raw.n_times),
        "ch_names": [str(name) for name in raw.ch_names],
        "types": [str(kind) for kind in raw.get_channel_types()],
        "first_time": float(raw.first_time),
        "measured": measured.isoformat() if measured else None,
        # with a measurement date MNE counts onsets from it, not from the first sample
        "from_measurement": notes.orig_time is not None,
        "annotations": [
            [float(onset), float(length), str(text)]
            for onset, length, text in zip(
                notes.onset, notes.duration, notes.description, strict=True
            )
        ],
        "personal": [
            words for key, words in _PERSONAL.items() if (raw.info["subject_info"] or {}).get(key)
        ],
        "files": [str(name) for name in raw.filenames if name is not None],
    }, b""


def _read(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Samples as float32, microvolt where the channel is a voltage; nan for what is no number."""
    import numpy as np

    raw = _raw(request)
    rows = request["rows"]
    values, _ = raw[rows, request["first"] : request["last"]]
    types = raw.get_channel_types()
    factors = np.array([1e6 if types[row] in _VOLT_TYPES else 1.0 for row in rows])
    with np.errstate(over="ignore", invalid="ignore"):
        signal_uv = np.asarray(values * factors[:, np.newaxis], dtype="<f4")
    signal_uv[~np.isfinite(signal_uv)] = np.nan
    return {"shape": list(signal_uv.shape)}, signal_uv.tobytes()


def _data_set(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Say whether an EEGLAB ``.set`` holds epochs, and whether its samples lie apart."""
    from scipy.io import loadmat, whosmat

    path = request["path"]
    kinds = {name: kind for name, _, kind in whosmat(path)}
    wanted = ["EEG"] if "EEG" in kinds else ["data", "trials"]
    loaded = loadmat(path, variable_names=wanted, squeeze_me=True, struct_as_record=False)
    fields = vars(loaded["EEG"]) if "EEG" in loaded else loaded
    return {
        "trials": int(fields.get("trials", 1)),
        "apart": isinstance(fields["data"], str),
    }, b""


_TASKS = {"describe": _describe, "read": _read, "data_set": _data_set}


def main() -> None:
    """Serve the process that started this one, and let no library write among the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    # what a parser prints may quote the file
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())
    warnings.simplefilter("ignore")
    import mne  # noqa: F401 - warm before the first request

    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
