"""Values as JSON holds them: what is undefined is null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any

import numpy as np


def json_values(value: Any) -> Any:
    """Return dataclasses, arrays, NaN and tuples as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return json_values(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [json_values(item) for item in value]
    if isinstance(value, np.generic):
        return json_values(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_bytes(facts: Mapping[str, Any]) -> bytes:
    """Return ``report.json``; NaN is refused, because it is no JSON."""
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False, indent=1)
    return (text + "\n").encode("utf-8")
