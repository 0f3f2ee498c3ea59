from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from evidence_store.errors import OutsideError
from evidence_store.outside.webhook import WebhookHolder
from tests.evidence_store.outside.conftest import LEDGER, signed
from tests.evidence_store.outside.doubles import Keeper, served


@pytest.fixture
def hook(keeper: Keeper) -> Iterator[WebhookHolder]:
    with served(keeper) as url:
        yield WebhookHolder(
            "hook", f"{url}/heads", read_url=url, token=lambda: "canary-1234", allow_http=True
        )


def test_only_https_is_spoken_unless_it_is_allowed(hook: WebhookHolder, keeper: Keeper) -> None:
    with pytest.raises(OutsideError, match="only https is spoken"):
        replace(hook, allow_http=False).publish(LEDGER, signed(3))
    assert keeper.tokens == []


def test_the_token_is_sent_and_never_shown(hook: WebhookHolder, keeper: Keeper) -> None:
    hook.publish(LEDGER, signed(3))
    assert keeper.tokens == ["Bearer canary-1234"]
    assert "canary" not in repr(hook)
    keeper.status = 500
    with pytest.raises(OutsideError) as told:
        hook.publish(LEDGER, signed(4))
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("status", [202, 204, 301, 400, 500])
def test_a_head_is_held_only_after_an_answer_that_says_so(
    hook: WebhookHolder, keeper: Keeper, status: int
) -> None:
    keeper.status = status
    if 200 <= status < 300:
        hook.publish(LEDGER, signed(3))
    else:
        with pytest.raises(OutsideError, match=f"answered {status}"):
            hook.publish(LEDGER, signed(3))


def test_one_that_cannot_be_read_says_so(hook: WebhookHolder) -> None:
    blind = replace(hook, read_url=None)
    assert not blind.readable
    with pytest.raises(OutsideError, match="set read_url"):
        blind.latest(LEDGER)


def test_an_answer_that_is_no_head_is_refused(hook: WebhookHolder, keeper: Keeper) -> None:
    keeper.kept["x"] = b"<html>sign in</html>"
    with pytest.raises(OutsideError, match="something else than signed heads"):
        hook.latest(LEDGER)


def test_nobody_there_is_an_error_of_the_holder(hook: WebhookHolder) -> None:
    with pytest.raises(OutsideError, match="cannot be reached"):
        replace(hook, url="http://127.0.0.1:9/").publish(LEDGER, signed(3))
