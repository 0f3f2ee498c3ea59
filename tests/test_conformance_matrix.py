"""What the documentation claims of each platform is shown by tests that exist."""

from __future__ import annotations

from collectors import catalog
from tests.conformance_matrix import PAGE, page, problems


def test_every_platform_has_a_test_or_a_reason_for_every_case() -> None:
    assert problems({c.platform for c in catalog(plugins=False).collectors}) == []


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"
