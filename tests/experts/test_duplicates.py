"""Who may already be in the register is found by account, by name with phone, and by address, however written."""

import io

import pytest
from pytest_django import DjangoAssertNumQueries

from core.audit.acting import SYSTEM
from core.exchange.services import load_files
from experts.duplicates import Likeness, Person, likely_duplicates
from experts.models import Expert

pytestmark = pytest.mark.django_db

INSTITUTIONS = "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n"
EXPERTS = """専門家コード,氏名,氏名カナ,都道府県コード,住所,電話番号,メールアドレス,推薦機関コード,登録要件,銀行コード,支店コード,預金種目,口座番号,口座名義カナ,源泉区分
E1,髙橋 一郎,タカハシ イチロウ,13,東京都千代田区試験町3-2-1,03-1234-5678,e1@example.jp,K1,資格,0001,001,普通,12345,タカハシ,報酬2号
E2,高橋 花子,タカハシ ハナコ,13,千代田区試験町三丁目２番１号　見本ビル201,090-1111-2222,e2@example.jp,K1,資格,0001,001,普通,54321,タカハシ,報酬2号
E3,渡邉 健,ワタナベ ケン,14,神奈川県横浜市西区試験3-21,045-111-2222,e3@example.jp,K1,資格,0001,001,当座,12345,ワタナベ,報酬2号
"""


@pytest.fixture(autouse=True)
def registered() -> None:
    files = {"institutions.csv": INSTITUTIONS, "experts.csv": EXPERTS}
    result = load_files(
        {name: io.BytesIO(text.encode("utf-8-sig")) for name, text in files.items()}, actor=SYSTEM
    )
    assert result.ok, list(result.problems)


def found(person: Person) -> dict[str, tuple[Likeness, ...]]:
    return {hit.expert.code: hit.reasons for hit in likely_duplicates(Expert.objects.all(), person)}


@pytest.mark.parametrize("name", ["髙橋 一郎", "高橋一郎", "高橋　一郎"])
@pytest.mark.parametrize(
    "phone", ["0312345678", "０３ー１２３４－５６７８", "03(1234)5678", "+81-3-1234-5678"]
)
def test_name_and_phone_are_compared_however_written(name: str, phone: str) -> None:
    assert found(Person(name=name, phone=phone)) == {"E1": (Likeness.NAME_AND_PHONE,)}


def test_a_name_alone_or_a_phone_alone_is_no_likeness() -> None:
    assert found(Person(name="高橋 一郎", phone="0399999999")) == {}
    assert found(Person(name="高橋", phone="0312345678")) == {}
    assert found(Person(name="高橋 一郎")) == {}
    assert found(Person()) == {}


def test_the_account_is_compared_unsealed_and_with_its_kind() -> None:
    account = {"bank_code": "0001", "branch_code": "001", "account_number": "0012345"}
    assert found(Person(**account, account_type="普通")) == {"E1": (Likeness.ACCOUNT,)}
    assert found(Person(**account, account_type="貯蓄")) == {}
    assert found(Person(**(account | {"branch_code": "004"}), account_type="普通")) == {}


@pytest.mark.parametrize(
    "address", ["東京都千代田区試験町3-2-1", "千代田区試験町３丁目２ー１", "千代田区試験町三丁目2番1号"]
)
def test_an_address_is_compared_as_far_as_its_lot(address: str) -> None:
    person = Person(prefecture_code="13", address=address)
    assert found(person) == {"E1": (Likeness.ADDRESS,), "E2": (Likeness.ADDRESS,)}


@pytest.mark.parametrize(
    "address", ["横浜市西区試験32-1", "横浜市西区試験3-2", "横浜市西区試験", "横浜市西区試験3-21-1"]
)
def test_another_lot_is_another_address(address: str) -> None:
    assert found(Person(prefecture_code="14", address=address)) == {}


def test_the_strongest_reason_comes_first_and_only_those_in_scope_are_looked_at() -> None:
    person = Person(
        name="高橋 花子", phone="09011112222", prefecture_code="13", address="千代田区試験町3-2-1",
        bank_code="0001", branch_code="001", account_type="普通", account_number="12345",
    )  # fmt: skip
    assert list(found(person).items()) == [
        ("E1", (Likeness.ACCOUNT, Likeness.ADDRESS)),
        ("E2", (Likeness.NAME_AND_PHONE, Likeness.ADDRESS)),
    ]
    others = Expert.objects.exclude(code="E1")
    assert [hit.expert.code for hit in likely_duplicates(others, person)] == ["E2"]


def test_looking_takes_three_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    person = Person(
        name="高橋 花子", phone="09011112222", prefecture_code="13", address="千代田区試験町3-2-1",
        bank_code="0001", branch_code="001", account_type="普通", account_number="12345",
    )  # fmt: skip
    with django_assert_num_queries(3):
        likely_duplicates(Expert.objects.all(), person)
