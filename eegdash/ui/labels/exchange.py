"""Import and export: labels and consensus as files; what a format cannot hold is said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.io.reference import COVERAGE_FILE
from eegdash.ui import cache, identity
from eegdash.ui.labels.team import files
from eegdash.ui.labels.words import count
from eegdash.ui.session import LabelsView, labels_view
from eegdash.ui.text import duration, plain
from eegdash.workflows import labels_export, labels_import, labels_list, readers
from eegdash.workflows.labels_export import FORMATS, LOSSES_FILE, ONE_READER, RULES, Export
from eegdash.workflows.labels_import import Import
from eegdash.workflows.labels_list import LabelFilter
from eegdash.workflows.readers import Reader

_BESIDE = (COVERAGE_FILE, LOSSES_FILE)
_MIME = {".csv": "text/csv", ".zip": "application/zip", ".tsv": "text/tab-separated-values"}


def draw(reader: Reader) -> None:
    """Draw both ways."""
    view = labels_view()
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _export(view, reader)
    with right, st.container(border=True):
        _import(view, reader)


# ---- out --------------------------------------------------------------------------------------


def _export(view: LabelsView, reader: Reader) -> None:
    st.markdown("**Export**")
    kind = st.selectbox(
        "Format",
        list(FORMATS),
        format_func=FORMATS.__getitem__,
        key="export-format",
        persist_state="session",
    )
    found = labels_list.listing(cache.desk(), reader, LabelFilter(kind=""), limit=1)
    rule, one_reader, least, whole = "", "", 2, False
    if kind == "csv":
        st.caption("Every record that you may see, as it stands in the labels file.")
    else:
        rule, one_reader, least, whole = _consensus(reader)
    chosen = st.multiselect(
        "Recordings",
        found.choices.get("recording", ()),
        format_func=lambda sha256: found.names.get(sha256, sha256[:8]),
        placeholder="all that have labels",
        key="export-recordings",
    )
    asked = (reader, kind, rule, one_reader, least, whole, tuple(chosen))
    st.button(
        "Prepare the files", key="export-prepare", type="primary", on_click=_prepare, args=(asked,)
    )
    if view.export is not None and view.export[0] == asked:
        _prepared(view.export[1])
    elif "export" in view.answers and view.answers["export"][1]:
        st.warning(plain(view.answers["export"][1]))
    else:
        st.caption("Files are named by alias, never by the name of a recording or a person.")


def _consensus(reader: Reader) -> tuple[str, str, int, bool]:
    rule = st.selectbox(
        "What counts",
        list(RULES),
        format_func=lambda key: RULES[key].capitalize(),
        key="export-rule",
        persist_state="session",
        help="What stays open (unsure, too few readers, not read) is left unknown: an export "
        "claims no more than was said.",
    )
    one_reader, least = "", 2
    if rule == ONE_READER:
        names = list(readers.known_readers(cache.desk()))
        mine = names.index(reader.name) if reader.name in names else 0
        one_reader = st.selectbox("Reader", names, index=mine, key="export-reader") or ""
    elif rule == labels_export.MAJORITY:
        least = int(
            st.number_input(
                "At least this many readers",
                1,
                20,
                2,
                key="export-least",
                help="Where fewer said something, the time stays unknown.",
            )
        )
    whole = st.toggle(
        "A sign-off speaks for the whole recording",
        key="export-whole",
        help="Otherwise only for what had been on the reader's screen.",
    )
    return str(rule), one_reader, least, whole


Asked = tuple[Reader, str, str, str, int, bool, tuple[str, ...]]


def _prepare(asked: Asked) -> None:
    reader, kind, rule, one_reader, least, whole, chosen = asked
    view = labels_view()
    view.export = None
    try:
        made = labels_export.export_labels(
            cache.desk(),
            reader,
            kind,
            rule=rule or labels_export.MAJORITY,
            one_reader=one_reader,
            recordings=chosen or None,
            min_readers=least,
            whole_after_sign_off=whole,
        )
    except EegdashError as error:
        view.answer("export", False, str(error))
        return
    view.answer("export", True, "")
    view.export = (asked, made)


def _prepared(made: Export) -> None:
    file = made.files[0] if len(made.files) == 1 and not made.losses else made.as_zip()
    words = f"{count(made.n_recordings, 'recording')}, {count(made.n_seizures, 'seizure')}"
    if made.known_s or made.unknown_s:
        words += f"; known {duration(made.known_s)}, left unknown {duration(made.unknown_s)}"
    st.markdown(f"{words}.")
    suffix = file.name[file.name.rfind(".") :]
    st.download_button(
        f"Download {file.name}",
        file.content,
        file.name,
        _MIME.get(suffix, "application/octet-stream"),
        key="export-download",
        icon=":material/download:",
        on_click="ignore",
    )
    _losses("This format cannot hold everything", made.losses)


def _losses(title: str, losses: tuple[str, ...]) -> None:
    if losses:
        st.warning(f"{title}:\n" + "\n".join(f"- {plain(loss)}" for loss in losses))


# ---- in ---------------------------------------------------------------------------------------


def _import(view: LabelsView, reader: Reader) -> None:
    st.markdown("**Import**")
    if not reader.name:
        st.info(f"{identity.first()} What is imported says who brought it in.")
        return
    sent = st.file_uploader(
        "Events TSV (SzCORE/BIDS), EDF+ with annotations, CHB-MIT summary, or CSV of this program",
        key=f"import-{view.imports}",
        accept_multiple_files=True,
        max_upload_size=labels_import.MAX_BYTES >> 20,
        help=f"Several at once; the {COVERAGE_FILE} of an export, which says what time was read, "
        "belongs with its events files.",
    )
    said_by = st.text_input(
        "Whose labels are these?",
        key="import-by",
        max_chars=60,
        placeholder="name, where the file does not say",
        help="Kept with each label, so that nobody's opinion is taken for another's.",
    )
    names = {sha256: path.name for sha256, path in files().items()}
    recording = st.selectbox(
        "Recording",
        ["", *names],
        format_func=lambda sha256: names.get(sha256, "as the file says"),
        key="import-recording",
    )
    if not sent:
        st.caption("Nothing is saved until you have seen what the files hold.")
    else:
        contents = [(file.name, file.getvalue()) for file in sent]
        mark = hashlib.sha256()
        for name, content in contents:
            mark.update(repr((name, hashlib.sha256(content).digest())).encode())
        asked = (mark.hexdigest(), said_by.strip(), recording or "")
        _read(view, asked, contents)
        if view.found is not None and view.found[0] == asked:
            _found(reader, view.found[1])
    done, words = view.answers.get("import", (True, ""))
    if words:
        (st.success if done else st.error)(plain(words))


def _read(
    view: LabelsView, asked: tuple[str, str, str], contents: Sequence[tuple[str, bytes]]
) -> None:
    if view.found is not None and view.found[0] == asked:
        return
    view.found = None
    _, said_by, recording = asked
    if not said_by:
        st.info("Say whose labels these are.")
        return
    coverage = next((content for name, content in contents if name == COVERAGE_FILE), None)
    # what else an export packs beside its files of labels
    files = [(name, content) for name, content in contents if name not in _BESIDE]
    if not files:
        st.info("Add the file of labels that this one belongs to.")
        return
    found = []
    for name, content in files:
        try:
            one = labels_import.read_labels(
                cache.desk(),
                name,
                content,
                said_by=said_by,
                recording_sha256=recording,
                coverage=coverage,
            )
        except EegdashError as error:
            st.error(plain(str(error)))
            return
        found.append(one)
    view.answers.pop("import", None)
    view.found = (asked, tuple(found))


def _found(reader: Reader, found: tuple[Import, ...]) -> None:
    for one in found:
        kind = FORMATS.get(one.format, one.format)
        st.markdown(
            f"{plain(kind)}: {count(len(one.drafts), 'label')} on "
            f"{count(len(one.recordings), 'recording')}, {one.n_known:,} of them known already."
        )
    _losses("The labels file cannot hold everything", _all(one.losses for one in found))
    _losses("Left out", _all(one.problems for one in found))
    new = sum(len(one.drafts) - one.n_known for one in found)
    st.button(
        f"Save {count(new, 'new label')}",
        key="import-save",
        type="primary",
        disabled=new < 1,
        on_click=_save,
        args=(reader, found),
    )


def _all(lines: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for some in lines for line in some))


def _save(reader: Reader, found: tuple[Import, ...]) -> None:
    view = labels_view()
    saved = 0
    try:
        for one in found:
            saved += len(labels_import.save_import(cache.desk(), reader, one))
    except EegdashError as error:
        view.answer("import", False, str(error))
        return
    view.answer("import", True, f"{count(saved, 'label')} saved, with where they come from.")
    view.found = None
    view.imports += 1  # a new, empty field: nothing is brought in twice
    cache.labels_table().soon()
