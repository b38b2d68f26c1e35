"""A web page in a real browser can neither control the server nor read from it."""

import http.server
import shutil
import subprocess
import threading

import pytest

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

# Everything that a page can send without asking, then what browsers ask about first. The title shows what it could read.
PAGE = """<!doctype html><title>begun</title>
<img src="URL/_sim/state"><iframe name="frame"></iframe><iframe src="URL/_sim/"></iframe>
<form method="post" enctype="text/plain" target="frame" action="URL/_sim/reset"><input name="a" value="b"></form>
<script>
const targets = {
  "/_sim/faults": '{"faults": ["outage us-east-1"]}', "/_sim/advance": '{"by": "366d"}', "/_sim/reset": "",
  "/_sim/clock": '{"paused": true}', "/moto-api/reset": "", "/_localstack/chaos/faults": "[{}]", "/cluster": "{}",
};
const attempts = [];
for (const [target, body] of Object.entries(targets)) {
  for (const type of ["text/plain", "application/json"]) {
    for (const mode of ["no-cors", "cors"]) {
      const headers = { "Content-Type": type };
      attempts.push(fetch("URL" + target, { method: "POST", mode, headers, body }).then((answer) => answer.text()));
    }
  }
  navigator.sendBeacon("URL" + target, body);
}
for (const target of ["state", "scenario", "events", ""]) {
  attempts.push(fetch("URL/_sim/" + target).then((answer) => answer.text()));
}
document.forms[0].submit();
Promise.allSettled(attempts).then((ends) => {
  document.title = "read " + ends.map((end) => end.value ?? "").join("");
});
</script>"""


def browse(tmp_path, url):
    """The document at `url`, once its scripts have ended."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    rebound = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    profile = f"--user-data-dir={tmp_path}/profile"
    command = [BROWSER, *flags, rebound, profile, "--virtual-time-budget=10000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def page(server):
    """The address of a page, on another port of this machine and under another name."""
    text = PAGE.replace("URL", server.url).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site.server_port
    site.shutdown()


@pytest.mark.parametrize("name", ["evil.example", "localhost"])
def test_a_page_of_another_origin_has_no_effect(server, page, tmp_path, name):
    server.client().create_cluster()
    before = server.sim("state")
    document = browse(tmp_path, f"http://{name}:{page}/")
    assert "<title>read </title>" in document, document
    after = server.sim("state")
    assert server.sim("faults")["faults"] == []
    assert [cluster["arn"] for cluster in after["clusters"]["us-east-1"]] == [
        cluster["arn"] for cluster in before["clusters"]["us-east-1"]
    ]
    assert server.sim("clock")["paused"] is False
    assert after["virtualMilliseconds"] < before["virtualMilliseconds"] + 24 * 3600 * 1000


def test_a_page_whose_name_was_bound_to_this_machine_reads_nothing(server, tmp_path):
    server.client().create_cluster()
    port = server.url.rsplit(":", 1)[1]
    own = browse(tmp_path / "own", f"{server.url}/_sim/state")
    assert "clusters" in own and "arn:aws:dsql" in own, "a person can look at the state"
    rebound = browse(tmp_path / "rebound", f"http://evil.example:{port}/_sim/state")
    assert "arn:aws:dsql" not in rebound and "is not a name of this server" in rebound, rebound
