"""Terraform with its AWS provider, without a network: the provider comes from a filesystem mirror.

TF_PLUGIN_MIRROR names the mirror, if it is not in one of Terraform's usual places.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from test_permissions import allow, team

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
SHOWN = Path(__file__).parent.parent / "terraform"
USUAL = [
    os.environ.get("TF_PLUGIN_MIRROR"),
    Path.home() / ".terraform.d/plugins",
    Path.home() / ".local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/opt/tf-plugins",
]
MIRROR = next((place for place in filter(None, USUAL) if list(Path(place).glob("*/hashicorp/aws"))), None)
TIME_OUT = '  timeouts {\n    delete = "15s"\n  }\n'

pytestmark = [
    pytest.mark.skipif(TERRAFORM is None, reason="no terraform is installed"),
    pytest.mark.skipif(MIRROR is None, reason="no mirror has the AWS provider (TF_PLUGIN_MIRROR)"),
]


class Workspace:
    """A folder with configuration files, and Terraform in it."""

    def __init__(self, folder, server, *files, key="111122223333"):
        self.folder, self.server = folder, server
        for file in "provider.tf", *files:
            text = (SHOWN / file).read_text().replace("http://127.0.0.1:4566", server.url)
            (folder / file).write_text(text.replace('"111122223333"', f'"{key}"'))
        mirror = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n'
        (folder / "mirror.tfrc").write_text(mirror)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TF_"))}
        # The aws of the provisioners is the one beside this Python.
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {
            **kept,
            "PATH": programs,
            "TF_CLI_CONFIG_FILE": str(folder / "mirror.tfrc"),
            "CHECKPOINT_DISABLE": "1",
            "AWS_ENDPOINT_URL_DSQL": server.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.run("init")

    def begin(self, *words):
        command = [TERRAFORM, words[0], "-no-color", "-input=false", *words[1:]]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)

    def run(self, *words, code=0):
        process = self.begin(*words)
        out, _ = process.communicate(timeout=600)
        assert process.returncode == code, out
        return out

    def apply(self):
        self.run("apply", "-auto-approve")
        # Exit code 2 would be a difference.
        self.run("plan", "-detailed-exitcode")

    def resources(self):
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        return {
            f"{resource['type']}.{resource['name']}": resource["instances"][0]["attributes"]
            for resource in state["resources"]
        }


def client(server, region):
    keys = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "any"}
    return boto3.client("dsql", region_name=region, endpoint_url=server.url, **keys)


def test_a_cluster_is_planned_once_and_drift_is_seen(serve, tmp_path):
    server = serve(speed=600)
    workspace = Workspace(tmp_path, server, "cluster.tf")
    workspace.apply()
    made = workspace.resources()["aws_dsql_cluster.orders"]
    east = client(server, "us-east-1")
    shown = east.get_cluster(identifier=made["identifier"])
    assert (shown["deletionProtectionEnabled"], shown["tags"]) == (True, {"team": "orders"})
    east.update_cluster(identifier=made["identifier"], deletionProtectionEnabled=False)
    plan = workspace.run("plan", "-detailed-exitcode", code=2)
    assert "deletion_protection_enabled = false -> true" in plan
    file = tmp_path / "cluster.tf"
    file.write_text(file.read_text().replace("= true", "= false").replace("orders\"\n  }", "invoices\"\n  }"))
    workspace.apply()
    assert east.get_cluster(identifier=made["identifier"])["tags"] == {"team": "invoices"}
    workspace.run("destroy", "-auto-approve")
    assert east.list_clusters()["clusters"] == []


def test_a_pair_is_destroyed_by_both_sides_and_one_alone_waits(serve, tmp_path):
    server = serve(speed=600)
    workspace = Workspace(tmp_path, server, "pair.tf")
    workspace.apply()
    resources = workspace.resources()
    blue, green = (resources[f"aws_dsql_cluster.{name}"] for name in ("blue", "green"))
    east, ohio = client(server, "us-east-1"), client(server, "us-east-2")
    assert east.get_cluster(identifier=blue["identifier"])["status"] == "ACTIVE"
    assert green["arn"] in east.get_cluster(identifier=blue["identifier"])["multiRegionProperties"]["clusters"]
    alone = workspace.begin("destroy", "-auto-approve", "-target=aws_dsql_cluster.blue")
    until = time.monotonic() + 120
    while east.get_cluster(identifier=blue["identifier"])["status"] != "PENDING_DELETE":
        assert alone.poll() is None and time.monotonic() < until
        time.sleep(1)
    # Ten virtual minutes later it still is, and Terraform waits for it.
    server.sim("advance", '{"by": "10m"}')
    assert east.get_cluster(identifier=blue["identifier"])["status"] == "PENDING_DELETE"
    assert alone.poll() is None
    # The deletion of the other side ends the wait, by Terraform or by another client.
    ohio.delete_cluster(identifier=green["identifier"])
    out, _ = alone.communicate(timeout=300)
    assert alone.returncode == 0, out
    assert east.list_clusters()["clusters"] == []
    # What is left of the state is gone as well.
    workspace.run("destroy", "-auto-approve")
    # Both sides at once.
    workspace.apply()
    workspace.run("destroy", "-auto-approve")
    assert (east.list_clusters()["clusters"], ohio.list_clusters()["clusters"]) == ([], [])


def test_one_side_of_a_pair_waits_until_the_time_out_and_the_next_destroy_ends(serve, tmp_path):
    # 15 seconds are 30 virtual minutes.
    server = serve(speed=120)
    workspace = Workspace(tmp_path, server, "pair.tf")
    file = tmp_path / "pair.tf"
    protection = "  deletion_protection_enabled = false\n"
    file.write_text(file.read_text().replace(protection, f"{protection}\n{TIME_OUT}"))
    workspace.apply()
    blue, green = (workspace.resources()[f"aws_dsql_cluster.{name}"] for name in ("blue", "green"))
    east, ohio = client(server, "us-east-1"), client(server, "us-east-2")
    begun = time.monotonic()
    said = workspace.run("destroy", "-auto-approve", "-target=aws_dsql_cluster.blue", code=1)
    assert time.monotonic() - begun > 15
    assert f"waiting for Aurora DSQL Cluster ({blue['identifier']}) delete" in said
    assert "timeout while waiting for resource to be gone" in said
    assert "last state: 'PENDING_DELETE'" in said
    assert east.get_cluster(identifier=blue["identifier"])["status"] == "PENDING_DELETE"
    assert ohio.get_cluster(identifier=green["identifier"])["status"] == "ACTIVE"
    # Terraform has dropped the peerings of that cluster, which took no call, and kept both clusters.
    assert set(workspace.resources()) == {"aws_dsql_cluster.blue", "aws_dsql_cluster.green"}
    workspace.run("destroy", "-auto-approve")
    assert workspace.resources() == {}
    assert (east.list_clusters()["clusters"], ohio.list_clusters()["clusters"]) == ([], [])


def test_a_policy_denies_the_destroy_of_its_cluster_unless_it_goes_first(serve, tmp_path):
    # The root of an account may do everything, and no policy of a cluster counts for it.
    server = serve("--principals", team(tmp_path, allow("*", "*")), speed=600)
    workspace = Workspace(tmp_path, server, "cluster.tf", key="AKIADEPLOYER")
    file = tmp_path / "cluster.tf"
    file.write_text(file.read_text().replace("= true", "= false"))
    workspace.apply()
    cluster = workspace.resources()["aws_dsql_cluster.orders"]
    identifier, east = cluster["identifier"], client(server, "us-east-1")
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "dsql:DeleteCluster",
        "Resource": cluster["arn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    east.put_cluster_policy(identifier=identifier, policy=policy)
    # The provider does not read policies, so this is no drift.
    workspace.run("plan", "-detailed-exitcode")
    said = workspace.run("destroy", "-auto-approve", code=1)
    assert f"deleting Aurora DSQL Cluster ({identifier})" in said and "AccessDeniedException" in said
    assert east.get_cluster(identifier=identifier)["status"] == "ACTIVE"
    assert set(workspace.resources()) == {"aws_dsql_cluster.orders"}
    # One that the AWS CLI attaches as a part of the configuration is detached before its cluster is deleted.
    shutil.copy(SHOWN / "policy.tf", tmp_path)
    workspace.apply()
    (statement,) = json.loads(east.get_cluster_policy(identifier=identifier)["policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "dsql:DeleteCluster")
    workspace.run("destroy", "-auto-approve")
    assert east.list_clusters()["clusters"] == []


def test_the_page_shows_these_files():
    page = (SHOWN.parents[2] / "docs/terraform.md").read_text()
    for file in SHOWN.glob("*.tf"):
        assert file.read_text() in page, file
    # The page has the block in one line.
    assert " ".join(TIME_OUT.split()) in page
