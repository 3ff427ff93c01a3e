"""The service of the integration tests: answers with its own environment, and fails in whichever way it is told.

Packed into a wheel by `world.wheel`. Standard library only; it must start fast.
"""

import http.server
import json
import os
import pathlib
import sys
import threading
import time

LOOPS = pathlib.Path("loops")
"""While this file is there, it ends again and again."""


def fail():
    print('Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: out of oil', flush=True)
    os._exit(7)


def dump():
    """Again with each request, so that the end of its log has it too."""
    if "BEACON_DUMPS" in os.environ:
        print(json.dumps(dict(os.environ)), flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/break":
            os.environ["BEACON_STATUS"] = "500"
        if self.path == "/loop":
            LOOPS.touch()
            fail()
        dump()
        self.send_response(int(os.environ.get("BEACON_STATUS", "200")))
        self.end_headers()
        answer = {"env": dict(os.environ), "argv": sys.argv[1:], "pid": os.getpid(), "folder": str(pathlib.Path.cwd())}
        self.wfile.write(json.dumps(answer).encode())


def main():
    print("beacon starts: " + os.environ.get("BEACON_SAYS", "nothing to say"), flush=True)
    dump()
    if "BEACON_ENDS" in os.environ:
        sys.exit("beacon ends: " + os.environ["BEACON_ENDS"])
    time.sleep(float(os.environ.get("BEACON_SLEEPS", "0")))
    if "BEACON_LASTS" in os.environ or LOOPS.exists():  # it answers before, as many that end soon do
        threading.Timer(float(os.environ.get("BEACON_LASTS", "1.2")), fail).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


main()
