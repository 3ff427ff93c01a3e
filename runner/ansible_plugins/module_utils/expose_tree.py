"""All files of the proxy of a host as one dict, path below its folder → text, and what becomes of it when a site
comes or goes. Pure. A change to one site leaves the files of every other, and the folders of all other ports, as they
are.
"""

from __future__ import annotations

import hashlib
import json
import re

from .expose_files import main_file, open_rules, own_rules, site_file

FIREWALL, OPEN = "firewall.nft", "open.nft"
_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


def sites(tree):
    """What is known of each site at each port: site, host, named, port, cidr."""
    found = [_known(tree[path]) for path in sorted(tree) if path.endswith(".json")]
    return [known for known in found if known]


def _known(text):
    """Of one site; empty where its file is damaged: what is not known is not open until its own run writes it anew."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    whole = isinstance(found, dict) and {"site", "port"} <= set(found) and isinstance(found["port"], int)
    return found if whole else {}


def ports(tree, site=""):
    """The ports that are served, or those of one site."""
    return sorted({known["port"] for known in sites(tree) if site in ("", known["site"])})


def of_port(tree, port):
    """Fingerprint of what the proxy reads for a port; empty when it serves nothing there."""
    mine = sorted((path, text) for path, text in tree.items() if path.startswith("%d/" % port))
    return hashlib.sha256(json.dumps(mine).encode()).hexdigest() if mine else ""


def of_rules(tree):
    """Fingerprint of the firewall's rules."""
    return hashlib.sha256((tree.get(FIREWALL, "") + tree.get(OPEN, "")).encode()).hexdigest()


def in_force(tree):
    """What is noted when everything of a tree has been read: port → fingerprint, 0 → that of the rules."""
    return {0: of_rules(tree), **{port: of_port(tree, port) for port in ports(tree)}}


def awaited(noted, site):
    """The ports whose processes have not read yet what a site wanted of them."""
    return {port for port, text in noted.items() if site in text.split()[1:]}


def begun(noted, tree, site, mine):
    """What is noted before the first change: nothing is in force that differs from the tree. In the place of its
    fingerprint are the sites that wait for it, `wait a.b c.d`, so that each of them goes on where it was interrupted.
    """
    target = in_force(tree)
    done = {port: text for port, text in target.items() if noted.get(port) == text}
    for port in {*noted, *mine} - {0, *done}:
        waiting = {*noted.get(port, "").split()[1:], *([site] if port in mine else [])}
        done[port] = " ".join(["wait", *sorted(waiting)])
    return done


def conflict(tree, params):
    """Why a site cannot have its ports; empty when it can. The proxy tells names apart, not addresses."""
    for known in sites(tree):
        if known["site"] == params["site"] or known["port"] not in [port["port"] for port in params["ports"]]:
            continue
        if known["host"] == params["host"] or not (known["named"] and params["named"]):
            return "port %d of this machine is taken by %s" % (known["port"], known["site"])
    return ""


def without(tree, site):
    """The files when a site is gone from every port."""
    return _rebuilt({path: text for path, text in tree.items() if path.rpartition("/")[2].rpartition(".")[0] != site})


def with_site(tree, params, proof):
    """The files when a site is there at exactly its ports."""
    rest = {path: text for path, text in tree.items() if path.rpartition("/")[2].rpartition(".")[0] != params["site"]}
    for port in params["ports"]:
        place = "%d/%s" % (port["port"], params["site"])
        known = {key: params[key] for key in ("site", "host", "named", "cidr")}
        rest[place + ".json"] = json.dumps(dict(known, port=port["port"]), sort_keys=True) + "\n"
        rest[place + ".caddy"] = site_file(params, port, proof)
    return _rebuilt(rest)


def known_hash(tree, site):
    """The hash of a site's password that is in its files; empty when there is none."""
    texts = [text for path, text in sorted(tree.items()) if path.endswith("/%s.caddy" % site)]
    found = _HASH.search("".join(texts))
    return found.group() if found else ""


def _rebuilt(tree):
    """The same with what follows from all sites together."""
    served = sites(tree)
    kept = {path: text for path, text in tree.items() if path.endswith((".json", ".caddy"))}
    for port in ports(kept):
        unnamed = [site["host"] for site in served if site["port"] == port and not site["named"]]
        kept["%d/Caddyfile" % port] = main_file(port, unnamed[0] if unnamed else "")
    if served:
        kept[FIREWALL], kept[OPEN] = own_rules(served), open_rules(served)
    return kept
