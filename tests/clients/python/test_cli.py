"""The AWS CLI, as pasted."""

import json
import os
import subprocess
import sys
from pathlib import Path

AWS = Path(sys.executable).parent / "aws"


def aws(server, *words, region="us-east-1", ok=True):
    """What `aws dsql WORDS` says."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL_DSQL": server.url,
        "AWS_DEFAULT_REGION": region,
        "AWS_MAX_ATTEMPTS": "1",
    }
    ran = subprocess.run(
        [AWS, "dsql", *words, "--output", "json"], env=environment, capture_output=True, text=True
    )
    assert (ran.returncode == 0) == ok, ran.stderr
    return json.loads(ran.stdout or "null") if ok else ran.stderr


def test_the_cli_makes_a_pair_and_deletes_it(server):
    settings = ["--no-deletion-protection-enabled"]
    witness = {"witnessRegion": "us-west-2"}
    blue = aws(server, "create-cluster", *settings, "--multi-region-properties", json.dumps(witness))
    peer = {**witness, "clusters": [blue["arn"]]}
    green = aws(
        server,
        "create-cluster",
        *settings,
        "--multi-region-properties",
        json.dumps(peer),
        region="us-east-2",
    )
    peer = {**witness, "clusters": [green["arn"]]}
    aws(
        server,
        "update-cluster",
        "--identifier",
        blue["identifier"],
        "--multi-region-properties",
        json.dumps(peer),
    )
    both = [(blue, "us-east-1"), (green, "us-east-2")]
    server.sim("advance", '{"by": "2m"}')
    for cluster, region in both:
        aws(server, "wait", "cluster-active", "--identifier", cluster["identifier"], region=region)
    for cluster, region in both:
        aws(server, "delete-cluster", "--identifier", cluster["identifier"], region=region)
    server.sim("advance", '{"by": "5m"}')
    for cluster, region in both:
        aws(server, "wait", "cluster-not-exists", "--identifier", cluster["identifier"], region=region)


def test_the_cli_tags_lists_and_puts_policies(server):
    cluster = aws(server, "create-cluster", "--tags", "team=orders,stage=test")
    aws(server, "tag-resource", "--resource-arn", cluster["arn"], "--tags", "stage=live")
    aws(server, "untag-resource", "--resource-arn", cluster["arn"], "--tag-keys", "team", "none")
    tags = aws(server, "list-tags-for-resource", "--resource-arn", cluster["arn"])["tags"]
    assert tags == {"stage": "live"}
    for _ in range(3):
        aws(server, "create-cluster")
    assert len(aws(server, "list-clusters", "--page-size", "2")["clusters"]) == 4
    policy = '{"Version": "2012-10-17", "Statement": []}'
    version = aws(
        server,
        "put-cluster-policy",
        "--identifier",
        cluster["identifier"],
        "--policy",
        policy,
        "--bypass-policy-lockout-safety-check",
    )["policyVersion"]
    assert aws(server, "get-cluster-policy", "--identifier", cluster["identifier"]) == {
        "policy": policy,
        "policyVersion": version,
    }


def test_the_cli_says_what_is_wrong(server):
    said = aws(server, "get-cluster", "--identifier", "a" * 26, ok=False)
    assert "(ResourceNotFoundException)" in said
    cluster = aws(server, "create-cluster")
    server.sim("advance", '{"by": "1m"}')
    said = aws(server, "delete-cluster", "--identifier", cluster["identifier"], ok=False)
    assert "(ValidationException)" in said and "Deletion protection" in said
