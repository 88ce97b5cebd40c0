"""The institution's search for an expert: what it shows, what it says of the order, and what it keeps back."""

import html

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from stage import Stage, at

from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from dispatch.models import Company
from dispatch.services import decline_dispatch
from experts.models import Expert

PAGE = "/portal/experts/"


def text_of(client: Client, path: str = PAGE, *, part: bool = False, **asked: str) -> str:
    headers = {"HX-Request": "true"} if part else {}
    answer = client.get(path, asked, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return html.unescape(answer.content.decode())


@pytest.fixture
def register(stage: Stage) -> None:
    with acting(SYSTEM, "story"):
        Expert.objects.filter(code="E1").update(
            topics=["創業"], industries=["E"], qualifications=["中小企業診断士"], name="髙橋 太郎", kana="タカハシ タロウ",
            address="東京都千代田区試験町1-2-3 見本マンション302", phone="090-9999-8888",
            base_latitude="35.70", base_longitude="139.77",
        )  # fmt: skip
        Company.objects.filter(code="C1").update(latitude="35.681236", longitude="139.767125")


@pytest.mark.parametrize("typed", ["高橋", "髙橋", "ﾀｶﾊｼ", "たかはし", "タカハシ"])
def test_a_name_is_found_however_it_is_typed(chief: Client, register: None, typed: str) -> None:
    page = text_of(chief, part=True, q=typed)
    assert "髙橋 太郎" in page
    assert "別田" not in page


def test_while_typing_only_the_results_are_sent(chief: Client, register: None) -> None:
    part, whole = text_of(chief, part=True, q="高橋"), text_of(chief, q="高橋")
    assert "<html" not in part
    assert "<html" in whole
    assert "髙橋 太郎" in part
    assert "髙橋 太郎" in whole
    assert "HX-Request" in chief.get(PAGE).headers["Vary"]
    back = chief.get(PAGE, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


def test_a_case_orders_the_experts_and_says_why(chief: Client, stage: Stage, register: None) -> None:
    case = stage.case()
    page = text_of(chief, case=case.code)
    assert page.index("髙橋 太郎") < page.index("別田 花子")
    for reason in ("専門分野が一致: 創業", "得意業種: 製造業", "同じ都道府県・直線2km"):
        assert reason in page
    assert f"/portal/cases/{case.code}/apply/?expert=E1" in page
    assert "/apply/" not in text_of(chief)


def test_what_makes_a_dispatch_unpayable_is_seen_in_time(
    chief: Client, other_chief: Client, stage: Stage
) -> None:
    assert "人件費の補助あり: 謝金は支払われません（X01）" in text_of(chief, q="ほじょ")
    # E2 belongs to K2: a warning there, nothing at all elsewhere
    assert "貴機関に所属: 派遣しても謝金は支払われません（X03）" in text_of(other_chief, q="べつだ")
    assert "所属: 派遣" not in text_of(chief, q="べつだ")


def test_what_happened_before_counts(chief: Client, stage: Stage, register: None) -> None:
    case = stage.case()
    stage.visited(stage.application(case=case, expert="E2"))
    chief.force_login(stage.chief)  # days have passed
    page = text_of(chief, case=case.code)
    assert "この支援先を過去に担当: 1回" in page
    assert "貴機関の派遣: 1回" in page
    assert "貴機関 1回 ／ 全体 1回" in page


def test_of_other_institutions_only_numbers_are_told(
    chief: Client, other_chief: Client, stage: Stage, register: None
) -> None:
    stage.applied(
        stage.application(case=stage.case("C2"), planned_from=at("07-06 10:00"), planned_to=at("07-06 12:00"))
    )
    page = text_of(other_chief, q="高橋", day="2021-07-06")
    assert "7月6日に別の派遣の予定" in page
    assert "今後14日間の予定: 1件" in page
    for kept_back in ("別件商店", "D2021-", "10:00"):
        assert kept_back not in page


def test_who_declined_is_still_there_but_last(chief: Client, stage: Stage, register: None) -> None:
    case = stage.case()
    dispatch = stage.applied(stage.application(case=case))
    decline_dispatch(dispatch=dispatch, reason="都合", actor=stage.experts["E1"])
    page = text_of(chief, case=case.code)
    assert "この案件の派遣を辞退" in page
    detail = html.unescape(chief.get(f"/portal/dispatches/{dispatch.number}/").content.decode())
    assert f"/portal/experts/?case={case.code}" in detail


def test_an_objection_counts_where_it_was_made(
    chief: Client, other_chief: Client, stage: Stage, register: None
) -> None:
    dispatch = stage.reported(stage.application())
    stage.attested(dispatch, confirmed=False, comment="時間が違う")
    for client, user in ((chief, stage.chief), (other_chief, stage.other_chief)):  # days have passed
        client.force_login(user)
    assert "支援先から相違の申し出: 1件" in text_of(chief, q="高橋")
    assert "相違の申し出" not in text_of(other_chief, q="高橋").split("並び順の考え方")[0]


def test_contact_home_and_bank_stay_hidden(chief: Client, stage: Stage, register: None) -> None:
    page = text_of(chief, case=stage.case().code, q="高橋")
    assert "東京都千代田区" in page
    for kept_back in (
        "試験町1-2-3", "見本マンション", "090-9999-8888", "e1@example.jp", "1112345", "報酬2号", "35.7", "139.77",
    ):  # fmt: skip
        assert kept_back not in page, kept_back
    assert "試験町1-2-3" not in text_of(chief, q="試験町1-2-3").split("<section")[1]


def test_a_case_of_others_is_not_there(other_chief: Client, chief: Client, stage: Stage) -> None:
    case = stage.case()
    assert other_chief.get(PAGE, {"case": case.code}).status_code == 404
    assert chief.get(PAGE, {"case": "K0"}).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"topic": "存在しない課題"}, {"within": "7"}, {"day": "2021-13-45"}, {"place": "どこか"}, {"order": "ひどい順"},
        {"page": "-1"}, {"page": "x"}, {"page": "99999999999999"}, {"q": "あ" * 500}, {"q": "%_\\'\""},
        {"qualification": "[("}, {"within": "10"},
    ],
)  # fmt: skip
def test_conditions_nobody_understands_break_nothing(
    chief: Client, stage: Stage, asked: dict[str, str]
) -> None:
    for part in (False, True):
        text_of(chief, part=part, **asked)


def test_a_condition_that_is_not_used_is_named(chief: Client, stage: Stage) -> None:
    page = text_of(chief, day="2021-13-45")
    assert "次の条件は読み取れないため、使っていません：支援を希望する日" in page
    assert "支援先の場所が分からないため、距離の条件は使っていません" in text_of(chief, within="10")


def test_nobody_found_says_what_to_try(chief: Client, stage: Stage) -> None:
    assert "言葉を短くするか" in text_of(chief, part=True, q="いないひと")


def test_who_was_shown_is_recorded(chief: Client, stage: Stage, register: None) -> None:
    text_of(chief, part=True, q="高橋")
    seen = Access.objects.order_by("pk").last()
    assert seen is not None
    assert (seen.actor_id, seen.table, seen.row_ids) == (
        stage.chief.pk, "experts_expert", [Expert.objects.get(code="E1").pk],
    )  # fmt: skip


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    chief: Client,
    stage: Stage,
    register: None,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    case = stage.case()
    text_of(chief, part=True, case=case.code)
    with django_assert_max_num_queries(26) as few:
        text_of(chief, part=True, case=case.code, q="高橋")
    with django_assert_max_num_queries(26) as many:
        text_of(chief, part=True, case=case.code)
    assert len(few.captured_queries) == len(many.captured_queries)
