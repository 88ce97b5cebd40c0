"""Finding experts: however a name is written, in an order whose reasons add up."""

import io
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.exchange.services import load_files
from core.japan import folding
from core.japan.folding import fold, words
from experts import search as searching
from experts.models import Expert
from experts.search import Criteria, Need, Reason, search

INSTITUTIONS = "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n"
EXPERTS = """専門家コード,氏名,氏名カナ,都道府県コード,住所,メールアドレス,推薦機関コード,登録要件,保有資格,専門分野,得意業種,活動拠点緯度,活動拠点経度,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分,所属機関コード,人件費補助
E1,髙橋 一郎,タカハシ イチロウ,13,東京都千代田区試験1,e1@example.jp,K1,資格,中小企業診断士,販路開拓;創業,E;I,35.69,139.77,0001,001,普通,1,タカハシ,報酬2号,,無
E2,高橋 花子,タカハシ ハナコ,20,長野県松本市試験2,e2@example.jp,K1,資格,税理士,資金繰り,M,36.24,137.97,0001,001,普通,2,タカハシ,報酬2号,,無
E3,渡邉 健,ワタナベ ケン,14,神奈川県横浜市西区試験3,e3@example.jp,K1,資格,ITコーディネータ,IT活用;販路開拓,G,35.45,139.62,0001,001,普通,3,ワタナベ,報酬2号,K1,無
E4,山﨑 ジョン,ヤマザキ ジヨン,01,北海道札幌市中央区試験4,e4@example.jp,K1,実務経験,,販路開拓,A,,,0001,001,普通,4,ヤマザキ,報酬1号,,有
E5,松本 税,マツモト チカラ,47,沖縄県那覇市試験5,e5@example.jp,K1,資格,社会保険労務士,人材・労務,P,26.21,127.68,0001,001,普通,5,マツモト,報酬2号,,無
"""


@pytest.fixture
def staff(db: None) -> User:
    files = {"institutions.csv": INSTITUTIONS, "experts.csv": EXPERTS}
    result = load_files(
        {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in files.items()}, actor=SYSTEM
    )
    assert result.ok, list(result.problems)
    with acting(SYSTEM, "story"):
        return User.objects.create(username="staff", role=Role.INSTITUTION_STAFF, email="staff@example.jp")


def found(user: User, need: Need | None = None, known: Any = None, **criteria: Any) -> list[str]:
    hits = search(Expert.objects.visible_to(user), Criteria(**criteria), need, known=known).hits
    return [hit.expert.code for hit in hits]


@pytest.mark.parametrize(
    ("typed", "stands_for"),
    [
        ("ﾀｶﾊｼ", "タカハシ"), ("たかはし", "タカハシ"), ("髙橋", "高橋"), ("渡邊", "渡辺"), ("渡邉", "渡辺"),
        ("山﨑", "山崎"), ("齋藤", "斎藤"), ("齊藤", "斎藤"), ("斉藤", "斎藤"), ("濵田", "浜田"), ("濱田", "浜田"),
        ("𠮷田", "吉田"), ("ＩＴ活用", "it活用"), ("ホジョ", "ホジヨ"), ("カズオ", "カヅオ"), ("か\u3099", "ガ"), ("辻\U000e0100", "辻"),
        ("ジョン・スミス", "じよんすみす"), ("山田　太郎", "山田太郎"), ("関ヶ原", "関ケ原"),
    ],
)  # fmt: skip
def test_ways_of_writing_fold_to_one(typed: str, stands_for: str) -> None:
    assert fold(typed) == fold(stands_for)


def test_different_names_stay_different() -> None:
    for one, other in (
        ("高橋", "高梨"),
        ("渡辺", "渡部"),
        ("ハナ", "パナ"),
        ("大阪", "大坂"),
        ("タカハシ", "タカバシ"),
    ):
        assert fold(one) != fold(other)


def test_words_are_told_apart_by_any_blank_and_signs_alone_are_none() -> None:
    assert words("  髙橋　はなこ 高橋\n-- ") == ["高橋", "ハナコ"]


def test_the_database_folds_as_python_does(db: None) -> None:
    texts = [chr(code) for code in folding.TABLE] + [chr(code) for code in range(0x3041, 0x3100)]
    texts += [chr(code) for code in range(0xFF01, 0xFFEF)] + [chr(code) for code in range(0x20, 0x180)]
    texts += [chr(code) for code in range(0x4E00, 0x9FFF)] + ["辻\U000e0100", "か\u3099", "㈱", "①"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT t, public.japan_fold(t) FROM unnest(%s::text[]) t", [texts])
        assert [(text, folded, fold(text)) for text, folded in cursor if folded != fold(text)] == []


@pytest.mark.parametrize("typed", ["髙橋", "高橋", "ﾀｶﾊｼ", "たかはし", "タカハシ", "たか", "高"])
def test_a_name_is_found_however_it_is_typed(staff: User, typed: str) -> None:
    assert set(found(staff, text=typed)) == {"E1", "E2"}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("高橋花子", {"E2"}), ("はなこ たかはし", {"E2"}), ("渡辺", {"E3"}), ("山崎", {"E4"}), ("ジョン", {"E4"}),
        ("診断士", {"E1"}), ("it", {"E3"}), ("販路 東京", {"E1"}), ("札幌", set()), ("北海道", {"E4"}), ("製造業", {"E1"}),
        ("宿泊", {"E2"}), ("関東", {"E1", "E2", "E3"}), ("e5", {"E5"}), ("100%", set()), ("_", {"E1", "E2", "E3", "E4", "E5"}),
        ("存在しない", set()), ("\\", set()), ("' OR 1=1", set()),
    ],
)  # fmt: skip
def test_a_word_is_found_where_people_look_for_it(staff: User, text: str, codes: set[str]) -> None:
    assert set(found(staff, text=text)) == codes


def test_an_address_is_not_searched(staff: User) -> None:
    assert found(staff, text="千代田区") == []


@pytest.mark.parametrize(
    ("criteria", "codes"),
    [
        ({"topic": "販路開拓"}, {"E1", "E3", "E4"}),
        ({"industry": "G"}, {"E3"}),
        ({"qualification": "税理士"}, {"E2"}),
        ({"qualification": "高橋"}, set()),
        ({"qualification": ".*("}, set()),
        ({"prefecture": "13"}, {"E1"}),
        ({"bureau": "関東経済産業局"}, {"E1", "E2", "E3"}),
        ({"topic": "販路開拓", "bureau": "関東経済産業局", "text": "わたなべ"}, {"E3"}),
    ],
)
def test_criteria_leave_out_whoever_does_not_meet_them(
    staff: User, criteria: dict[str, str], codes: set[str]
) -> None:
    assert set(found(staff, **criteria)) == codes


TOKYO = Need(
    topic="販路開拓", industry="E", prefecture="13", latitude=35.68, longitude=139.77, institution="K1"
)


def test_the_fittest_come_first_and_say_why(staff: User) -> None:
    hits = search(Expert.objects.visible_to(staff), Criteria(), TOKYO).hits
    assert [hit.expert.code for hit in hits] == ["E1", "E2", "E5", "E3", "E4"]
    texts = {hit.expert.code: [reason.text for reason in hit.reasons] for hit in hits}
    assert texts["E1"] == ["専門分野が一致: 販路開拓", "同じ都道府県・直線1km", "得意業種: 製造業"]
    assert texts["E3"][0] == "専門分野が一致: 販路開拓"
    assert "貴機関に所属" in texts["E3"][-1]
    assert "人件費の補助あり" in texts["E4"][-1]
    assert texts["E5"] == []


@pytest.mark.parametrize("text", ["", "たかはし", "販路"])
def test_what_is_shown_as_reason_is_what_decided(staff: User, text: str) -> None:
    known = {
        expert.pk: [Reason("貴機関の派遣 2回", 5), Reason("2件の予定", -3 * place), Reason("何もない")]
        for place, expert in enumerate(Expert.objects.order_by("code")[:3])
    }
    hits = search(Expert.objects.visible_to(staff), Criteria(text=text), TOKYO, known=known).hits
    assert hits
    for hit in hits:
        assert hit.score == sum(reason.points for reason in hit.reasons), hit.expert
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_name_comes_before_a_word_elsewhere(staff: User) -> None:
    assert found(staff, text="松本")[0] == "E5"
    assert found(staff, text="税") == ["E2", "E5"]
    assert found(staff, text="ゼイ") == []


def test_the_nearest_come_first_and_those_without_a_position_last(staff: User) -> None:
    assert found(staff, TOKYO, order="near") == ["E1", "E3", "E2", "E5", "E4"]
    assert found(staff, TOKYO, within_km=50) == ["E1", "E3"]
    assert found(staff, order="near") == found(staff)


def test_pages_follow_each_other_and_never_end_in_nothing(
    staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "PAGE", 2)
    pages = [
        search(Expert.objects.visible_to(staff), Criteria(order="name"), page=page) for page in (1, 2, 3, 9)
    ]
    assert [len(page.hits) for page in pages] == [2, 2, 1, 1]
    assert [page.has_next for page in pages] == [True, True, False, False]
    assert pages[3].page == 3
    assert {page.total for page in pages} == {5}


def test_counting_stops_where_nobody_looks(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST", 3)
    result = search(Expert.objects.visible_to(staff), Criteria())
    assert result.many
    assert result.total == 4


def test_a_search_takes_two_queries(staff: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        search(Expert.objects.visible_to(staff), Criteria(text="たか 関東", topic="創業"), TOKYO)


def test_a_changed_name_is_found_at_once_and_the_history_holds_no_copy(staff: User) -> None:
    with acting(SYSTEM, "story"):
        Expert.objects.filter(code="E5").update(name="齋藤 税", kana="サイトウ チカラ")
    assert found(staff, text="斉藤") == ["E5"]
    changes = Change.objects.filter(table="experts_expert")
    assert changes.filter(operation="U").exists()
    made = {"search_text", "base_x", "base_y", "base_z"}
    assert not any(made & (change.new or {}).keys() for change in changes)
