"""What loading leaves behind: updates with history, statuses from columns, and what an approved run keeps still."""

import datetime as dt
import io

import pytest
from django.db import connection
from exchange_folder import (
    COMPANY,
    DECLARATION,
    DISPATCH,
    EVENT,
    TRAVEL,
    as_csv,
    complaints,
    load,
    load_bytes,
    loaded,
    small,
)

from accounts.models import User
from core.audit.models import Change
from core.clock import from_jst
from core.exchange import services
from core.exchange.models import Load
from dispatch.models import Dispatch, StatusChange
from payments.models import Payer, Payout, PayoutLine, PayoutRun

pytestmark = pytest.mark.django_db


def _person(name: str) -> User:
    return User.objects.create(username=name, last_name="事務", first_name=name, role="office_approver")


def test_a_changed_row_leaves_history_that_names_the_person() -> None:
    loaded(small())
    before = Change.objects.count()
    person = _person("花子")
    stamp = Dispatch.objects.get().company.updated_at
    result = load({"companies": [{**COMPANY, "所在地": "新町2"}]})
    assert result.files["companies.csv"]["updated"] == 1
    text = as_csv([{**COMPANY, "所在地": "新町3"}])
    services.load_files({"companies.csv": io.BytesIO(text.encode())}, actor=person)
    change = Change.objects.filter(table="dispatch_company").latest("pk")
    assert (change.operation, change.actor_id, change.action) == ("U", person.pk, "load_exchange")
    assert change.actor_name == "事務 花子"
    assert (change.old["address"], change.new["address"]) == ("新町2", "新町3")
    assert Change.objects.filter(table="dispatch_company").count() == 3
    assert Change.objects.count() > before
    assert Dispatch.objects.get().company.updated_at >= stamp
    log = Load.objects.latest("pk")
    assert (log.actor, log.result, log.files["companies.csv"]["updated"]) == (person, "loaded", 1)


def test_unchanged_rows_leave_no_history() -> None:
    loaded(small())
    before = Change.objects.count()
    loaded(small())
    assert Change.objects.count() == before


def test_a_refused_load_is_logged_with_its_errors() -> None:
    load({"companies": [{**COMPANY, "業種コード": "?"}]})
    log = Load.objects.get()
    assert (log.result, log.error_count, log.errors[0]["column"]) == ("refused", 1, "業種コード")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({}, "approved"),
        ({"機関承認日時": ""}, "reported"),
        ({"機関承認日時": "", "報告日時": ""}, "visited"),
        ({"機関承認日時": "", "報告日時": "", "実施開始": "", "実施終了": ""}, "confirmed"),
        ({"事務局判断": "対象外", "事務局判断理由": "虚偽"}, "ineligible"),
        ({"事務局判断": "保留", "事務局判断理由": "確認中"}, "approved"),
        ({"状態": "取消", "取消理由": "都合"}, "cancelled"),
        ({"状態": "辞退", "取消理由": "都合", "事務局判断": "対象外", "事務局判断理由": "虚偽"}, "declined"),
    ],
)
def test_the_columns_say_where_a_dispatch_stands(values: dict[str, str], status: str) -> None:
    tables = small()
    tables["dispatches"][0].update(values)
    loaded(tables)
    assert Dispatch.objects.get().status == status


def test_a_change_of_status_is_one_import_step() -> None:
    loaded(small())
    loaded({"dispatches": [{**DISPATCH, "状態": "取消", "取消理由": "都合"}]})
    step = StatusChange.objects.get()
    assert (step.action, step.from_status, step.to_status) == ("import", "approved", "cancelled")


def _approved_run() -> PayoutRun:
    dispatch = Dispatch.objects.select_related("expert").get(number="D1")
    expert = dispatch.expert
    run = PayoutRun.objects.create(
        month=dt.date(2021, 7, 1), ordinal=1, name="2021-07", cutoff=from_jst(dt.datetime(2021, 8, 1)),
        pay_date=dt.date(2021, 8, 25), maker=_person("一"), payer=Payer.objects.get(),
    )  # fmt: skip
    sums = {"fee": 100, "travel": 0, "gross": 100, "withholding": 10, "net": 90, "consumption_tax": 9}
    payout = Payout.objects.create(
        run=run, expert=expert, expert_code=expert.code, name=expert.name, address=expert.address,
        payee_class=expert.payee_class, bank_code="0001", branch_code="001", account_type="普通", account_number="1",
        account_holder_kana="ヨシダ", dispatch_count=1, **sums,
    )  # fmt: skip
    PayoutLine.objects.create(
        run=run, payout=payout, dispatch=dispatch, expert=expert, item="謝金", day=dt.date(2021, 7, 5), amount=100,
        explanation="試験",
    )  # fmt: skip
    for name, value in {**sums, "dispatch_count": 1, "payee_count": 1}.items():
        setattr(run, name, value)
    run.status = "computed"
    run.save()
    run.status, run.approver, run.payer_copy = "approved", _person("二"), {}
    run.approved_at = from_jst(dt.datetime(2021, 8, 20))
    run.save()
    return run


FROZEN = [
    ("dispatches", [{**DISPATCH, "支援内容": "別"}], "支援内容"),
    ("dispatches", [{**DISPATCH, "状態": "取消", "取消理由": "都合"}], "状態"),
    ("check_events", [EVENT, {**EVENT, "イベントID": "V2"}], "派遣番号"),
    ("declarations", [{**DECLARATION, "理由": "別"}], "理由"),
    ("declarations", [DECLARATION, {**DECLARATION, "事由": "時刻訂正"}], "派遣番号"),
    ("travel_claims", [{**TRAVEL, "請求額": "321"}], "請求額"),
    ("travel_claims", [TRAVEL, {**TRAVEL, "行番号": "2"}], "派遣番号"),
]


@pytest.mark.parametrize(("name", "rows", "column"), FROZEN)
def test_what_belongs_to_a_dispatch_in_an_approved_run_cannot_be_changed(
    name: str, rows: list[dict[str, str]], column: str
) -> None:
    loaded(small())
    _approved_run()
    result = load({name: rows})
    assert complaints(result)[0][1:3] == (len(rows) + 1, column)
    assert "2021-07" in result.errors[0].reason
    assert not result.changed


def test_lines_of_a_frozen_claim_cannot_be_left_out() -> None:
    tables = small()
    tables["travel_claims"].append({**TRAVEL, "行番号": "2"})
    loaded(tables)
    _approved_run()
    result = load({"travel_claims": [TRAVEL]})
    assert complaints(result) == [("travel_claims.csv", 2, "派遣番号", "D1")]
    assert "（2）" in result.errors[0].reason


def test_frozen_rows_that_say_the_same_are_unchanged_beside_others_that_change() -> None:
    loaded(small())
    _approved_run()
    tables = small()
    tables["dispatches"].append({**DISPATCH, "派遣番号": "D2"})
    tables["experts"][0]["住所"] = "新町"
    result = loaded(tables)
    assert result.files["dispatches.csv"] | {"read": 0} == {
        "read": 0, "created": 1, "updated": 0, "unchanged": 1, "rejected": 0,
    }  # fmt: skip
    assert result.files["travel_claims.csv"]["unchanged"] == 1


def test_a_dispatch_of_a_run_that_is_only_a_draft_may_change() -> None:
    loaded(small())
    dispatch = Dispatch.objects.get()
    run = PayoutRun.objects.create(
        month=dt.date(2021, 7, 1), ordinal=1, name="2021-07", cutoff=from_jst(dt.datetime(2021, 8, 1)),
        pay_date=dt.date(2021, 8, 25), maker=_person("一"), payer=Payer.objects.get(),
    )  # fmt: skip
    assert run.status == "draft"
    assert load({"dispatches": [{**DISPATCH, "支援内容": "別"}]}).ok
    dispatch.refresh_from_db()
    assert dispatch.report == "別"


def test_a_dry_run_counts_like_a_load_and_changes_nothing() -> None:
    result = load(small(), dry_run=True)
    assert result.ok
    assert result.changed
    assert result.files["dispatches.csv"]["created"] == 1
    assert not Dispatch.objects.exists()
    assert not Load.objects.exists()


def test_a_preview_shows_what_would_change() -> None:
    loaded(small())
    rows = [{**COMPANY, "企業名": "新しい名前"}, {**COMPANY, "企業コード": "C2"}]
    result = load({"companies": rows}, dry_run=True, preview=10)
    changed, new = result.previews["companies.csv"]
    assert (changed.line, changed.key, changed.is_new) == (2, "C1", False)
    assert (changed.was, changed.now) == ({"企業名": "株式会社試験"}, {"企業名": "新しい名前"})
    assert (new.line, new.key, new.is_new, new.now["企業名"]) == (3, "C2", True, "株式会社試験")


def test_nothing_stays_in_the_loading_area() -> None:
    loaded(small())
    load_bytes({"companies.csv": b"x"})
    with connection.cursor() as cursor:
        for number in range(1, 9):
            cursor.execute(f"SELECT count(*) FROM staging_{number}")
            assert cursor.fetchone() == (0,)
