"""The institution's dispatches: the list, the page of one, the asking of the client, inquiries and requests."""

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.notify.models import Mail, MailAttempt
from core.notify.services import waiting_for
from dispatch.models import ApprovalRequest, AttestationLink, Company, Dispatch, Inquiry
from dispatch.services import (
    ask_back,
    decide_request,
    exclude_dispatch,
    issue_attestation_link,
    link_of,
    release_dispatch,
    save_draft,
)
from institutions.models import Institution, Member
from portal_institution.dispatch_list import own_dispatches, waiting_dispatches
from portal_institution.waiting import waiting_of, with_waiting

LIST = "/portal/dispatches/"


class Browser:
    """A person who signs in for each page: between two of them the clock may go on for days."""

    def __init__(self, user: User) -> None:
        self.user = user

    def _client(self) -> Client:
        client = Client()
        client.force_login(self.user)
        return client

    def get(self, *args: Any) -> Any:
        return self._client().get(*args)

    def post(self, *args: Any) -> Any:
        return self._client().post(*args)


@pytest.fixture
def chief(stage: Stage) -> Browser:
    return Browser(stage.chief)


@pytest.fixture
def other_chief(stage: Stage) -> Browser:
    return Browser(stage.other_chief)


def page_of(client: Browser, address: str, **data: Any) -> str:
    answer = client.get(address, data)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def detail(dispatch: Dispatch, more: str = "") -> str:
    return f"/portal/dispatches/{dispatch.number}/{more}"


def staff_of(stage: Stage) -> User:
    with acting(SYSTEM, "story"):
        user = User.objects.create(username="staff", role=Role.INSTITUTION_STAFF, email="staff@example.jp")
        Member.objects.create(user=user, institution=Institution.objects.get(code="K1"))
    return user


def lost(dispatch: Dispatch, why: str = "宛先が見つかりません（550）。") -> Mail:
    """The latest mail to the client comes back."""
    key = AttestationLink.objects.filter(dispatch=dispatch, channel="mail").latest("pk").mail_key
    mail = Mail.objects.get(key=key)
    Mail.objects.filter(pk=mail.pk).update(state=Mail.State.FAILED)
    MailAttempt.objects.create(mail=mail, outcome=Mail.State.FAILED, detail=why)
    return mail


def whom(dispatch: Dispatch) -> list[tuple[str, str]]:
    return [
        (each.who, each.what) for each in waiting_of(with_waiting(Dispatch.objects.all()).get(pk=dispatch.pk))
    ]


def test_the_list_shows_own_dispatches_and_whom_they_wait_for(stage: Stage, chief: Browser) -> None:
    mine = stage.applied()
    other = stage.applied(stage.application(stage.case("C2", "K2"), expert="E2"))
    page = page_of(chief, LIST)
    assert mine.number in page
    assert other.number not in page
    assert "承諾または辞退の回答" in page
    assert Access.objects.filter(table="dispatch_dispatch", row_ids=[mine.pk]).exists()


def test_an_empty_list_says_so_and_what_to_do(chief: Browser) -> None:
    assert "派遣はまだありません" in page_of(chief, LIST)
    assert "条件に合う派遣はありません" in page_of(chief, LIST, q="そんな派遣")


def test_words_states_months_and_records_narrow_the_list(stage: Stage, chief: Browser) -> None:
    case = stage.case()
    first = stage.applied(stage.application(case))
    second = stage.applied(
        stage.application(case, expert="E2", planned_from=at("08-02 10:00"), planned_to=at("08-02 12:00"))
    )
    for asked, found in (
        ({"q": "ヨシダ"}, first),
        ({"q": f"{case.code} 別田"}, second),
        ({"month": "2021-08"}, second),
        ({"expert": "E1"}, first),
    ):
        page = page_of(chief, LIST, **asked)
        assert found.number in page, asked
        assert ({first.number, second.number} - {found.number}).pop() not in page, asked
    for asked in ({"status": "applied"}, {"company": "C1"}, {"case": case.code}):
        page = page_of(chief, LIST, **asked)
        assert first.number in page and second.number in page
    assert first.number not in page_of(chief, LIST, status="paid")


@pytest.mark.parametrize(
    "asked",
    [{"month": "2021-99"}, {"status": "x"}, {"expert": "E9"}, {"case": "K9"}, {"page": "-3"}],
)
def test_odd_conditions_never_break_the_list(stage: Stage, chief: Browser, asked: dict[str, str]) -> None:
    dispatch = stage.applied()
    assert dispatch.number in page_of(chief, LIST, **asked)


def test_conditions_on_records_of_others_are_named_and_left_out(stage: Stage, chief: Browser) -> None:
    stage.applied()
    other = stage.applied(stage.application(stage.case("C2", "K2"), expert="E2"))
    page = page_of(chief, LIST, company="C2")
    assert "使えない条件" in page
    assert "支援先" in page
    assert other.number not in page


def test_what_waits_for_us_is_what_the_filter_finds(stage: Stage, chief: Browser) -> None:
    institution = Institution.objects.get(code="K1")

    def ours() -> set[str]:
        return set(waiting_dispatches(stage.chief, institution).values_list("number", flat=True))

    dispatch = stage.applied()
    assert whom(dispatch) == [("専門家", "承諾または辞退の回答")]
    assert ours() == set()

    from dispatch.services import ReportData, accept_dispatch, confirm_dispatch, submit_report

    dispatch = accept_dispatch(dispatch=dispatch, actor=stage.experts["E1"])
    assert whom(dispatch) == [("事務局", "受付")]
    dispatch = confirm_dispatch(dispatch=dispatch, actor=stage.operator)
    assert whom(dispatch) == [("専門家", "訪問")]
    stage.travel(dispatch.planned_to + dt.timedelta(hours=1))
    assert whom(dispatch) == [("専門家", "訪問の記録（チェックイン・アウト）")]
    dispatch = stage.checked(dispatch)
    assert whom(dispatch) == [("支援先", "従事証明の回答"), ("専門家", "支援実績報告")]
    lost(dispatch)
    assert whom(dispatch)[0] == ("当機関", "届かなかった従事証明メールの送り直し")
    assert ours() == {dispatch.number}
    dispatch = submit_report(
        dispatch=dispatch, report=ReportData("助言した。"), lines=(), actor=stage.experts["E1"]
    )
    stage.attested(dispatch, confirmed=False, comment="来ていない")
    assert whom(dispatch) == [("当機関", "「相違あり」の回答への対応")]
    assert ours() == {dispatch.number}
    issue_attestation_link(dispatch=dispatch, channel="mail", actor=stage.chief)
    # an objection stands until the client confirms
    assert ours() == {dispatch.number}
    dispatch = stage.attested(dispatch)
    assert whom(dispatch) == [("当機関", "承認")]
    assert ours() == {dispatch.number}
    assert dispatch.number in page_of(chief, LIST, ours="1")


def test_an_expired_link_and_a_refused_request_are_ours(stage: Stage) -> None:
    institution = Institution.objects.get(code="K1")
    dispatch = stage.visited()
    stage.travel(at("09-20 09:00"))
    assert whom(dispatch)[0] == ("当機関", "期限が切れた従事証明の依頼のやり直し")
    web = stage.applied(
        stage.application(
            method="WEB",
            web_reason="感染や接触のリスクが高い",
            planned_from=at("10-12 10:00"),
            planned_to=at("10-12 12:00"),
        )
    )
    assert ("事務局", "例外承認の判断") in whom(web)
    decide_request(
        request=ApprovalRequest.objects.get(), approved=False, reason="対面で足りる", actor=stage.operator
    )
    assert whom(web)[0][0] == "当機関"
    found = waiting_dispatches(stage.chief, institution).values_list("number", flat=True)
    assert set(found) == {dispatch.number, web.number}


def test_the_page_of_anothers_dispatch_is_not_there(stage: Stage, other_chief: Browser) -> None:
    dispatch = stage.reported()
    for more in ("", "approval/", "attestation/", "requests/"):
        assert other_chief.get(detail(dispatch, more)).status_code == 404
        assert other_chief.post(detail(dispatch, more), {"act": "approve"}).status_code in (404, 405)


def test_an_expert_is_told_that_the_page_is_the_institutions(stage: Stage) -> None:
    dispatch = stage.reported()
    expert = Client()
    expert.force_login(stage.experts["E1"])
    assert expert.get(detail(dispatch)).status_code == 403


def test_the_page_puts_report_and_attestation_side_by_side(stage: Stage, chief: Browser) -> None:
    dispatch = stage.attested(stage.reported(), comment="助かりました")
    page = page_of(chief, detail(dispatch))
    for words in ("販路の助言をした。", "助かりました", "試験 社長", "予定どおり", "このとおりです"):
        assert words in page
    assert Access.objects.filter(what=Access.What.EVIDENCE, row_ids=[dispatch.pk]).exists()


def test_times_far_from_the_plan_are_pointed_at(stage: Stage, chief: Browser) -> None:
    dispatch = stage.confirmed()
    stage.travel(dispatch.planned_to + dt.timedelta(hours=2))
    stage.checked(dispatch, minutes=40)
    assert "予定と +40分" in page_of(chief, detail(dispatch))


def test_looking_at_the_page_ends_ones_own_news_alone(stage: Stage, chief: Browser) -> None:
    from dispatch.services import decline_dispatch

    colleague = staff_of(stage)
    dispatch = stage.applied()
    decline_dispatch(dispatch=dispatch, reason="都合", actor=stage.experts["E1"])
    codes = lambda user: [task.code for task in waiting_for(user)]  # noqa: E731
    assert "dispatch_news" in codes(stage.chief)
    page_of(chief, detail(dispatch))
    assert "dispatch_news" not in codes(stage.chief)
    assert "dispatch_news" in codes(colleague)


def test_the_story_says_who_did_what_and_why(stage: Stage, chief: Browser) -> None:
    from dispatch.services import return_dispatch

    dispatch = stage.reported()
    return_dispatch(dispatch=dispatch, reasons=["支援内容の記載が不足している"], actor=stage.chief)
    page = page_of(chief, detail(dispatch))
    assert "差戻し（報告済 → 支援終了）" in page
    assert "支援内容の記載が不足している" in page


def test_a_returned_mail_is_shown_with_its_reason_and_sent_again_to_a_corrected_address(
    stage: Stage, chief: Browser
) -> None:
    dispatch = stage.visited()
    lost(dispatch)
    page = page_of(chief, detail(dispatch, "attestation/"))
    assert "届きませんでした" in page
    assert "宛先が見つかりません（550）。" in page
    asked = re.search(r'name="asked_before" value="(\d+)"', page)[1]  # type: ignore[index]
    answer = chief.post(
        detail(dispatch, "attestation/"), {"act": "correct", "email": "new@example.jp", "asked_before": asked}
    )
    assert answer.status_code == 302
    assert Company.objects.get(code="C1").email == "new@example.jp"
    assert Mail.objects.filter(template="attestation").latest("pk").to == "new@example.jp"
    assert "new@example.jp" in page_of(chief, detail(dispatch, "attestation/"))


def test_pressing_send_twice_sends_once(stage: Stage, chief: Browser) -> None:
    dispatch = stage.visited()
    before = AttestationLink.objects.count()
    data = {"act": "send", "asked_before": "1"}
    assert chief.post(detail(dispatch, "attestation/"), data).status_code == 302
    second = chief.post(detail(dispatch, "attestation/"), data)
    assert "依頼が送られています" in second.content.decode()
    assert AttestationLink.objects.count() == before + 1


def test_a_bad_address_is_refused_beside_its_field_and_kept(stage: Stage, chief: Browser) -> None:
    dispatch = stage.visited()
    page = chief.post(
        detail(dispatch, "attestation/"), {"act": "correct", "email": "new@", "asked_before": "1"}
    ).content.decode()
    assert "name@example.jp のような形" in page
    assert 'value="new@"' in page
    assert Company.objects.get(code="C1").email == "c1@example.jp"


def test_a_client_edited_meanwhile_is_not_overwritten(stage: Stage, chief: Browser) -> None:
    dispatch = stage.visited()
    page = page_of(chief, detail(dispatch, "attestation/"))
    token = re.search(r'name="edit_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    with acting(stage.operator, "change_client"):
        Company.objects.filter(code="C1").update(email="x@example.jp", updated_at=at("08-01 09:00"))
    answer = chief.post(
        detail(dispatch, "attestation/"),
        {"act": "correct", "email": "new@example.jp", "asked_before": "1", "edit_token": token},
    )
    assert "ほかの人が変更しました" in answer.content.decode()
    assert Company.objects.get(code="C1").email == "x@example.jp"


def test_an_objection_says_what_can_be_done_and_asking_again_keeps_it_visible(
    stage: Stage, chief: Browser
) -> None:
    dispatch = stage.reported()
    stage.attested(dispatch, confirmed=False, comment="終了は11時半です")
    page = page_of(chief, detail(dispatch, "attestation/"))
    assert "終了は11時半です" in page
    assert "差し戻して" in page
    count = AttestationLink.objects.count()
    assert (
        chief.post(detail(dispatch, "attestation/"), {"act": "send", "asked_before": str(count)}).status_code
        == 302
    )
    assert AttestationLink.objects.count() == count + 1


def test_a_dispatch_before_the_visit_says_why_nothing_can_be_asked(stage: Stage, chief: Browser) -> None:
    dispatch = stage.applied()
    page = page_of(chief, detail(dispatch, "attestation/"))
    assert "いまは依頼できません" in page
    answer = chief.post(detail(dispatch, "attestation/"), {"act": "send", "asked_before": "0"})
    assert "従事証明の依頼" in answer.content.decode()
    assert not AttestationLink.objects.exists()


def test_an_inquiry_is_answered_once_by_those_asked(
    stage: Stage, chief: Browser, other_chief: Browser
) -> None:
    dispatch = stage.reported()
    asked = ask_back(
        dispatch=dispatch, asked_of="institution", question="同行者は誰ですか。", actor=stage.operator
    )
    to_expert = ask_back(dispatch=dispatch, asked_of="expert", question="経路は？", actor=stage.operator)
    address = f"/portal/inquiries/{asked.pk}/"
    assert "同行者は誰ですか。" in page_of(chief, "/portal/inquiries/")
    assert chief.get(f"/portal/inquiries/{to_expert.pk}/").status_code == 404
    assert other_chief.get(address).status_code == 404
    assert "回答を入れてください" in chief.post(address, {"answer": " "}).content.decode()
    for _ in range(2):
        assert chief.post(address, {"answer": "担当の職員です。"}).status_code == 302
    late = chief.post(address, {"answer": "別の答え"})
    assert "回答が済んでいます" in late.content.decode()
    assert "別の答え" in late.content.decode()
    assert Inquiry.objects.get(pk=asked.pk).answer == "担当の職員です。"


def test_what_was_typed_before_comes_back(stage: Stage, chief: Browser) -> None:
    dispatch = stage.reported()
    asked = ask_back(dispatch=dispatch, asked_of="institution", question="？", actor=stage.operator)
    save_draft(person=stage.chief, form="inquiry", object=str(asked.pk), values={"answer": "書きかけ"})
    assert "書きかけ" in page_of(chief, f"/portal/inquiries/{asked.pk}/")
    chief.post(f"/portal/inquiries/{asked.pk}/", {"answer": "できた"})
    from dispatch.models import Draft

    assert not Draft.objects.exists()


def test_an_exception_is_asked_for_with_a_reason_once(stage: Stage, chief: Browser) -> None:
    dispatch = stage.applied()
    address = detail(dispatch, "requests/")
    assert "例外が必要な理由" in chief.post(address, {"kind": "limit", "reason": ""}).content.decode()
    assert "申請の種類" in chief.post(address, {"reason": "x"}).content.decode()
    # a face-to-face dispatch needs no approval for WEB
    assert chief.post(address, {"kind": "web", "reason": "x"}).status_code == 200
    for _ in range(2):
        assert chief.post(address, {"kind": "limit", "reason": "承継の期限"}).status_code == 302
    assert ApprovalRequest.objects.get().reason == "承継の期限"
    assert "判断待ち" in page_of(chief, detail(dispatch))


def test_staff_may_do_what_the_chief_may(stage: Stage) -> None:
    dispatch = stage.attested(stage.reported())
    client = Client()
    client.force_login(staff_of(stage))
    for more in ("", "approval/", "attestation/", "requests/"):
        assert client.get(detail(dispatch, more)).status_code == 200
    assert client.get("/portal/approvals/").status_code == 200


def test_lists_and_pages_ask_a_fixed_number_of_queries(stage: Stage, chief: Browser) -> None:
    case = stage.case()

    def queries(address: str) -> int:
        client = Client()
        client.force_login(stage.chief)
        client.get("/portal/")
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    first = stage.reported(stage.application(case))
    ask_back(dispatch=first, asked_of="institution", question="？", actor=stage.operator)
    chief.get(LIST)
    before = [queries(LIST), queries("/portal/inquiries/"), queries("/portal/approvals/")]
    for day in (13, 14, 15):
        other = stage.applied(
            stage.application(
                case,
                limit_reason="必要",
                lead_reason="急ぎ",
                planned_from=at(f"07-{day} 14:00"),
                planned_to=at(f"07-{day} 15:00"),
            )
        )
        ask_back(dispatch=other, asked_of="institution", question="？", actor=stage.operator)
    assert [queries(LIST), queries("/portal/inquiries/"), queries("/portal/approvals/")] == before
    assert before[0] <= 16
    assert queries(detail(first)) <= 40
    assert own_dispatches(stage.chief, Institution.objects.get(code="K1")).count() == 4


def test_links_mailed_again_open_the_same_visit(stage: Stage, chief: Browser) -> None:
    dispatch = stage.visited()
    chief.post(detail(dispatch, "attestation/"), {"act": "send", "asked_before": "1"})
    token = re.search(r"/c/([^/\s]+)/", Mail.objects.filter(template="attestation").latest("pk").body)
    assert token is not None
    found = link_of(token[1])
    assert found is not None
    assert found.dispatch == dispatch


def test_of_an_exclusion_the_institution_reads_what_was_told_and_not_the_offices_note(
    stage: Stage, chief: Browser
) -> None:
    dispatch = exclude_dispatch(
        dispatch=stage.approved(),
        reason="通報者の証言",
        told="訪問が確かめられません。",
        actor=stage.operator,
    )
    assert waiting_for(stage.chief)[-1].note == "訪問が確かめられません。"
    page = page_of(chief, detail(dispatch))
    assert "理由：訪問が確かめられません。" in page
    assert "通報者" not in page
    release_dispatch(dispatch=dispatch, reason="通報の取下げ", actor=stage.operator)
    page = page_of(chief, detail(dispatch))
    assert "訪問が確かめられません" not in page
    assert "通報" not in page
