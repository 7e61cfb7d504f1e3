"""Reports: facts in, a folder out.

- :mod:`.numbers`: which numbers a text may hold; :mod:`.statements`: what the data say, in words;
- :mod:`.llm`: the same asked of a language model; :mod:`.checked`: what is left of its answer;
- :mod:`.render`: Markdown and HTML from templates; :mod:`.pdf`; :mod:`.folder`: all or nothing.

Everything works on the facts that become ``report.json``: a number that is not there is nowhere.
"""

from __future__ import annotations

SCHEMA = 1
TITLE = "EEG Spectrogram Model - XAI & Multimodal Report"
RESEARCH_USE = "Research use, not for diagnosis."
INTENDED_USE = (
    "For research on seizure detectors and for teaching. It is not a medical device, was not "
    "validated for patient care, and must not be used to diagnose, to treat or to monitor anyone. "
    "Whoever reads EEG decides by the EEG."
)
WITHOUT_LLM, BY_LLM = "without LLM", "LLM"
