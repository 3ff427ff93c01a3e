"""What the proxy of a host reads: one folder for each port with a Caddyfile and a file for each site, and the rules of
the firewall. Pure: texts only, no files, no host. What is put into a text was checked by `fault` before.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Dict, List

SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}\Z")
"""A token is a header's value and part of the configuration: nothing that either could misread."""
PASSWORD_BYTES = (12, 72)
"""Of more than the latter, bcrypt looks at no more."""
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,120}\Z")
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)\Z")
LOGIN = "/.slipway/login"
HEADER = "X-Slipway-Token"
COOKIE = "__Host-slipway-"
BEGIN = "# Written by Slipway's role expose: changes made here are lost.\n"
MONTH_S = 30 * 24 * 3600

# Asks for the token and has it kept as a cookie that no script can read. The token is in no URL, history or log.
PAGE = (
    '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Token needed</title><style>body{font:1.1em sans-serif;margin:15vh auto;width:22em}"
    "input,button{font:inherit;padding:.4em;margin:.3em 0;width:100%%;box-sizing:border-box}</style>"
    '<form id="f"><label>Token<input id="t" type="password" autocomplete="current-password" autofocus></label>'
    '<button>Go on</button><p id="p" role="alert"></p></form><script>'
    'document.getElementById("f").onsubmit=async e=>{e.preventDefault();'
    'const t=document.getElementById("t").value.trim();'
    'const r=await fetch("%s",{method:"POST",headers:{Authorization:"Bearer "+t}}).catch(()=>({}));'
    "if(r.status===204)location.reload();"
    'else document.getElementById("p").textContent="This is not the token."}</script>' % LOGIN
)


def fault(params):
    """Why the options cannot be put into a configuration; empty when they can."""
    if not NAME.match(params["site"]):
        return "site must be small letters, digits, dots and hyphens"
    if not HOST.match(params["host"]):
        return "host must be a name or an address as in a URL"
    if params["auth"] == "token" and not SECRET.match(params["secret"] or ""):
        return "the token must be 16 to 512 characters: letters, digits and . _ ~ + / = -"
    if params["auth"] == "basic" and not _fits(params["secret"] or ""):
        return "the password must be %d to %d bytes long" % PASSWORD_BYTES
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
    steps += {"token": _token, "basic": _basic, "none": _nothing}[params["auth"]](params, proof)
    steps += _limits(params["max_body_mb"]) + _upstream(port)
    body += ["\t" + line for line in steps] + ["}"]
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


def _token(params, token):
    cookie = COOKIE + params["site"]
    return [
        '@bearer header Authorization "Bearer %s"' % token,
        "@stranger {",
        '\tnot header Authorization "Bearer %s"' % token,
        '\tnot header %s "%s"' % (HEADER, token),
        '\tnot header Cookie "*%s=%s*"' % (cookie, token),
        "}",
        "handle @stranger {",
        "\theader WWW-Authenticate Bearer",
        "\theader Cache-Control no-store",
        "\t@browser header Accept *text/html*",
        "\theader @browser Content-Type text/html",
        "\theader @browser Content-Security-Policy \"frame-ancestors 'none'\"",
        "\trespond @browser `%s` 401" % PAGE,
        '\trespond "a token is needed: Authorization: Bearer TOKEN, or %s: TOKEN" 401' % HEADER,
        "}",
        "@login path %s" % LOGIN,
        "handle @login {",
        '\theader Set-Cookie "%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%d"' % (cookie, token, MONTH_S),
        "\trespond 204",
        "}",
        "request_header @bearer -Authorization",
        *_clean(),
    ]


def _clean():
    """What proves callers to the proxy is not the service's business, nor is what proves them to its neighbours:
    browsers send the cookies of a host to all of its ports.
    """
    return [
        "request_header -%s" % HEADER,
        # the empty group, because Caddy takes an empty replacement for none
        "@kept header Cookie *%s*" % COOKIE,
        'request_header @kept Cookie "%s[a-z0-9.-]+=[^;]*(; )?()" "$2"' % COOKIE,
    ]


def _basic(params, hashed):
    return ["basicauth {", "\t%s %s" % (params["user"], hashed), "}", "request_header -Authorization", *_clean()]


def _nothing(params, proof):
    del params, proof
    return _clean()


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


def _upstream(port):
    verify = ["\t\ttls_insecure_skip_verify"] if port["protocol"] == "https" else []  # its own, on this very host
    return [
        "reverse_proxy %s://127.0.0.1:%d {" % (port["protocol"], port["upstream"]),
        "\tflush_interval -1",
        "\ttransport http {",
        "\t\tcompression off",
        "\t\tkeepalive_idle_conns_per_host 256",
        *verify,
        "\t}",
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
