"""Search as people type it."""

import pytest

from data.search import keys_of, matches

KEYS = keys_of(("下陆社区初心驿站", "社保查询"), ("Xialu Service Station", "重庆路 12号", "420204-S1"))


@pytest.mark.parametrize(
    "query",
    [
        "初心驿站", "xialu", "chuxinyizhan", "cxyz", "xlsq", "SBCX", "shebao 下陆", "service STATION", "重庆路",
        "１２号", "", "s1",
    ],
)  # fmt: skip
def test_found_by_characters_pinyin_initials_and_english(query: str) -> None:
    assert matches(KEYS, query)


@pytest.mark.parametrize("query", ["食堂", "chongqing", "xialu canteen", "xzl", "站社保", "|"])
def test_not_found(query: str) -> None:
    """Words do not run over from one key into the next; addresses are not spelled."""
    assert matches(KEYS, query) is (query == "|")


def test_keys_are_each_there_once() -> None:
    keys = keys_of(("驿站", "驿站", None), ("Station", "station"))
    assert keys == "驿站|yizhan|yz|station"
