"""An address is said with its prefecture, once."""

import pytest

from core.japan.addresses import whole_address


@pytest.mark.parametrize(
    ("code", "address", "whole"),
    [
        ("20", "松本市見本町1-2-3", "長野県松本市見本町1-2-3"),
        ("20", "長野県松本市見本町1-2-3", "長野県松本市見本町1-2-3"),
        ("26", "京都市見本区1", "京都府京都市見本区1"),
        ("99", "見本町1", "見本町1"),
        ("20", "", "長野県"),
    ],
)
def test_the_prefecture_stands_before_the_city_once(code: str, address: str, whole: str) -> None:
    assert whole_address(code, address) == whole
