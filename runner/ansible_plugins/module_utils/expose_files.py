"""What the proxy of a host reads: one folder for each port with a Caddyfile and a file for each site, and the rules of
the firewall. Pure: texts only, no files, no host. What is put into a text was checked by `fault` before.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Dict, List

from .expose_wall import late_answer, upstream, wall

SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}\Z")
"""A token is a header's value and part of the configuration: nothing that either could misread."""
DIFFERENT = 8
"""Characters of a token that somebody chose."""
PASSWORD_BYTES = (12, 72)
"""Of more than the latter, bcrypt looks at no more."""
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,120}\Z")
PATH = re.compile(r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\*)?\Z")
"""What may pass at a port: a path, or everything below one."""
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)\Z")
BEGIN = "# Written by Slipway's role expose: changes made here are lost.\n"


def fault(params):
    """Why the options cannot be put into a configuration; empty when they can."""
    if not NAME.match(params["site"]):
        return "site must be small letters, digits, dots and hyphens"
    if not HOST.match(params["host"]):
        return "host must be a name or an address as in a URL"
    if params["auth"] == "token" and not SECRET.match(params["secret"] or ""):
        return "the token must be 16 to 512 characters: letters, digits and . _ ~ + / = -"
    if params["auth"] == "token" and len(set(params["secret"])) < DIFFERENT:
        return "the token is too easy to guess: it has fewer than %d different characters" % DIFFERENT
    if params["auth"] == "basic" and not _fits(params["secret"] or ""):
        return "the password must be %d to %d bytes long" % PASSWORD_BYTES
    if not all(PATH.match(text) for port in params["ports"] for text in port.get("paths") or ()):
        return "paths: a path, or everything below one as in /v1/*"
    if any("%" in text for text in params["cidr"]):  # the name of a link after it may hold any letter
        return "cidr: a network has no name of a link in it"
    try:
        own_rules([{"port": 1, "cidr": params["cidr"]}])
    except ValueError as error:
        return "cidr: %s" % error
    return ""


def _fits(password):
    return PASSWORD_BYTES[0] <= len(password.encode()) <= PASSWORD_BYTES[1]


def main_file(port, default_host):
    """The Caddyfile of a port. `default_host` is for callers that say no name: those who connect to an address."""
    lines = [
        "{",
        "\tadmin unix//run/slipway-expose-%d/admin.sock" % port,
        "\tstorage file_system /var/lib/slipway-expose",
        "\tauto_https disable_redirects",  # would listen at port 80
        "\tskip_install_trust",
        "\tdefault_sni %s" % default_host.strip("[]") if default_host else "",
        "\tlog {",
        "\t\tformat filter {",
        "\t\t\twrap console",
        "\t\t\tfields {",
        "\t\t\t\trequest>headers delete",  # tokens
        "\t\t\t}",
        "\t\t}",
        "\t}",
        "\tservers {",
        "\t\tprotocols h1 h2",  # h3 would listen at UDP
        "\t\tmax_header_size 32KB",
        "\t\ttimeouts {",
        "\t\t\tread_header 10s",
        "\t\t\tidle 5m",
        "\t\t}",
        "\t}",
        "}",
        "import *.caddy",
    ]
    return BEGIN + "\n".join(line for line in lines if line) + "\n"


def site_file(params, port, proof):
    """The site of one deployment at one port {port, upstream, protocol}. `proof` is the token, or the hash of the
    password.
    """
    body = _tls(params)
    if params["cidr"]:
        networks = [str(ipaddress.ip_network(text, strict=False)) for text in params["cidr"]]
        body += ["@outside not remote_ip %s" % " ".join(networks)]
    body += ["route {"]
    steps = ["abort @outside"] if params["cidr"] else []
    steps += ["header -Server"]
    steps += wall(params, port, proof) + _limits(params["max_body_mb"]) + upstream(port)
    body += ["\t" + line for line in steps] + ["}", *(late_answer() if params["auth"] == "token" else [])]
    return (
        BEGIN
        + "\n".join(["https://%s:%d {" % (params["host"], port["port"])] + ["\t" + line for line in body] + ["}"])
        + "\n"
    )


def _tls(params):
    if params["tls"] == "internal":
        return ["tls internal"]
    email = ["\t\temail %s" % params["acme_email"]] if params["acme_email"] else []
    issuer = "\tissuer acme %s {" % params["acme_directory"] if params["acme_directory"] else "\tissuer acme {"
    # The other challenge would listen at port 80.
    return ["tls {", issuer, *email, "\t\tdisable_http_challenge", "\t}", "}"]


def _limits(max_body_mb):
    length = "{http.request.header.Content-Length}"
    return [
        "request_body {",
        "\tmax_size %dMB" % max_body_mb,
        "}",
        "@body header Content-Length *",  # the question below costs more than all others together
        "route @body {",
        "\t@large expression `int(%s) > %d`" % (length, max_body_mb * 10**6),
        '\trespond @large "larger than %d MB" 413' % max_body_mb,
        "}",
    ]


def open_rules(sites):
    """Lines for the firewall of the role base, which refuses all that nobody lets in."""
    return BEGIN + "".join(
        "tcp dport %d %saccept\n" % (port, "%s " % source if source else "")
        for port, sources in _callers(sites)
        for source in (sources or [""])
    )


def own_rules(sites):
    """A table that refuses everybody whom no site names. It holds whatever other firewall there is, or none."""
    lines = []
    for port, sources in _callers(sites):
        if sources:
            lines += ["    tcp dport %d %s accept" % (port, source) for source in sources]
            lines += ["    tcp dport %d drop" % port]
    head = ["table inet slipway_expose", "delete table inet slipway_expose", "table inet slipway_expose {"]
    chain = [
        "  chain input {",
        "    type filter hook input priority filter - 10; policy accept;",
        '    iifname "lo" accept',
    ]
    return BEGIN + "\n".join([*head, *chain, *lines, "  }", "}"]) + "\n"


def _callers(sites):
    """(port, who may connect) in order; nobody named means everybody. Sites that share a port are let in together, and
    the proxy tells them apart.
    """
    found: Dict[int, List[List[str]]] = {}
    for site in sites:
        found.setdefault(site["port"], []).append(site["cidr"])
    for port in sorted(found):
        networks = [] if [] in found[port] else sorted({text for cidr in found[port] for text in cidr})
        yield port, [_source(text) for text in networks]


def _source(text):
    network = ipaddress.ip_network(text, strict=False)
    return "%s saddr %s" % ("ip" if network.version == 4 else "ip6", network)  # noqa: PLR2004
