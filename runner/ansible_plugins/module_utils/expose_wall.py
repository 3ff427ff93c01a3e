"""What stands between callers and an exposed service, as lines of a Caddyfile: who has to prove what, what passes
without a proof, and how long a wrong one takes. Pure: texts only. What is put into a text was checked before.
"""

from __future__ import annotations

import re

LOGIN = "/.slipway/login"
HEADER = "X-Slipway-Token"
COOKIE = "__Host-slipway-"
MONTH_S = 30 * 24 * 3600
WRONG_S = 1
"""How long the answer to a wrong token takes."""
_SEGMENT = "[A-Za-z0-9_~:@!$&()+,;=-][A-Za-z0-9._~:@!$&()+,;=-]*"

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
# What a browser needs to learn from a preflight. Nothing else of the service's answer passes.
_CORS = "Allow-Origin Allow-Methods Allow-Headers Allow-Credentials Allow-Private-Network Max-Age"


def wall(params, port, proof):
    """What a request has to pass before it reaches the service. `proof` is the token, or the hash of the password."""
    if params["auth"] == "none":
        return _listed(port.get("paths") or ()) + _clean()
    steps = _token(params, proof) if params["auth"] == "token" else _basic(params, proof)
    return _preflight(port) + steps


def _listed(paths):
    """Only these paths pass, and only as they are written: with no dots, slashes or escapes that two programs could
    read in two ways. With none, everything passes.
    """
    if not paths or "/*" in paths:
        return []
    forms = "|".join(_form(path) for path in paths)
    return [
        "@unlisted not vars_regexp {http.request.orig_uri} `^(%s)([?][^#]*)?$`" % forms,
        'respond @unlisted "not open to callers without authentication" 403',
    ]


def _form(path):
    start = re.escape(path[:-1] if path.endswith("*") else path)
    return start + ("(%s/)*(%s)?" % (_SEGMENT, _SEGMENT) if path.endswith("*") else "")


def _preflight(port):
    """A browser asks with OPTIONS, and without proof, whether it may send one. The question reaches the service without
    a body and without what could be meant for it; of the answer pass a yes or no, and the rules.
    """
    return [
        "@preflight {",
        "\tmethod OPTIONS",
        "\theader Origin *",
        "\theader Access-Control-Request-Method *",
        *("\tnot header %s *" % name for name in ("Content-Length", "Upgrade")),
        "}",
        "route @preflight {",
        "\trequest_body {",
        "\t\tmax_size 1B",  # of a body without a length; 0 would be no limit
        "\t}",
        *("\trequest_header -%s" % name for name in ("Authorization", "Proxy-Authorization", "Cookie", "X-*")),
        *("\t" + line for line in upstream(port, _only_rules())),
        "}",
    ]


def _only_rules():
    rules = " ".join("Access-Control-" + name for name in _CORS.split())
    return [
        "@fine status 2xx",
        "handle_response @fine {",
        "\tcopy_response_headers {",
        "\t\tinclude Vary " + rules,
        "\t}",
        "\trespond 204",
        "}",
        "handle_response {",
        "\trespond 403",
        "}",
    ]


def _token(params, token):
    cookie = COOKIE + params["site"]
    said = {
        "Authorization": ("Bearer %s" % token, "Bearer *"),
        HEADER: (token, "*"),
        "Cookie": ("*%s=%s*" % (cookie, token), "*%s=*" % cookie),
    }
    return [
        '@bearer header Authorization "Bearer %s"' % token,
        "@stranger {",
        *('\tnot header %s "%s"' % (name, right) for name, (right, _) in said.items()),
        "}",
        "route @stranger {",
        *("\t" + line for line in _late(said)),
        *("\t" + line for line in _asking()),
        "}",
        "@login path %s" % LOGIN,
        "handle @login {",
        '\theader Set-Cookie "%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%d"' % (cookie, token, MONTH_S),
        "\trespond 204",
        "}",
        "request_header @bearer -Authorization",
        *_clean(),
    ]


def _late(said):
    """Who sends a wrong token waits, which takes no state at all: the proxy asks a socket that is not there, and once
    more after the pause. `late_answer` says the rest.
    """
    return [
        "@guess not {",
        *('\tnot header %s "%s"' % (name, any_of_it) for name, (_, any_of_it) in said.items()),
        "}",
        "vars @guess slipway_guess 1",
        "reverse_proxy @guess unix//nonexistent/slipway {",
        "\tlb_try_duration %ds" % WRONG_S,
        "\tlb_try_interval %ds" % WRONG_S,
        "}",
    ]


def late_answer():
    """What a site says to those that had to wait; other errors stay as they are."""
    return [
        "handle_errors {",
        "\t@guessed vars {http.vars.slipway_guess} 1",
        "\troute @guessed {",
        "\t\theader -Server",
        *("\t\t" + line for line in _asking()),
        "\t}",
        "}",
    ]


def _asking():
    return [
        "header WWW-Authenticate Bearer",
        "header Cache-Control no-store",
        "@browser header Accept *text/html*",
        "header @browser Content-Type text/html",
        "header @browser Content-Security-Policy \"frame-ancestors 'none'\"",
        "respond @browser `%s` 401" % PAGE,
        'respond "a token is needed: Authorization: Bearer TOKEN, or %s: TOKEN" 401' % HEADER,
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
    """A wrong password takes as long as bcrypt does."""
    return ["basicauth {", "\t%s %s" % (params["user"], hashed), "}", "request_header -Authorization", *_clean()]


def upstream(port, more=()):
    """The service, at this very host; `more` says what becomes of its answer."""
    verify = ["\t\ttls_insecure_skip_verify"] if port["protocol"] == "https" else []  # its own, on this very host
    return [
        "reverse_proxy %s://127.0.0.1:%d {" % (port["protocol"], port["upstream"]),
        "\tflush_interval -1",
        "\ttransport http {",
        "\t\tcompression off",
        "\t\tkeepalive_idle_conns_per_host 256",
        *verify,
        "\t}",
        *("\t" + line for line in more),
        "}",
    ]
