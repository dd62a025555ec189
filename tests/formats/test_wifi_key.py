"""Keys of networks as users write them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.formats.wifi_key import WifiKeyError, wifi_keys, wifi_keys_of_lines

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
SSIDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(SSIDS, st.text(PRINTABLE, min_size=8, max_size=63))
def test_among_the_readings_is_the_one_that_was_meant(ssid: str, passphrase: str) -> None:
    pmk = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32)
    keys = wifi_keys(f"{ssid}:{passphrase}")
    assert (ssid, pmk) in [(key.ssid, key.pmk) for key in keys]
    assert len(keys) <= 1 + f"{ssid}{passphrase}".count(":")


@given(st.text(max_size=80))
def test_any_text_is_a_key_or_an_error_that_keeps_the_secret(text: str) -> None:
    try:
        said = repr(wifi_keys(text))
    except WifiKeyError as error:
        said = str(error)
    # names are shown, and a secret of a letter or two is in any text
    secret = text.rpartition(":")[2]
    assert len(secret) < 8 or secret not in said


def test_the_published_vectors() -> None:
    """IEEE 802.11-2020, annex J.4.2."""
    (short,) = wifi_keys("IEEE:password")
    assert short.pmk.hex() == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    (long,) = wifi_keys("ThisIsASSID:ThisIsAPassword")
    assert long.pmk.hex() == "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"


def test_a_psk_is_taken_as_it_is() -> None:
    (key,) = wifi_keys(f"home:{'aB' * 32}")
    assert key.pmk == b"\xab" * 32


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sesame-open", "no colon"),
        (":sesame-open", "1 to 32 bytes"),
        (f"{'x' * 33}:sesame-open", "1 to 32 bytes"),
        ("home:sesame", "8 to 63"),
        ("home:sesame-öffne", "8 to 63"),
        (f"home:{'g' * 64}", "64 hexadecimal"),
        ("home:", "8 to 63"),
    ],
)
def test_what_is_no_key(text: str, why: str) -> None:
    with pytest.raises(WifiKeyError, match=why) as caught:
        wifi_keys(text)
    assert "sesame" not in str(caught.value)


def test_lines_of_a_file() -> None:
    keys = wifi_keys_of_lines(["# all sites\n", "\n", "home:correct horse\r\n", "a:b:correct horse"])
    assert [key.ssid for key in keys] == ["home", "a", "a:b"]
    with pytest.raises(WifiKeyError, match="line 2: a passphrase"):
        wifi_keys_of_lines(["home:correct horse", "work:short"])
