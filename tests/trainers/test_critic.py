"""The critic's arithmetic, on examples that were worked out by hand. Needs the extra `train`."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

import torch

from tropism.trainers.critic import Critic, advantages, value_loss

pytestmark = pytest.mark.train


def test_a_fresh_critic_expects_nothing() -> None:
    assert Critic(8)(torch.randn(2, 3, 8)).tolist() == [[0.0] * 3] * 2


def test_with_a_smoothing_of_1_the_advantage_is_the_reward_less_what_was_expected() -> None:
    values = torch.tensor([[0.2, 0.5, 0.9]])
    found = advantages(torch.tensor([1.0]), values, torch.ones(1, 3), discount=1.0, smoothing=1.0)
    assert found[0].tolist() == pytest.approx([0.8, 0.5, 0.1])


def test_with_a_smoothing_of_0_the_advantage_is_the_change_of_what_is_expected() -> None:
    values = torch.tensor([[0.2, 0.5, 0.9]])
    found = advantages(torch.tensor([1.0]), values, torch.ones(1, 3), discount=1.0, smoothing=0.0)
    assert found[0].tolist() == pytest.approx([0.3, 0.4, 0.1])


def test_the_reward_is_given_at_the_last_token_and_filling_has_none() -> None:
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    found = advantages(torch.tensor([1.0, 2.0]), torch.zeros(2, 3), mask, discount=0.5, smoothing=1.0)
    assert found.tolist() == [[0.5, 1.0, 0.0], [0.5, 1.0, 2.0]]


def test_a_value_that_jumps_further_than_allowed_gains_nothing() -> None:
    before, returns, mask = torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[1.0, 0.0]])
    near = value_loss(torch.tensor([[0.2, 9.0]]), before, returns, mask, clip=0.2)
    far = value_loss(torch.tensor([[1.0, 9.0]]), before, returns, mask, clip=0.2)
    assert near.item() == far.item() == pytest.approx(0.5 * 0.8**2)
