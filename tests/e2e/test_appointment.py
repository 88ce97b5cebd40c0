"""An appointment in browsers: the office opens the year, an expert agrees on the phone, gets the letter and accepts."""

import io
import re
from typing import Any

from accessibility import judge
from playwright.sync_api import expect

from accounts.models import Role
from core import clock
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.jobs.models import Job
from core.jobs.services import execute_job
from experts.appointment.models import Acceptance, Letter
from experts.models import Expert
from rules.dates import fiscal_year

FILES = {
    "institutions.csv": """機関コード,機関名,機関区分,都道府県コード
K1,試験商工会,商工会,13
""",
    "experts.csv": """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分
E1,吉田 太郎,ヨシダ タロウ,13,試験町1,e1@example.jp,K1,資格,0001,001,普通,1112345,ヨシダ タロウ,報酬2号
E2,別田 花子,ベツダ ハナコ,27,試験町2,e2@example.jp,K1,資格,0001,001,普通,2223456,ベツダ ハナコ,報酬2号
""",
}


def barriers_of(page: Any, desk: Any, *, phone: bool = False) -> list[str]:
    """What a page is judged for; axe-core sets styles while it measures, of which the policy complains."""
    before = list(desk.trouble)
    found = [f"{page.url}: {each}" for each in judge(page, phone=phone)]
    desk.trouble[:] = before
    return found


def test_an_appointment_from_the_conditions_to_the_acceptance(desk: Any, site: Any) -> None:
    files = {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in FILES.items()}
    assert load_files(files, actor=SYSTEM).ok
    site.person("tanaka", Role.OFFICE_OPERATOR)
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(user=site.person("yoshida", Role.EXPERT))
    year = fiscal_year(clock.today())
    barriers: list[str] = []

    office = desk.sign_in("tanaka", path="/office/appointments/")
    office.locator("#id_fiscal_year").select_option(str(year))
    office.get_by_label("委嘱期間の初日").fill(clock.today().isoformat())
    barriers += barriers_of(office, desk)
    office.get_by_role("button", name="専門家全員へ委嘱条件を案内する").click()
    expect(office.get_by_role("heading", level=1)).to_have_text(f"{year}年度の委嘱")
    # the worker's part; the page notices by itself
    execute_job(Job.objects.get(kind="send_appointments").pk)
    expect(office.get_by_role("link", name="回答待ち 2", exact=True)).to_be_visible()

    own = desk.sign_in("yoshida", path="/expert/", width=375)
    own.get_by_role("link", name="委嘱条件を確認し、同意するかをお答えください").click()
    own.get_by_role("button", name="回答を送る").click()
    expect(own.get_by_role("alert")).to_contain_text("「同意する」か「辞退する」を選んでください")
    barriers += barriers_of(own, desk, phone=True)
    own.get_by_label("条件を読み、同意する").check()
    own.get_by_role("button", name="回答を送る").click()
    expect(own.get_by_text("委嘱条件への同意を受け付けました")).to_be_visible()

    office.reload()
    office.get_by_role("link", name="1人の委嘱状の発行へ").click()
    office.get_by_label("委嘱する機関の名称").fill("試験事務局")
    office.get_by_label("代表者の職・氏名").fill("局長　試験 太郎")
    barriers += barriers_of(office, desk)
    office.get_by_role("button", name="1人へ発行する").click()
    expect(office.get_by_text("委嘱状の発行を始めました")).to_be_visible()
    execute_job(Job.objects.get(kind="issue_letters").pk)
    expect(office.get_by_role("link", name="承諾待ち 1", exact=True)).to_be_visible()
    barriers += barriers_of(office, desk)

    own.goto("/expert/")
    own.get_by_role("link", name=re.compile("委嘱状が届いています")).click()
    with own.expect_download() as download:
        own.get_by_role("button", name="委嘱状（PDF）を受け取る").click()
    assert download.value.suggested_filename == f"委嘱状_{year}-00001_E1.pdf"
    own.get_by_role("button", name="就任を承諾する").click()
    expect(own.get_by_text("就任承諾書を受け付けました")).to_be_visible()
    with own.expect_download() as download:
        own.get_by_role("button", name="就任承諾書（PDF）").click()
    assert download.value.suggested_filename == f"就任承諾書_{year}-00001_E1.pdf"
    barriers += barriers_of(own, desk, phone=True)

    office.reload()
    with office.expect_download() as download:
        office.get_by_role("link", name="ZIP（1通）").click()
    assert download.value.suggested_filename.endswith(".zip")
    office.get_by_role("link", name="E1", exact=True).click()
    expect(office.get_by_role("main")).to_contain_text("第")
    barriers += barriers_of(office, desk)
    assert Letter.objects.count() == Acceptance.objects.count() == 1
    assert barriers == []
