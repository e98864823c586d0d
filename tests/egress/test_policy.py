"""Which addresses are public, and what an operator can allow besides."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tropism.egress.policy import LAPTOP, EgressRefused, allowing
from tropism.server.settings import Settings, from_environment

PUBLIC = allowing(["public"])
INSIDE = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.1.1", "172.16.0.1"),
    *(
        "172.31.255.255",
        "192.0.0.8",
        "192.88.99.1",
        "3fff::1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
    ),
    *("255.255.255.255", "::", "::1", "::10.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1"),
    *(
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ),
]
OUTSIDE = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"]
CREDENTIALS = [
    *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
    *(
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
    ),
    *("169.254.0.23", "169.254.42.42", "fd00:42::42", "fd00:c1::a9fe:a9fe", "fd20:ce::254", "fe80::a9fe:a9fe"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(EgressRefused, match="'name' leads to a .* address.*TROPISM_EGRESS_ALLOW"):
        PUBLIC.refuse("name", ip_address(address), 80)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_not_refused(address: str) -> None:
    PUBLIC.refuse("name", ip_address(address), 443)


@pytest.mark.parametrize("address", CREDENTIALS)
@pytest.mark.parametrize("entries", [["public"], ["loopback"], ["private"], ["169.254.0.0/16", "fd00::/8"], ["name"]])
def test_credentials_of_a_machine_are_out_of_reach(address: str, entries: list[str]) -> None:
    with pytest.raises(EgressRefused, match="credentials"):
        allowing(entries).refuse("name", ip_address(address), 80)


def test_an_operator_can_name_even_those() -> None:
    allowing(["169.254.169.254"]).refuse("name", ip_address("169.254.169.254"), 80)
    allowing(["all"]).refuse("name", ip_address("fd00:ec2::254"), 80)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("loopback", "127.0.0.1"),
        ("loopback", "::1"),
        ("Loopback", "::ffff:127.0.0.1"),
        ("private", "10.1.2.3"),
        ("private", "fd12::1"),
        ("private", "100.64.0.1"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("[fd12::1]", "fd12::1"),
        ("fd12::/64", "fd12::1"),
        ("name", "10.1.2.3"),
        ("NAME.", "127.0.0.1"),
        ("all", "0.0.0.0"),
    ],
)
def test_what_an_operator_allows_is_not_refused(entry: str, address: str) -> None:
    allowing(["", entry]).refuse("name", ip_address(address), 6379)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("loopback", "10.0.0.1"),
        ("private", "127.0.0.1"),
        ("private", "169.254.1.1"),
        ("10.0.0.0/8", "11.0.0.1.x"),
        ("name", "x"),
        ("other", "10.0.0.1"),
        ("me", "10.0.0.1"),
    ],
)
def test_nothing_more_is_allowed(entry: str, address: str) -> None:
    inside = ip_address("192.168.0.1" if address.endswith("x") else address)
    with pytest.raises(EgressRefused):
        allowing([entry]).refuse("some.name", inside, 80)


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "10.0.0", "10.0.0.256", "a b", "http://host", "*.internal", "host:80"]
)
def test_what_cannot_be_meant_is_said_at_the_start(entry: str) -> None:
    with pytest.raises(ValueError, match="TROPISM_EGRESS_ALLOW"):
        from_environment({"TROPISM_EGRESS_ALLOW": f"loopback, {entry}"})


@pytest.mark.parametrize("port", [1, 22, 25, 111, 445, 1023])
def test_public_addresses_are_asked_at_ports_of_the_web(port: int) -> None:
    with pytest.raises(EgressRefused, match=f"port {port} of 'name' is no port of the web"):
        PUBLIC.refuse("name", ip_address("1.1.1.1"), port)
    allowing(["name"]).refuse("name", ip_address("1.1.1.1"), port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_a_server_of_this_machine_alone_may_ask_this_machine(host: str) -> None:
    assert Settings(host=host).egress == LAPTOP
    LAPTOP.refuse("name", ip_address("127.0.0.1"), 11434)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "tropism.example.org"])
def test_a_server_for_others_may_not(host: str) -> None:
    with pytest.raises(EgressRefused, match="loopback"):
        Settings(host=host).egress.refuse("name", ip_address("127.0.0.1"), 11434)


def test_the_setting_takes_the_place_of_the_default() -> None:
    settings = from_environment({"TROPISM_EGRESS_ALLOW": "public"}, host="127.0.0.1")
    with pytest.raises(EgressRefused, match="loopback"):
        settings.egress.refuse("name", ip_address("127.0.0.1"), 11434)
    settings = from_environment({"TROPISM_EGRESS_ALLOW": " loopback,10.0.0.0/8 "}, host="0.0.0.0")
    settings.egress.refuse("name", ip_address("127.0.0.1"), 11434)
    settings.egress.refuse("name", ip_address("10.9.9.9"), 11434)


@pytest.mark.parametrize("url", ["gateway", "ftp://gateway.example", "https://", "https://me:pw@gateway.example/v1"])
def test_a_base_url_that_cannot_be_meant_is_said_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="TROPISM_GOOGLE_BASE_URL must be a URL") as caught:
        from_environment({"TROPISM_GOOGLE_BASE_URL": url})
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://Gateway.internal.:9/v1", "http://10.1.2.3:9", "http://[fd12::1]:9/v1"])
def test_the_host_of_a_base_url_is_trusted_and_no_other(url: str) -> None:
    egress = allowing(["public"]).trusting(url)
    host = url.split("/")[2].rpartition(":")[0].strip("[]")
    egress.refuse(host, ip_address("10.1.2.3"), 9)
    with pytest.raises(EgressRefused):
        egress.refuse("other.internal", ip_address("10.1.2.3"), 9)
    with pytest.raises(EgressRefused):
        egress.refuse(host, ip_address("169.254.169.254"), 9)
