"""Many notices are drawn by processes of their own; the bytes are those of drawing them one by one."""

import pytest
from closing import approved_july, load

from core.errors import DomainError
from core.programme.selectors import RuleBook
from payments.documents.notice import Notice, notice_pdf
from payments.files import notice_press
from payments.files.notice_press import FEW, draw_notices
from payments.files.notices import masked, notice_name, notices

pytestmark = pytest.mark.django_db


def july_notices() -> list[Notice]:
    load("2021-07")
    run = approved_july()
    rules = RuleBook()(run.pay_date)
    assert rules is not None
    return list(notices(run, rules))


def test_the_bytes_do_not_depend_on_how_many_are_drawn() -> None:
    some = july_notices()
    assert len(some) > FEW
    drawn = list(draw_notices(iter(some), len(some), lambda notice, pdf: (notice.payee_code, pdf)))
    assert drawn == [(notice.payee_code, notice_pdf(notice)) for notice in some]


def test_a_process_that_ends_too_early_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    some = july_notices()
    monkeypatch.setattr(notice_press.sys, "executable", "/bin/true")
    with pytest.raises(DomainError, match="途中で止まりました"):
        list(draw_notices(iter(some), len(some), lambda notice, pdf: pdf))


def test_a_notice_agrees_with_its_payout_and_hides_the_account() -> None:
    for notice in july_notices():
        assert sum(line.amount for dispatch in notice.dispatches for line in dispatch.lines) == notice.gross
        assert sum(character.isdigit() for character in notice.masked_account_number) == 3
        assert notice.issue_date == notice.pay_date


def test_an_account_number_shows_its_last_three_digits() -> None:
    assert masked("12") == "****012"


def test_a_code_cannot_lead_out_of_the_folder() -> None:
    assert notice_name("../E1") == "notices/支払通知書_..／E1.pdf"
