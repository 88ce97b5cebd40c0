"""A year end in browsers: the office asks, experts answer on their phones, the office closes; no barriers on the way."""

import io
import re
from pathlib import Path
from typing import Any

from accessibility import judge
from playwright.sync_api import expect

from accounts.models import Role
from core import clock
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.jobs.models import Job
from core.jobs.services import execute_job
from core.notify.models import Mail
from core.secrets import decrypt
from experts.models import Expert
from experts.renewal.models import Ask
from rules.dates import fiscal_year

FILES = {
    "institutions.csv": """機関コード,機関名,機関区分,都道府県コード
K1,試験商工会,商工会,13
""",
    "experts.csv": """専門家コード,氏名,氏名カナ,都道府県コード,住所,電話番号,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,03-1111-1111,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号
E2,別田 花子,ベツダ ハナコ,27,試験町2,06-2222-2222,e2@example.jp,K1,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬2号
E3,無連 三郎,ムレン サブロウ,13,試験町3,03-3333-3333,なし,K1,資格,0001,001,普通,3334567,ムレン サブロウ,報酬2号
""",
}


def link_of(address: str) -> str:
    """The path of the link mailed to an expert."""
    body = decrypt(Mail.objects.get(to=address, template="renewal").body_cipher)
    found = re.search(r"/renew/[^/\s]+/", body)
    assert found
    return found[0]


def barriers_of(page: Any, desk: Any, *, phone: bool = False) -> list[str]:
    """What a page is judged for; axe-core sets styles while it measures, of which the policy complains."""
    before = list(desk.trouble)
    found = [f"{page.url}: {each}" for each in judge(page, phone=phone)]
    desk.trouble[:] = before
    return found


def test_a_year_end_from_the_question_to_the_last_day(desk: Any, site: Any, tmp_path: Path) -> None:
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    assert load_files(files, actor=SYSTEM).ok
    site.person("tanaka", Role.OFFICE_OPERATOR)
    site.person("suzuki", Role.OFFICE_APPROVER)
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(user=site.person("yoshida", Role.EXPERT))
    year = fiscal_year(clock.today())
    barriers: list[str] = []

    office = desk.sign_in("tanaka", path="/office/experts/")
    office.get_by_role("link", name="登録の更新").click()
    barriers += barriers_of(office, desk)
    office.get_by_label("案内の文").fill("今年度もご協力ありがとうございました。")
    office.get_by_role("button", name="準備する").click()
    expect(office.get_by_role("heading", level=1)).to_have_text(f"{year}年度末の登録の更新")
    office.get_by_role("link", name="3人への案内の送信へ").click()
    expect(office.get_by_role("main")).to_contain_text("うちメールアドレスなし")
    barriers += barriers_of(office, desk)
    office.get_by_role("button", name="3人へ送る").click()
    expect(office.get_by_role("progressbar")).to_be_visible()
    # the worker's part; the page notices by itself
    execute_job(Job.objects.get(kind="send_renewal").pk)
    expect(office.get_by_role("link", name="未回答 3", exact=True)).to_be_visible()

    # the first expert signs in
    own = desk.sign_in("yoshida", path="/expert/", width=375)
    own.get_by_role("link", name=re.compile("登録の更新の回答をお願いします")).click()
    own.get_by_role("button", name="回答を送る").click()
    expect(own.get_by_role("alert")).to_contain_text("「更新する」か「更新しない」を選んでください")
    own.get_by_text("更新する", exact=True).click()
    own.get_by_label("変更はない").check()
    own.get_by_text(re.compile(r"「専門家登録規約」（.+版）を読む")).click()
    expect(own.get_by_role("heading", name="専門家登録規約")).to_be_visible()
    barriers += barriers_of(own, desk, phone=True)
    for box in own.get_by_role("checkbox").all():
        box.check()
    own.get_by_role("button", name="回答を送る").click()
    expect(own.get_by_text("登録の更新の回答を受け付けました")).to_be_visible()
    barriers += barriers_of(own, desk, phone=True)

    # the second one has the mail alone
    phone = desk.open(link_of("e2@example.jp"), width=375)
    expect(phone.get_by_text("別田 花子 様")).to_be_visible()
    phone.get_by_text("更新しない", exact=True).click()
    expect(phone.get_by_text("登録内容に変更はありますか")).to_be_hidden()
    phone.get_by_label("更新しない理由").select_option("転職・転居のため")
    barriers += barriers_of(phone, desk, phone=True)
    phone.get_by_role("button", name="回答を送る").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("回答を受け付けました")

    # whom no mail reached is called
    office.get_by_role("link", name="メール不達 1", exact=True).click()
    expect(office.get_by_role("link", name="03-3333-3333")).to_be_visible()
    barriers += barriers_of(office, desk)
    office.get_by_role("link", name="E3").click()
    office.get_by_label("更新する", exact=True).check()
    office.get_by_label("電話", exact=True).check()
    office.get_by_label("経緯").fill("本人から電話")
    office.get_by_role("button", name="回答を記録する").click()
    expect(office.get_by_text("無連 三郎 さんの回答を記録しました")).to_be_visible()
    barriers += barriers_of(office, desk)

    approver = desk.sign_in("suzuki", path=f"/office/renewal/{year}/")
    approver.get_by_role("link", name="締め切りへ").click()
    expect(approver.get_by_role("table")).to_contain_text("転職・転居のため")
    approver.get_by_label("名簿と例外を確かめました").check()
    barriers += barriers_of(approver, desk)
    approver.get_by_role("button", name="1人の登録を終了して締め切る").click()
    expect(approver.get_by_text(f"{year}年度末の登録の更新を締め切りました")).to_be_visible()
    barriers += barriers_of(approver, desk)
    assert str(Expert.objects.get(code="E2").valid_until) == f"{year + 1}-03-31"
    assert Expert.objects.filter(valid_until=None).count() == 2
    assert set(Ask.objects.values_list("source", flat=True)) == {"page", "link", "phone"}

    # the decision of one is taken back
    approver.goto("/office/experts/E2/")
    approver.get_by_role("link", name="登録を戻す").click()
    barriers += barriers_of(approver, desk)
    approver.get_by_label("戻す理由").fill("本人から継続の申し出")
    approver.get_by_role("button", name="登録を戻す").click()
    expect(approver.get_by_text("別田 花子 さんの登録を戻しました")).to_be_visible()
    assert barriers == []
