"""The files of the proxy: what is in them, and what a change to one site leaves alone."""

from __future__ import annotations

import ctypes.util
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import expose_files, expose_tree, expose_wall
from runner.ansible_plugins.module_utils.password_hash import bcrypt

TOKEN = "a-token-of-enough-characters"


def site(name: str = "shop.chat", **more: Any) -> dict[str, Any]:
    return {
        "site": name,
        "host": "203.0.113.7",
        "named": False,
        "tls": "internal",
        "acme_directory": "",
        "acme_email": "",
        "auth": "token",
        "user": "slipway",
        "secret": TOKEN,
        "cidr": [],
        "ports": [{"port": 443, "upstream": 11434, "protocol": "http"}],
        "max_body_mb": 100,
        **more,
    }


def at(port: int) -> list[dict[str, Any]]:
    return [{"port": port, "upstream": 8000, "protocol": "http"}]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, ""),
        ({"site": "shop chat"}, "site must be"),
        ({"host": "a b"}, "host must be"),
        ({"host": "a{$HOME}"}, "host must be"),
        ({"secret": 'x" } respond "'}, "the token must be"),
        ({"secret": "short"}, "the token must be"),
        ({"secret": None}, "the token must be"),
        ({"auth": "basic", "secret": "short"}, "the password must be"),
        ({"auth": "basic", "secret": "ä" * 40}, "the password must be"),
        ({"auth": "basic", "secret": 'x" } respond "'}, ""),  # only its hash is written
        ({"cidr": ["10.0.0.0/8", "accept"]}, "cidr: "),
        ({"cidr": ["2001:db8::%x\n\thandle {\n\t}\n#/32"]}, "cidr: "),
        ({"cidr": ["fe80::%eth0"]}, "cidr: "),
    ],
)
def test_what_could_be_misread_is_refused(more: dict[str, Any], reason: str) -> None:
    said = expose_files.fault(site(**more))
    assert said.startswith(reason)
    assert bool(said) is bool(reason)


def test_each_site_has_files_of_its_own() -> None:
    one = expose_tree.with_site({}, site(), TOKEN)
    assert sorted(one) == ["443/Caddyfile", "443/shop.chat.caddy", "443/shop.chat.json", "firewall.nft", "open.nft"]
    two = expose_tree.with_site(one, site("shop.desk", ports=at(8443)), TOKEN)
    assert {path: two[path] for path in one if path.startswith("443/")} == {
        path: text for path, text in one.items() if path.startswith("443/")
    }
    assert expose_tree.of_port(two, 443) == expose_tree.of_port(one, 443)
    assert expose_tree.without(two, "shop.desk") == one
    assert expose_tree.without(one, "shop.chat") == {}
    assert expose_tree.without(one, "shop.cha") == one


def test_site_that_moves_leaves_its_old_port() -> None:
    before = expose_tree.with_site({}, site(), TOKEN)
    after = expose_tree.with_site(before, site(ports=at(8443)), TOKEN)
    assert expose_tree.ports(after) == [8443]
    assert not [path for path in after if path.startswith("443/")]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"name": "shop.desk"}, "port 443 of this machine is taken by shop.chat"),
        ({"name": "shop.desk", "host": "a.example.com", "named": True}, "taken by shop.chat"),
        ({"name": "shop.desk", "ports": at(8443)}, ""),
        ({"name": "shop.chat"}, ""),
    ],
)
def test_an_address_has_its_port_alone(other: dict[str, Any], reason: str) -> None:
    tree = expose_tree.with_site({}, site(), TOKEN)
    assert reason in expose_tree.conflict(tree, site(**other))


def test_domains_share_a_port() -> None:
    first = site(host="a.example.com", named=True)
    tree = expose_tree.with_site({}, first, TOKEN)
    second = site("shop.desk", host="b.example.com", named=True)
    assert expose_tree.conflict(tree, second) == ""
    assert "default_sni" not in expose_tree.with_site(tree, second, TOKEN)["443/Caddyfile"]
    assert "taken by" in expose_tree.conflict(tree, site("shop.desk", host="a.example.com", named=True))


def test_rules_name_exactly_the_callers_of_each_port() -> None:
    tree = expose_tree.with_site({}, site(cidr=["10.0.0.1/8", "2001:db8::/32"]), TOKEN)
    tree = expose_tree.with_site(tree, site("shop.desk", ports=at(8443)), TOKEN)
    assert tree["open.nft"].splitlines()[1:] == [
        "tcp dport 443 ip saddr 10.0.0.0/8 accept",
        "tcp dport 443 ip6 saddr 2001:db8::/32 accept",
        "tcp dport 8443 accept",
    ]
    own = [line.strip() for line in tree["firewall.nft"].splitlines() if "dport" in line]
    assert own == [*tree["open.nft"].splitlines()[1:3], "tcp dport 443 drop"]


def test_everybody_is_let_in_where_one_domain_is_public() -> None:
    tree = expose_tree.with_site({}, site(host="a.b.com", named=True, cidr=["10.0.0.0/8"]), TOKEN)
    tree = expose_tree.with_site(tree, site("shop.desk", host="c.b.com", named=True), TOKEN)
    assert tree["open.nft"].splitlines()[1:] == ["tcp dport 443 accept"]
    assert "dport" not in tree["firewall.nft"]
    assert "not remote_ip 10.0.0.0/8" in tree["443/shop.chat.caddy"]


def test_networks_are_written_as_they_are_understood() -> None:
    text = expose_files.site_file(site(cidr=["10.1.2.3/8", "10.9.0.0/255.255.0.0"]), at(443)[0], TOKEN)
    assert "\t@outside not remote_ip 10.0.0.0/8 10.9.0.0/16\n" in text


@pytest.mark.parametrize("auth", ["token", "basic", "none"])
def test_no_service_gets_the_tokens_of_its_neighbours(auth: str) -> None:
    lines = [line.strip() for line in expose_files.site_file(site(auth=auth), at(443)[0], TOKEN).splitlines()]
    assert "request_header -X-Slipway-Token" in lines
    assert "@kept header Cookie *__Host-slipway-*" in lines
    assert any(line.startswith("request_header @kept Cookie ") for line in lines)


def test_page_of_the_login_is_one_line_and_ends_no_quote() -> None:
    assert "\n" not in expose_wall.PAGE
    assert "`" not in expose_wall.PAGE
    assert "{http." not in expose_wall.PAGE


@pytest.mark.skipif(not ctypes.util.find_library("crypt"), reason="this machine's C library has no crypt")
def test_hash_of_a_password_is_kept_as_long_as_it_fits() -> None:
    first = bcrypt("a password of some length")
    assert first.startswith("$2b$10$")
    assert len(first) == 60
    assert bcrypt("a password of some length", first) == first
    assert bcrypt("another password", first) != first
    tree = expose_tree.with_site({}, site(auth="basic"), first)
    assert expose_tree.known_hash(tree, "shop.chat") == first
    assert expose_tree.known_hash(tree, "shop.desk") == ""
