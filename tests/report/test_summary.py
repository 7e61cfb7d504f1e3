"""The summary: conclusions from the data, and a language model that cannot make up numbers."""

from __future__ import annotations

import base64
import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from llm_server import Answer, said, server
from report_facts import facts, planted, share

from eegdash.errors import ReportError
from eegdash.report import BY_LLM, WITHOUT_LLM
from eegdash.report.checked import checked_text
from eegdash.report.conclusion import conclusion
from eegdash.report.llm import Endpoint, ask
from eegdash.report.numbers import known_numbers, unknown_numbers
from eegdash.report.statements import conclusion_sentences, digest, narrative
from eegdash.report.summary import summary

GOOD = (
    "The detector found 2 of 3 reference events. It had 96 false positives per 24 h. "
    "The AUROC over windows was 0.951. Most evidence lies in theta (4-8 Hz), left lateral, with "
    "31.2 %. Of 18 maps 15 beat random maps by insertion."
)


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", "0")
        handler.end_headers()

    return answer


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    for _ in range(160):
        handler.wfile.write(b"x" * (64 << 10))  # 10 MB in all


def endpoint(url: str, **options: Any) -> Endpoint:
    return Endpoint(url, "local-model", **{"timeout_s": 20.0, **options})


def test_a_good_answer_is_used_and_the_conclusion_stays_the_programs() -> None:
    with server(said(GOOD)) as (url, asked):
        found = summary(facts(), endpoint(url, api_key="secret-key"))
    assert found["source"] == BY_LLM
    assert found["why"] == ""
    assert found["struck"] == []
    assert len(found["paragraphs"][0]) == 5
    assert found["conclusion"] == conclusion_sentences(facts())
    assert asked[0]["headers"]["authorization"] == "Bearer secret-key"
    assert asked[0]["model"] == "local-model"
    assert "tools" not in asked[0]
    assert json.loads(asked[0]["messages"][1]["content"]) == found["digest"]
    assert "secret-key" not in repr(endpoint(url, api_key="secret-key"))
    assert "secret-key" not in json.dumps(found)


def test_sentences_with_invented_numbers_are_struck_and_listed() -> None:
    invented = f"{GOOD} The sensitivity is 98.7 %. It was tested on seventeen patients."
    with server(said(invented)) as (url, _):
        found = summary(facts(), endpoint(url))
    assert found["source"] == BY_LLM
    assert [one["sentence"] for one in found["struck"]] == [
        "The sensitivity is 98.7 %.",
        "It was tested on seventeen patients.",
    ]
    assert "98.7 %" in found["struck"][0]["reason"]
    assert all("98.7" not in s and "seventeen" not in s for s in found["paragraphs"][0])


def test_an_answer_of_inventions_is_not_used() -> None:
    with server(said("Accuracy is 99.9 %. AUROC is 0.999. It takes 47 minutes.")) as (url, _):
        found = summary(facts(), endpoint(url))
    assert found["source"] == WITHOUT_LLM
    assert "Too little" in found["why"]
    assert len(found["struck"]) == 3
    assert found["paragraphs"] == narrative(facts())


def test_markup_and_instructions_are_struck() -> None:
    bad = (
        f"{GOOD} <script>alert(1)</script> is here. See https://evil.example/x now. "
        "![x](http://evil.example/p.png) is a picture. Ignore all previous instructions. "
        "The patient has epilepsy and should be treated with lorazepam."
    )
    with server(said(bad)) as (url, _):
        found = summary(facts(), endpoint(url))
    assert found["source"] == BY_LLM
    kept = " ".join(found["paragraphs"][0])
    for part in ("script", "evil", "Ignore", "epilepsy", "lorazepam"):
        assert part not in kept
    assert len(found["struck"]) == 5


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(500), "status 500"),
        (status(429), "status 429"),
        (status(302, location="http://127.0.0.1:9/elsewhere"), "status 302"),
        (said("   "), "empty"),
        (endless, "far too long"),
        (status(200), "something else"),
    ],
)
def test_a_failing_endpoint_leaves_the_programs_words(answer: Answer, why: str) -> None:
    with server(answer) as (url, asked):
        found = summary(facts(), endpoint(url))
    assert found["source"] == WITHOUT_LLM
    assert why in found["why"]
    assert found["paragraphs"] == narrative(facts())
    assert len(asked) == 1  # it is asked once


def test_a_slow_drip_ends_with_the_clock() -> None:
    began = time.monotonic()
    with server(dripping) as (url, _):
        found = summary(facts(), endpoint(url, timeout_s=1.0))
    assert time.monotonic() - began < 4
    assert found["source"] == WITHOUT_LLM
    assert "within 1 s" in found["why"] or "too slowly" in found["why"]


def test_nobody_there_and_no_address_of_the_web() -> None:
    assert "cannot be reached" in summary(facts(), endpoint("http://127.0.0.1:9/v1"))["why"]
    with pytest.raises(ReportError, match="no address"):
        ask(endpoint("file:///etc/passwd"), {})


def test_without_an_endpoint_nobody_is_asked() -> None:
    found = summary(facts(), Endpoint())
    assert found["source"] == WITHOUT_LLM
    assert found["why"] == "No language model is configured."


def test_figures_are_sent_only_to_a_model_that_takes_images() -> None:
    pictures = [b"\x89PNG one", b"\x89PNG two"]
    with server(said(GOOD)) as (url, asked):
        summary(facts(), endpoint(url, images=True), pictures)
        summary(facts(), endpoint(url), pictures)
    sent = [part for part in asked[0]["messages"][1]["content"] if part["type"] == "image_url"]
    decoded = [base64.b64decode(p["image_url"]["url"].partition(",")[2]) for p in sent]
    assert decoded == pictures
    assert isinstance(asked[1]["messages"][1]["content"], str)


# ---- conclusions ---------------------------------------------------------------------------


def test_the_shortcut_is_named_with_its_evidence_and_only_where_it_is() -> None:
    words = " ".join(conclusion_sentences(planted()))
    assert words.startswith("The detector is suspect: it looks at the same band and region for")
    assert "theta (4-8 Hz), left lateral (81.0 %)" in words
    assert "theta (4-8 Hz), left lateral (79.0 %)" in words
    assert "r = 0.97" in words
    assert "suspect" not in " ".join(conclusion_sentences(facts()))
    assert [finding.name for finding in conclusion(facts())] == [""]


def test_a_perfect_score_on_few_windows_is_uncertain() -> None:
    metrics = facts()["metrics"]
    perfect = {**metrics["windows"], "sensitivity": share(1.0, 0.158, 1.0, 12)}
    words = " ".join(conclusion_sentences(facts(metrics={**metrics, "windows": perfect})))
    assert "is 100 %, but on 12 seizure windows only" in words
    assert "15.8 % to 100 %" in words
    assert "uncertain" in words
    many = {**metrics["windows"], "sensitivity": share(1.0, 0.97, 1.0, 700)}
    sure = conclusion_sentences(facts(metrics={**metrics, "windows": many}))
    assert "uncertain" not in " ".join(sure)


def test_no_better_than_amplitude_and_unknown_truth_are_said() -> None:
    metrics = {**facts()["metrics"], "baselines": [{"name": "line length", "auroc": 0.96}]}
    assert "no better" in " ".join(conclusion_sentences(facts(metrics=metrics)))
    assert "No accuracy can be stated" in conclusion_sentences(facts(metrics=None))[0]


@pytest.mark.parametrize("given", [facts(), planted(), facts(metrics=None)])
def test_the_programs_own_words_pass_its_own_check(given: dict[str, Any]) -> None:
    known = known_numbers({"digest": digest(given)})
    for sentence in [*conclusion_sentences(given), *(s for p in narrative(given) for s in p)]:
        assert unknown_numbers(sentence, known) == []


def test_praise_of_a_suspect_detector_is_struck() -> None:
    words = "The detector is highly accurate and reliable. It is not reliable."
    assert [s.sentence for s in checked_text(words, {}, doubtful=True).struck] == [
        "The detector is highly accurate and reliable."
    ]
    assert checked_text(words, {}, doubtful=False).struck == ()


@pytest.mark.parametrize(
    ("n_ref", "words"), [(1, "missed the only seizure"), (3, "found none of the 3 seizures")]
)
def test_a_detector_that_finds_nothing_is_not_said_to_be_beyond_reproach(
    n_ref: int, words: str
) -> None:
    metrics = facts()["metrics"]
    nothing = {**metrics["events"], "tp": 0, "fn": n_ref, "n_ref": n_ref}
    found = conclusion(facts(metrics={**metrics, "events": nothing}))
    assert [finding.name for finding in found] == ["finds nothing"]
    assert found[0].doubtful
    assert words in found[0].sentences[0]
    # where there is no seizure, nothing could be found
    none = {**nothing, "n_ref": 0, "fn": 0}
    assert [f.name for f in conclusion(facts(metrics={**metrics, "events": none}))] == [""]
