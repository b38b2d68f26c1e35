"""Provisioning of a cluster in two Regions: three functions with a usual bug each, and one without.

All take boto3 clients that make one attempt for each call, because the functions have retries of their own. They raise
an error if there is no pair in the end.
"""

import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

WITNESS = {"witnessRegion": "us-west-2"}
RETRIED = ("ThrottlingException", "InternalServerException", "ConflictException")


def hasty(east, ohio):
    """Waits for ACTIVE after the first create. But a cluster with a witness becomes ACTIVE with its peer only."""
    blue = retried(lambda: east.create_cluster(multiRegionProperties=WITNESS, clientToken=token()))
    east.get_waiter("cluster_active").wait(identifier=blue["identifier"])
    green = retried(lambda: ohio.create_cluster(multiRegionProperties=naming(blue), clientToken=token()))
    return link(east, ohio, blue, green)


def forgetful(east, ohio):
    """Tries again without a token. If the answer to the first attempt was lost, there are two clusters, one unknown."""
    blue = retried(lambda: east.create_cluster(multiRegionProperties=WITNESS))
    green = retried(lambda: ohio.create_cluster(multiRegionProperties=naming(blue)))
    return link(east, ohio, blue, green)


def leaky(east, ohio):
    """Gives up half-way: if the second create fails for too long, the first cluster stays."""
    first, second = token(), token()
    blue = retried(lambda: east.create_cluster(multiRegionProperties=WITNESS, clientToken=first), patience=10)
    both = naming(blue)
    green = retried(lambda: ohio.create_cluster(multiRegionProperties=both, clientToken=second), patience=10)
    return link(east, ohio, blue, green)


def careful(east, ohio):
    """A token for each call, one wait at the end, and nothing left behind."""
    first, second = token(), token()
    made = []
    try:
        blue = retried(lambda: east.create_cluster(multiRegionProperties=WITNESS, clientToken=first))
        made.append((east, blue["identifier"]))
        both = naming(blue)
        green = retried(lambda: ohio.create_cluster(multiRegionProperties=both, clientToken=second))
        made.append((ohio, green["identifier"]))
        return link(east, ohio, blue, green)
    except (BotoCoreError, ClientError, TimeoutError):
        for client, identifier in made:
            remove(client, identifier)
        raise


def link(east, ohio, blue, green):
    """Completes a pair whose clusters exist, and waits for it."""
    update = {"identifier": blue["identifier"], "multiRegionProperties": naming(green), "clientToken": token()}
    retried(lambda: east.update_cluster(**update))
    for client, cluster in ((east, blue), (ohio, green)):
        wait_for_active(client, cluster["identifier"])
    return blue["identifier"], green["identifier"]


def naming(peer):
    return {**WITNESS, "clusters": [peer["arn"]]}


def token():
    return str(uuid.uuid4())


def retried(call, patience=900):
    """Makes a call until it is answered, for a quarter of an hour at most."""
    limit = time.monotonic() + patience
    while True:
        try:
            return call()
        except BotoCoreError:
            # No answer: the call may have been carried out.
            if time.monotonic() > limit:
                raise
        except ClientError as error:
            if error.response["Error"]["Code"] not in RETRIED or time.monotonic() > limit:
                raise
        time.sleep(5)


def wait_for_active(client, identifier, patience=900):
    """Polls a cluster. Unlike botocore's waiter, it goes on after an error."""
    limit = time.monotonic() + patience
    while retried(lambda: client.get_cluster(identifier=identifier))["status"] != "ACTIVE":
        if time.monotonic() > limit:
            raise TimeoutError(f"{identifier} does not become ACTIVE")
        time.sleep(5)


def remove(client, identifier):
    """Deletes a cluster, if it is still there."""
    try:
        retried(lambda: client.update_cluster(identifier=identifier, deletionProtectionEnabled=False))
        retried(lambda: client.delete_cluster(identifier=identifier))
    except client.exceptions.ResourceNotFoundException:
        pass
