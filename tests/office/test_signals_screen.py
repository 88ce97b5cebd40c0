"""/office/signals/: the list by strength, one signal with its facts beside each other, and its decision."""

import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.exchange.services import load_files
from core.jobs.models import Job
from dispatch.models import CheckEvent, ReviewSignal, SignalDecision
from dispatch.services.signals import look_for_signals, signal_version, thresholds
from dispatch.signals_found import Thresholds
from office.signal_facts import passages
from office.waiting import everything_waiting
from portal_expert.models import CheckEventExtra
from portal_expert.signatures import Signature, pack

LONG = "資金繰り表を一緒に作り、固定費の内訳を見直した。来月からの仕入れの量を決め、次回までの宿題として三か月分の予測を頼んだ。"


@pytest.fixture
def suspicious(db: None) -> Any:
    """Two visits of one expert at the same time, with the same text and the same signature."""
    rows = "".join(
        f"{number},K1,E1,{company},創業,対面,東京都見本町,35.681236,139.767125,2026-07-06 {start},2026-07-06 {end},"
        f"2026-07-06 {start},2026-07-06 {end},{LONG},2026-07-06 20:00\n"
        for number, company, start, end in (
            ("D1", "C1", "10:00", "12:00"),
            ("D2", "C2", "11:00", "13:00"),
        )
    )
    files = {
        "institutions.csv": "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n",
        "experts.csv": (
            "専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,"
            "預金種目,口座番号,口座名義カナ,源泉区分\n"
            "E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号\n"
        ),
        "companies.csv": (
            "企業コード,企業名,都道府県コード,所在地,業種コード,従業員数,企業区分\n"
            "C1,株式会社試験,13,見本町1,E,5,中小企業\nC2,株式会社<b>別件</b>,13,見本町2,E,5,中小企業\n"
        ),
        "dispatches.csv": (
            "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,支援場所,緯度,経度,予定開始,予定終了,実施開始,"
            f"実施終了,支援内容,報告日時\n{rows}"
        ),
        "check_events.csv": (
            "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名\n"
            "V1,D1,終了,2026-07-06 12:00:00,35.681236,139.767125,10,見本 花子\n"
            "V2,D2,開始,2026-07-06 12:10:00,34.702485,135.495951,10,\n"
            "V3,D2,終了,2026-07-06 13:00:00,34.702485,135.495951,10,見本 花子\n"
        ),
    }
    result = load_files({name: io.BytesIO(text.encode()) for name, text in files.items()}, actor=SYSTEM)
    assert result.ok, list(result.problems)
    strokes = [[[10 * n, (n * n) % 37] for n in range(30)]]
    with acting(SYSTEM, "test"):
        operator = User.objects.create(username="tanto", role=Role.OFFICE_OPERATOR)
        for event in CheckEvent.objects.filter(kind="終了"):
            cipher, mark = pack(
                Signature(strokes=strokes, width=300, height=60, text=f"派遣 {event.dispatch.number}")
            )
            CheckEventExtra.objects.create(
                event=event, sender=operator, signature_cipher=cipher, signature_hash=mark, content_hash=""
            )
    look_for_signals(actor=SYSTEM)
    return operator


@pytest.fixture
def office(suspicious: Any) -> Client:
    client = Client()
    client.force_login(suspicious)
    return client


def signal(kind: str) -> ReviewSignal:
    return ReviewSignal.objects.get(kind=kind)


def test_the_list_shows_the_strongest_first_and_is_recorded(office: Client) -> None:
    page = office.get("/office/signals/")
    assert page.status_code == 200
    scores = [line[0].score for line in page.context["lines"]]
    assert scores == sorted(scores, reverse=True)
    assert {line[0].kind for line in page.context["lines"]} >= {
        "overlap_expert", "impossible_travel", "copied_report", "same_signature",
    }  # fmt: skip
    assert Access.objects.filter(table="dispatch_reviewsignal", row_ids__len=len(scores)).exists()


def test_filters(office: Client) -> None:
    def kinds(query: str) -> set[str]:
        return {line[0].kind for line in office.get(f"/office/signals/?{query}").context["lines"]}

    assert kinds("kind=overlap_expert") == {"overlap_expert"}
    assert kinds("q=D2&kind=impossible_travel") == {"impossible_travel"}
    assert kinds("q=nobody") == set()
    assert "条件に合う兆候はありません" in office.get("/office/signals/?q=nobody").content.decode()
    assert kinds("state=watch") == set()
    assert kinds("state=ended") == set()
    assert kinds("score=70&state=all") < kinds("state=all")
    for odd in ("kind=x", "state=x", "score=9999999999999", "page=-1", "q=%00", "q=" + "a+" * 200):
        assert office.get(f"/office/signals/?{odd}").status_code in (200, 400)


def test_the_same_queries_however_many(office: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert office.get("/office/signals/?state=all").status_code == 200
        return len(captured)

    queries()
    few = queries()
    pattern = signal("overlap_expert")
    ReviewSignal.objects.bulk_create(
        ReviewSignal(
            kind=pattern.kind, key=f"x{n}", score=5, facts_mark="", dispatch_ids=pattern.dispatch_ids,
            expert=pattern.expert, first_seen_at=pattern.first_seen_at, last_seen_at=pattern.last_seen_at,
        )
        for n in range(40)
    )  # fmt: skip
    assert queries() == few


def test_texts_signatures_and_records_stand_beside_each_other(office: Client) -> None:
    reports = office.get(f"/office/signals/{signal('copied_report').pk}/").content.decode()
    assert reports.count("<mark>") == 2
    assert "株式会社&lt;b&gt;別件" in reports
    signatures = office.get(f"/office/signals/{signal('same_signature').pk}/").content.decode()
    assert signatures.count('class="signature__field"') == 2
    travel = office.get(f"/office/signals/{signal('impossible_travel').pk}/").content.decode()
    assert "二つの記録" in travel
    assert "34.702485" in travel
    assert Access.objects.filter(what=Access.What.EVIDENCE, table="dispatch_dispatch").count() == 3


def test_a_decision_is_kept_with_its_reason_and_the_next_one_follows(office: Client) -> None:
    found = signal("overlap_expert")
    path = f"/office/signals/{found.pk}/"
    refused = office.post(path, {"decision": "watch", "reason": "", "version": signal_version(found)})
    assert refused.status_code == 422
    assert 'value="watch"' in refused.content.decode()
    done = office.post(path, {"decision": "watch", "reason": "本人に聞く", "version": signal_version(found)})
    assert (done.status_code, done["Location"]) == (302, "/office/signals/")
    found.refresh_from_db()
    assert (found.decision, found.decision_reason) == ("watch", "本人に聞く")
    page = office.get(path).content.decode()
    assert "本人に聞く" in page
    assert found.kind not in [line[0].kind for line in office.get("/office/signals/").context["lines"]]
    assert SignalDecision.objects.count() == 1


def test_a_stale_page_is_refused_and_what_was_typed_stays(office: Client) -> None:
    found = signal("overlap_expert")
    path = f"/office/signals/{found.pk}/"
    stale = office.post(path, {"decision": "watch", "reason": "見る", "version": "older|"})
    assert stale.status_code == 422
    text = stale.content.decode()
    assert "事実が変わりました" in text
    assert "見る</textarea>" in text
    assert f'value="{signal_version(found)}"' in text
    assert signal("overlap_expert").decision == ""


def test_it_waits_on_the_office_s_first_page_until_decided(office: Client, suspicious: User) -> None:
    def lines() -> list[Any]:
        return [line for line in everything_waiting(suspicious) if line["url"] == "/office/signals/"]

    assert lines()[0]["count"] == ReviewSignal.objects.count()
    for each in ReviewSignal.objects.all():
        office.post(f"/office/signals/{each.pk}/", {"decision": "no_concern", "reason": "確認した"})
    assert lines() == []
    assert "判断を待つ兆候はありません" in office.get("/office/signals/").content.decode()


def test_looking_now_is_one_job(office: Client) -> None:
    for _ in range(2):
        assert office.post("/office/signals/look/").status_code == 302
    assert Job.objects.filter(kind="look_for_signals").count() == 1
    assert "調べています" in office.get("/office/signals/").content.decode()
    assert office.get("/office/signals/look/").status_code == 405


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.EXPERT, Role.INSTITUTION_CHIEF])
def test_nobody_else_sees_them(suspicious: Any, role: str) -> None:
    with acting(SYSTEM, "test"):
        other = User.objects.create(username="other", role=role)
    client = Client()
    client.force_login(other)
    found = signal("overlap_expert")
    for path in ("/office/signals/", f"/office/signals/{found.pk}/"):
        assert client.get(path).status_code in (302, 403)
    client.post(f"/office/signals/{found.pk}/", {"decision": "watch", "reason": "見る"})
    assert signal("overlap_expert").decision == ""
    assert not ReviewSignal.objects.visible_to(other).exists()


def test_passages_put_together_are_the_text() -> None:
    one, other = f"はじめに。{LONG}おわり。", f"{LONG}別の結び。"
    found = passages(one, other)
    assert "".join(each.text for each in found) == one
    assert [each.shared for each in found] == [False, True, False]
    assert [each.shared for each in passages("短い", "短い")] == [False]


def test_an_administrator_sets_thresholds_from_a_day_on(suspicious: Any) -> None:
    with acting(SYSTEM, "test"):
        admin = User.objects.create(username="kanri", role=Role.OFFICE_ADMIN)
    client = Client()
    client.force_login(admin)
    path = "/office/signals/terms/"
    shown = client.get(path)
    assert shown.status_code == 200
    typed = {**Thresholds().values(), "name": "見直し", "first_day": "2020-01-01", "travel_kmh": "250"}
    refused = client.post(path, typed)
    assert refused.status_code == 422
    assert "今日以降" in refused.content.decode()
    assert 'value="250"' in refused.content.decode()
    today = clock.today()
    assert client.post(path, {**typed, "first_day": today.isoformat()}).status_code == 302
    assert thresholds(today).travel_kmh == 250
    again = client.post(path, {**typed, "first_day": today.isoformat()})
    assert again.status_code == 422
    assert "既にあります" in again.content.decode()
    assert client.post(path, {**typed, "first_day": "2099-01-01", "far_times": "0"}).status_code == 422
