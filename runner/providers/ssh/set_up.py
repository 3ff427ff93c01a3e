"""What a person's own ssh configuration must not decide for connections of ours. Pure.

It is read: ways through other hosts, agents and names of hosts stand there. The first word on an option counts, so
what is said on the command line wins.
"""

from __future__ import annotations

ALWAYS = (
    # First: options of other systems (UseKeychain) or of newer versions end ssh; of ours, older versions lack some.
    "IgnoreUnknown=*",
    # Host keys are those that are pinned, and nothing else.
    "CheckHostIP=no",
    "VerifyHostKeyDNS=no",
    "NoHostAuthenticationForLocalhost=no",
    "KnownHostsCommand=none",
    # A command of the configuration's own leaves no room for ours.
    "RemoteCommand=none",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
)
"""For whoever connects, a person's shell included."""
UNATTENDED = (
    "BatchMode=yes",
    "RequestTTY=no",
    "PermitLocalCommand=no",
    # A port that is taken, or a display that is not there, is no business of ours.
    "ClearAllForwardings=yes",
    "ForwardX11=no",
    "ForwardAgent=no",
    "Tunnel=no",
    # Neither silence nor details: "Connection closed by …" is said from this level on.
    "LogLevel=INFO",
    "VisualHostKey=no",
)
"""For looks, Ansible and logs, where nobody sits in front of a terminal."""
COMMAND = ("SessionType=default",)
"""Where a command is run; sftp and forwarding alone refuse it."""
THROUGH = ("ProxyUseFdpass=no",)
"""For ways through other hosts."""
