"""Tracking codes: made from a key, read as people type them, no single slip passes."""

import math
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.residents.codes import ALPHABET, LENGTH, code_hash, make_key, read_code, report_id, tracking_code

KEY = UUID("019ab5c0-0000-7000-8000-000000000001")
keys = st.integers(0, 2**128 - 1).map(lambda bits: UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62))


def test_the_alphabet_is_readable_and_a_code_can_not_be_guessed() -> None:
    assert not set("0O1IL") & set(ALPHABET)
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert math.log2(len(ALPHABET) ** LENGTH) > 50


def test_the_check_sign_by_hand() -> None:
    """Eleven signs of value 1 ("3"): places 1 to 11 sum to 66; 66 + 12 · 10 = 186 = 6 · 31, so the last is worth 10."""
    assert read_code("333333333333"[:11] + ALPHABET[10]) == f"3333-3333-333{ALPHABET[10]}"
    assert read_code("3" * 12) is None


@given(keys)
def test_a_code_is_read_back_however_it_is_typed(key: UUID) -> None:
    code = tracking_code(key)
    assert code == tracking_code(key)
    assert read_code(code) == code
    assert read_code(f"  {code.lower().replace('-', ' ')} ") == code
    full_width = "".join(chr(ord(one) + 0xFEE0) for one in code.replace("-", ""))
    assert read_code(full_width) == code


@given(keys, st.integers(0, LENGTH), st.sampled_from(ALPHABET))
def test_one_wrong_sign_is_found(key: UUID, place: int, sign: str) -> None:
    signs = tracking_code(key).replace("-", "")
    wrong = signs[:place] + sign + signs[place + 1 :]
    assert (read_code(wrong) is None) == (wrong != signs)


@given(keys, st.integers(0, LENGTH), st.integers(0, LENGTH))
def test_two_signs_that_changed_places_are_found(key: UUID, first: int, second: int) -> None:
    signs = list(tracking_code(key).replace("-", ""))
    right = "".join(signs)
    signs[first], signs[second] = signs[second], signs[first]
    assert (read_code("".join(signs)) is None) == ("".join(signs) != right)


@pytest.mark.parametrize("typed", ["", "-", "ABCD", "3" * 13, "0" * 12, "验证码验证码验证码验证码", "3333-3333-333\0"])
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


@given(keys)
def test_the_report_s_id_is_of_the_key_s_millisecond_and_tells_nothing_of_the_key(key: UUID) -> None:
    made = report_id(key)
    assert made.version == 7
    assert made.variant == key.variant
    assert made.int >> 80 == key.int >> 80
    assert made != key
    assert tracking_code(made) != tracking_code(key)


def test_keys_are_new_each_time_and_hashes_are_not_codes() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    made = {make_key(now) for _ in range(200)}
    assert len(made) == 200
    assert {one.version for one in made} == {7}
    assert {one.int >> 80 for one in made} == {int(now.timestamp() * 1000)}
    assert tracking_code(KEY).replace("-", "") not in code_hash(tracking_code(KEY)).upper()
