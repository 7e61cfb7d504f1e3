"""The summary of a report: by a language model where there is one, checked; else by the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eegdash.errors import ReportError
from eegdash.report import BY_LLM, WITHOUT_LLM
from eegdash.report.checked import as_rows, checked_text
from eegdash.report.conclusion import conclusion
from eegdash.report.llm import Endpoint, ask
from eegdash.report.statements import conclusion_sentences, digest, narrative

_TOO_LITTLE = (
    "Too little of the language model's answer stood the check against report.json, so the "
    "program's own words are used."
)


def summary(
    facts: Mapping[str, Any], endpoint: Endpoint, figures: Sequence[bytes] = ()
) -> dict[str, Any]:
    """Return the summary as it stands in ``report.json``.

    The conclusion is always the program's, drawn from the facts; a model words what follows it.

    Parameters
    ----------
    facts : mapping
        All of ``report.json`` but the summary.
    endpoint : Endpoint
    figures : sequence of bytes
        PNGs, for a model that takes images.

    Returns
    -------
    dict
        ``source`` (:data:`~eegdash.report.BY_LLM` or :data:`~eegdash.report.WITHOUT_LLM`),
        ``why`` in words where an endpoint is configured and was not used, ``model``, ``findings``,
        ``conclusion``, ``paragraphs``, ``struck``, and ``digest``: what a model is given.
    """
    found = conclusion(facts)
    given = digest(facts)
    result: dict[str, Any] = {
        "source": WITHOUT_LLM,
        "why": "" if endpoint.configured else "No language model is configured.",
        "model": endpoint.model if endpoint.configured else "",
        "findings": [finding.name for finding in found if finding.name],
        "conclusion": conclusion_sentences(facts),
        "paragraphs": narrative(facts),
        "struck": [],
        "digest": given,
    }
    if not endpoint.configured:
        return result
    try:
        answer = ask(endpoint, given, figures)
    except ReportError as error:
        return {**result, "why": str(error)}
    doubtful = any(finding.doubtful for finding in found)
    checked = checked_text(answer, given, doubtful=doubtful)
    result["struck"] = as_rows(checked.struck)
    if not checked.usable:
        return {**result, "why": _TOO_LITTLE}
    return {**result, "source": BY_LLM, "paragraphs": [list(checked.sentences)]}
