"""Levels shift with a gain, and a background is a recording's own as far as it is long."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eegdash.networks.levels import (
    LOUDEST,
    N_LEVELS,
    OUTLASTING_S,
    QUIET,
    as_usual,
    background_of,
    evidence_share,
    level_inputs,
    of_log_power,
    of_samples,
)

USUAL = torch.tensor([1.0, 0.0, -1.0, 2.0])


def levels_of(n: int) -> torch.Tensor:
    return torch.randn(n, N_LEVELS, generator=torch.Generator().manual_seed(n))


def test_half_of_the_seizures_are_shorter_than_the_median() -> None:
    n = round(OUTLASTING_S / (1 - QUIET) / 1.5)
    assert evidence_share(n) == pytest.approx(0.5, abs=0.01)
    shares = [evidence_share(n) for n in (0, 5, 20, 40, 120, 2400)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert evidence_share(120) == pytest.approx(1 / (1 + (43 / 162) ** 3))
    assert evidence_share(2400) > 0.999


def test_background_is_the_closed_form() -> None:
    levels = levels_of(30)
    share = evidence_share(30)
    expected = share * np.quantile(levels.numpy(), QUIET, axis=0) + (1 - share) * USUAL.numpy()
    np.testing.assert_allclose(background_of(levels, USUAL).numpy(), expected, rtol=1e-5)


def test_background_of_nothing_is_the_usual_one() -> None:
    assert torch.equal(background_of(levels_of(0), USUAL), USUAL)


def test_a_gain_is_followed_as_far_as_the_recording_is_long() -> None:
    for n in (6, 40, 2400):
        moved = background_of(levels_of(n) + 0.95, USUAL) - background_of(levels_of(n), USUAL)
        np.testing.assert_allclose(moved.numpy(), 0.95 * evidence_share(n), rtol=1e-4)


def test_a_seizure_in_most_of_a_recording_leaves_the_background() -> None:
    quiet = levels_of(200)
    ictal = quiet.clone()
    ictal[30:] += 2.0
    lowest = float(quiet.min())
    assert (background_of(ictal, USUAL) < lowest + 3.5).all()
    difference = background_of(ictal, USUAL) - background_of(quiet, USUAL)
    assert (difference < 1.5).all()  # a mean would have moved by 1.7, a median by 2


def test_levels_of_log_power_shift_with_it_and_see_one_loud_derivation() -> None:
    features = torch.randn(3, 18, 32, 9, generator=torch.Generator().manual_seed(0))
    levels = of_log_power(features)
    np.testing.assert_allclose(of_log_power(features + 0.7), levels + 0.7, atol=1e-5)
    power = 10 ** features[:, :, 3:7].double()
    np.testing.assert_allclose(levels[:, 1], power.mean(dim=(1, 2, 3)).log10(), atol=1e-5)
    features[:, 4, 3:7] += 3.0
    assert (of_log_power(features)[:, 1] > levels[:, 1] + 1.0).all()
    assert torch.equal(of_log_power(features)[:, 0], levels[:, 0])


def test_level_of_a_sine_is_its_mean_square() -> None:
    time_s = torch.arange(240) / 80
    sine_uv = 20 * torch.sin(2 * np.pi * 6 * time_s)
    levels = of_samples(sine_uv.expand(2, 18, 240), 80.0)
    assert levels[0, 1].item() == pytest.approx(np.log10(200), abs=0.02)
    assert (levels[0, [0, 2, 3]] < levels[0, 1] - 2).all()
    louder = of_samples(3 * sine_uv.expand(2, 18, 240), 80.0)
    assert (louder - levels)[0, 1].item() == pytest.approx(2 * np.log10(3), abs=1e-4)


def test_a_segment_without_signal_has_a_finite_level() -> None:
    assert torch.isfinite(of_samples(torch.zeros(1, 18, 240), 80.0)).all()


def test_what_a_head_sees_of_levels() -> None:
    levels = levels_of(6).reshape(2, 3, N_LEVELS)
    seen = level_inputs(levels, USUAL)
    change, above = seen[..., :N_LEVELS], seen[..., N_LEVELS:]
    np.testing.assert_allclose(change.mean(dim=1), 0, atol=1e-6)
    assert torch.equal(above, levels - USUAL)
    each = torch.stack([USUAL, USUAL])
    assert torch.equal(level_inputs(levels, USUAL), level_inputs(levels, each))
    assert level_inputs(levels + 100, USUAL).max() == LOUDEST


def test_usual_levels_need_one_value_for_each_band() -> None:
    assert as_usual(None) == (0.0,) * N_LEVELS
    with pytest.raises(ValueError, match="2 values"):
        as_usual([1.0, 2.0])
