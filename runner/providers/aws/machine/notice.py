"""Asks the machine's metadata every 5 s whether AWS takes it back, and writes down what it says where people look."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

BASE = os.environ["IMDS"]
PLACE = "/run/slipway/notice"


def ask(path: str, method: str = "GET", **headers: str) -> str:
    request = urllib.request.Request(BASE + "/latest/" + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=2) as answer:
        return str(answer.read(), "utf-8")


def look() -> str:
    token = ask("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    try:
        said = json.loads(ask("meta-data/spot/instance-action", **{"X-aws-ec2-metadata-token": token}))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise
    return "AWS takes this machine back ({action}) at {time}".format(**said)


def noted() -> str:
    try:
        with open(PLACE) as file:
            return file.read().strip()
    except OSError:
        return ""


def note(text: str) -> None:
    if text == noted():
        return
    if not text:
        os.unlink(PLACE)
        return
    with open(PLACE + ".new", "w") as file:
        file.write(text + "\n")
    os.replace(PLACE + ".new", PLACE)
    subprocess.run(["wall", "slipway: " + text], check=False)  # whoever has a shell here wants to save his work


os.makedirs("/run/slipway", exist_ok=True)
while True:
    try:
        note(look())
    except OSError as error:
        print("the metadata does not answer:", error, flush=True)
        time.sleep(25)
    time.sleep(5)
