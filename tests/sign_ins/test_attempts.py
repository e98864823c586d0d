"""How often a password can be tried, by account and by address, whether the account is there or not."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.sign_ins.conftest import Browser, Person

from tropism.server.attempts import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, WITHIN_SECONDS, Attempts
from tropism.server.errors import TooManyCalls

NewBrowser = Callable[[], Browser]


class Watch:
    """A clock that goes when it is told to."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def allowed(attempts: Attempts, account: str, address: str, most: int = 1000) -> int:
    for number in range(most):
        try:
            attempts.take(account, address)
        except TooManyCalls:
            return number
    return most


def test_each_limit_holds_alone() -> None:
    attempts = Attempts(Watch())
    assert allowed(attempts, "a", "1") == PER_ACCOUNT_AND_ADDRESS
    assert sum(allowed(attempts, f"b{number}", "2") for number in range(10)) == PER_ADDRESS
    assert sum(allowed(attempts, "c", f"3.{number}") for number in range(50)) == PER_ACCOUNT
    assert allowed(attempts, "d", "4", 1) == 1


def test_time_heals_and_says_when() -> None:
    watch = Watch()
    attempts = Attempts(watch)
    attempts.take("a", "1")
    watch.seconds += 60
    allowed(attempts, "a", "1")
    with pytest.raises(TooManyCalls) as refused:
        attempts.take("a", "1")
    assert refused.value.retry_after == WITHIN_SECONDS - 60
    watch.seconds += WITHIN_SECONDS - 60
    assert allowed(attempts, "a", "1") == 1


def test_success_forgives_the_account_and_not_the_address() -> None:
    attempts = Attempts(Watch())
    for _ in range(5):
        attempts.take("a", "1")
    attempts.succeeded("a", "1")
    assert allowed(attempts, "a", "1") == PER_ACCOUNT_AND_ADDRESS
    assert allowed(attempts, "b", "1") + allowed(attempts, "c", "1") == PER_ADDRESS - 4 - PER_ACCOUNT_AND_ADDRESS


@pytest.mark.parametrize("is_here", [True, False])
def test_too_many_are_refused_with_the_right_password_too(browser: Browser, person: Person, is_here: bool) -> None:
    email = person.email if is_here else f"{uuid4().hex}@example.com"
    statuses = [browser.sign_in(email, "not the password").status_code for _ in range(PER_ACCOUNT_AND_ADDRESS)]
    assert set(statuses) == {401}
    answer = browser.sign_in(email)
    assert (answer.status_code, answer.json()["type"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= WITHIN_SECONDS


def test_its_owner_still_comes_in_from_elsewhere(browser: Browser, new_browser: NewBrowser, person: Person) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        browser.sign_in(person.email, "not the password")
    assert new_browser().sign_in(person.email).status_code == 201


def test_a_present_password_cannot_be_tried_for_ever(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    body = {"password": "not the password", "new_password": "a quite different one"}
    answers = [browser.post("/api/v1/users/me/password", json=body).status_code for _ in range(11)]
    assert answers == [403] * PER_ACCOUNT_AND_ADDRESS + [429]
