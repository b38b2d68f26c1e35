"""`dsql-sim serve` as a child process, whose recording is replayed when it ends."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

BINARY = os.environ["DSQL_SIM"]


class Server:
    """A server on a free port. With `replay`, its recording must come to the same in the simulation."""

    def __init__(self, *arguments, speed=600, replay=True):
        self.folder = Path(tempfile.mkdtemp(prefix="dsql-sim-"))
        self.recording = self.folder / "recorded.scenario"
        ready = self.folder / "ready"
        command = [BINARY, "serve", "--port", "0", "--speed", str(speed), "--ready-file", ready, "--log", "error"]
        command += ["--until-stdin-closes", *arguments]
        self.replay = replay
        if replay:
            command += ["--record", self.recording]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        while not ready.exists():
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.005)
        self.url = ready.read_text().strip()

    def client(self, region="us-east-1", key="AKIDEXAMPLE", **config):
        return boto3.client(
            "dsql",
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key="none",
            config=Config(**config),
        )

    def sim(self, what, body=None):
        """What /_sim/ answers; with a `body`, to a POST."""
        if what == "faults" and body is not None:
            body = json.dumps({"faults": [body]})
        data = None if body is None else body.encode()
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(f"{self.url}/_sim/{what}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read()) from None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        assert errors == ""
        if self.replay and "create-cluster" in self.recording.read_text():
            said = next(line for line in out.splitlines() if " hash " in line).split()
            events, digest = int(said[0]), said[3].rstrip(",")
            again = subprocess.run(
                [BINARY, "run", self.recording, "--format", "json"], capture_output=True, text=True
            )
            assert again.returncode == 0, again.stdout + again.stderr
            report = json.loads(again.stdout.splitlines()[0])
            assert (report["events"], report["hash"]) == (events, digest)
        shutil.rmtree(self.folder)
