"""Months, cut-offs and pay dates: what a run may be made for (rules.md §4, exchange.md §3)."""

import datetime as dt

from core import clock
from core.errors import DomainError
from core.japan.calendar import bank_open, fiscal_year, fiscal_year_name, long_date, next_bank_day
from core.programme.selectors import RuleBook
from rules.ruleset import RuleSet


def month_name(month: dt.date) -> str:
    """`2021年7月`."""
    return f"{month.year}年{month.month}月"


def next_month(month: dt.date) -> dt.date:
    """The first day of the month after."""
    return dt.date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_end(month: dt.date) -> dt.datetime:
    """The cut-off of a month: the first moment of the next one, aware."""
    return clock.from_jst(dt.datetime.combine(next_month(month), dt.time()))


def checked_cutoff(month: dt.date, cutoff: dt.datetime | None) -> dt.datetime:
    """The cut-off to use, aware. Refuses an open month, a cut-off after the month and one that is still to come."""
    latest = month_end(month)
    if cutoff is None:
        if clock.now() < latest:
            raise DomainError(
                f"{month_name(month)}はまだ終わっていないため締められません。"
                "月が終わってから行うか、締切の日時（--cutoff）を指定してください。"
            )
        return latest
    if cutoff > latest:
        raise DomainError(
            f"締切は{month_name(month)}の終わり（{long_date(next_month(month))} 0時）以前の日時にしてください。"
        )
    if cutoff > clock.now():
        raise DomainError("締切の日時がまだ来ていません。過ぎた日時を指定してください。")
    return cutoff


def payment_rules(book: RuleBook, month: dt.date, pay_date: dt.date) -> RuleSet:
    """The rules of the payment itself (withholding, slips, pay-by date): those in force on the pay date.

    On a day outside every rule set those of the month count. Refuses when neither has one.
    """
    rules = book(pay_date) or book(month)
    if rules is None:
        raise DomainError(
            f"{month_name(month)}に適用する支出基準が登録されていません。管理画面で支出基準を登録してください。"
        )
    return rules


def check_pay_date(book: RuleBook, month: dt.date, pay_date: dt.date, *, past_allowed: bool) -> None:
    """Refuses a pay date that is no banking day, after the year's pay-by date, or past unless that is allowed."""
    if not bank_open(pay_date):
        raise DomainError(
            f"支払日 {long_date(pay_date)} は銀行の営業日ではありません。"
            f"直後の営業日は {long_date(next_bank_day(pay_date))} です。"
        )
    rules = book(month) or payment_rules(book, month, pay_date)
    year = fiscal_year(month)
    last = rules.pay_by_date(year)
    if pay_date > last:
        raise DomainError(
            f"支払日 {long_date(pay_date)} は{fiscal_year_name(year)}の支払期限 {long_date(last)} を過ぎています。"
            "期限までの営業日を指定してください。"
        )
    if not past_allowed and pay_date < clock.today():
        raise DomainError(
            f"支払日 {long_date(pay_date)} は過ぎています。今日以降の営業日を指定してください。"
        )
