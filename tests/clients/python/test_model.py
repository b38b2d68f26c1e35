"""The server against the service model that ships inside the installed botocore: nothing here is a copy of it.

An operation, a member, a constraint or an exception that a newer botocore adds makes a test here fail by its name.
"""

import copy
import datetime
import re

import botocore.session
import pytest
from botocore.exceptions import ClientError

MODEL = botocore.session.get_session().get_service_model("dsql")
OPERATIONS = list(MODEL.operation_names)

UNKNOWN = "a" * 26
ARN = f"arn:aws:dsql:us-east-1:111122223333:cluster/{UNKNOWN}"
STREAM_ARN = "arn:aws:kinesis:us-east-1:111122223333:stream/"
ROLE_ARN = "arn:aws:iam::111122223333:role/"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
GROUPS = [{"metricGroup": "STATEMENT_STATISTICS"}]
POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '[{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "dsql:*", "Resource": "*"}]}'
)
TARGET = {"kinesis": {"streamArn": STREAM_ARN + "orders", "roleArn": ROLE_ARN + "orders"}}
STREAM = {"targetDefinition": TARGET, "ordering": "UNORDERED", "format": "JSON", "tags": {"a": "b"}}
NO_CHECK = {"bypassPolicyLockoutSafetyCheck": True}


class Story:
    """Calls that between them give every member of every input and get every member of every output."""

    def __init__(self, server):
        self.server = server
        self.clients = {region: server.client(region) for region in ("us-east-1", "us-east-2")}
        self.given = {name: set() for name in OPERATIONS}
        self.got = {name: set() for name in OPERATIONS}

    def call(self, name, region="us-east-1", **members):
        operation = MODEL.operation_model(name)
        client = self.clients[region]
        answer = getattr(client, botocore.xform_name(name))(**members)
        del answer["ResponseMetadata"]
        self.given[name] |= seen(operation.input_shape, members)
        self.got[name] |= seen(operation.output_shape, answer) if operation.output_shape else set()
        return answer

    def wait(self):
        self.server.sim("advance", '{"by": "5m"}')

    def tell(self):
        ohio = "us-east-2"
        witness = {"witnessRegion": "us-west-2"}
        blue = self.call(
            "CreateCluster",
            deletionProtectionEnabled=False,
            kmsEncryptionKey=KEY,
            tags={"a": "b"},
            clientToken="blue",
            multiRegionProperties=witness,
            policy=POLICY,
            metricGroups=GROUPS,
            **NO_CHECK,
        )
        both = {**witness, "clusters": [blue["arn"]]}
        green = self.call(
            "CreateCluster", ohio, deletionProtectionEnabled=False, multiRegionProperties=both
        )
        both = {**witness, "clusters": [green["arn"]]}
        blue_id, arn = {"identifier": blue["identifier"]}, {"resourceArn": blue["arn"]}
        self.call("UpdateCluster", **blue_id, clientToken="peer", multiRegionProperties=both)
        self.wait()
        self.call(
            "UpdateCluster",
            **blue_id,
            deletionProtectionEnabled=False,
            kmsEncryptionKey="AWS_OWNED_KMS_KEY",
            metricGroups=GROUPS,
        )
        self.wait()
        self.call("UpdateCluster", **blue_id, kmsEncryptionKey=KEY)
        self.wait()
        self.call("GetCluster", **blue_id)
        self.call("GetVpcEndpointServiceName", **blue_id)
        lone = self.call("CreateCluster", deletionProtectionEnabled=False)
        page = self.call("ListClusters", maxResults=1)
        self.call("ListClusters", nextToken=page["nextToken"])
        self.call("TagResource", **arn, tags={"c": "d"})
        self.call("ListTagsForResource", **arn)
        self.call("UntagResource", **arn, tagKeys=["a", "c"])
        version = self.call("GetClusterPolicy", **blue_id)["policyVersion"]
        put = self.call(
            "PutClusterPolicy",
            **blue_id,
            policy=POLICY,
            expectedPolicyVersion=version,
            clientToken="policy",
            **NO_CHECK,
        )
        self.call(
            "DeleteClusterPolicy",
            **blue_id,
            expectedPolicyVersion=put["policyVersion"],
            clientToken="no-policy",
        )
        self.wait()
        of_blue = {"clusterIdentifier": blue["identifier"]}
        streams = [
            self.call("CreateStream", **of_blue, **STREAM, clientToken=f"stream-{number}")
            for number in range(2)
        ]
        page = self.call("ListStreams", **of_blue, maxResults=1)
        self.call("ListStreams", **of_blue, nextToken=page["nextToken"])
        self.wait()
        first = {**of_blue, "streamIdentifier": streams[0]["streamIdentifier"]}
        self.call("GetStream", **first)
        for stream in streams:
            name = stream["streamIdentifier"]
            self.call("DeleteStream", **of_blue, streamIdentifier=name, clientToken=f"no-{name}")
        self.wait()
        for region, cluster in ("us-east-1", lone), ("us-east-1", blue), (ohio, green):
            identifier = cluster["identifier"]
            self.call("DeleteCluster", region, identifier=identifier, clientToken=f"no-{identifier}")


def members(shape, path=""):
    """Every member below `shape`, as in `multiRegionProperties.clusters`."""
    if shape is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield path + name
            yield from members(member, f"{path}{name}.")
    elif shape.type_name == "list":
        yield from members(shape.member, path)


def seen(shape, value, path=""):
    """The members that `value` has, each of its type."""
    kinds = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "timestamp": datetime.datetime,
    }
    assert isinstance(value, kinds[shape.type_name]), (path, value)
    found = set()
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, f"{path}{name} is not in the model"
            found |= {path + name} | seen(shape.members[name], member, f"{path}{name}.")
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{path} has no {missing}"
    elif shape.type_name == "list":
        for member in value:
            found |= seen(shape.member, member, path)
    elif shape.type_name == "string":
        assert value in (shape.enum or [value])
        pattern = shape.metadata.get("pattern")
        assert pattern is None or re.fullmatch(pattern, value), (path, value)
    return found


# A stream that has failed says why; that takes a world in which streams fail.
ELSEWHERE = {"GetStream": {"statusReason", "statusReason.error", "statusReason.updatedAt"}}


def test_every_member_of_every_input_and_output(server):
    story = Story(server)
    story.tell()
    for name in OPERATIONS:
        operation = MODEL.operation_model(name)
        assert story.given[name], f"{name} is new"
        assert set(members(operation.input_shape)) == story.given[name], name
        expected = set(members(operation.output_shape)) - ELSEWHERE.get(name, set())
        assert expected == story.got[name], name


def test_a_stream_that_has_failed_says_why(serve, tmp_path):
    scenario = tmp_path / "streams_fail.scenario"
    scenario.write_text("assume stream_fails=ROLE_ACCESS_DENIED\n")
    story = Story(serve("--scenario", scenario))
    cluster = {"clusterIdentifier": story.call("CreateCluster")["identifier"]}
    story.wait()
    stream = story.call("CreateStream", **cluster, **STREAM)
    story.wait()
    story.call("GetStream", **cluster, streamIdentifier=stream["streamIdentifier"])
    assert ELSEWHERE["GetStream"] <= story.got["GetStream"]


# What each operation is asked, when it does not matter; of a member, what fits it.
INPUTS = {
    "CreateCluster": {},
    "UpdateCluster": {"identifier": UNKNOWN},
    "DeleteCluster": {"identifier": UNKNOWN},
    "GetCluster": {"identifier": UNKNOWN},
    "ListClusters": {},
    "TagResource": {"resourceArn": ARN, "tags": {"a": "b"}},
    "UntagResource": {"resourceArn": ARN, "tagKeys": ["a"]},
    "ListTagsForResource": {"resourceArn": ARN},
    "PutClusterPolicy": {"identifier": UNKNOWN, "policy": POLICY},
    "GetClusterPolicy": {"identifier": UNKNOWN},
    "DeleteClusterPolicy": {"identifier": UNKNOWN},
    "GetVpcEndpointServiceName": {"identifier": UNKNOWN},
    "CreateStream": {"clusterIdentifier": UNKNOWN, **STREAM},
    "GetStream": {"clusterIdentifier": UNKNOWN, "streamIdentifier": UNKNOWN},
    "ListStreams": {"clusterIdentifier": UNKNOWN},
    "DeleteStream": {"clusterIdentifier": UNKNOWN, "streamIdentifier": UNKNOWN},
}


@pytest.fixture(scope="module")
def asked():
    """A function that calls without botocore's own validation, and gives the answer or the error's answer."""
    from server import Server

    server = Server(replay=False)
    client = server.client(parameter_validation=False, retries={"total_max_attempts": 1})

    def ask(name, members, faults=None):
        if faults:
            server.sim("faults", faults)
        try:
            return getattr(client, botocore.xform_name(name))(**members)
        except ClientError as refused:
            return refused.response

    yield ask
    server.stop()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_exception_of_every_operation(asked, name):
    operation = MODEL.operation_model(name)
    assert operation.error_shapes
    for shape in operation.error_shapes:
        answer = asked(name, INPUTS[name], f"fail us-east-1 {name} error={shape.name}")
        assert answer["Error"]["Code"] == shape.name
        expected = shape.metadata["error"]["httpStatusCode"]
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == expected, shape.name
        required = {member for member in shape.required_members if member != "message"}
        assert required <= set(answer), shape.name


def leaves(shape, path=()):
    """Every shape below `shape` that may have constraints, with the way to it."""
    yield path, shape
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, (*path, name))
    elif shape.type_name == "list":
        yield from leaves(shape.member, (*path, 0))
    elif shape.type_name == "map":
        yield from leaves(shape.key, (*path, "{key}"))
        yield from leaves(shape.value, (*path, "{value}"))


def placed(base, path, value):
    """`base` with `value` at the end of `path`."""
    *way, last = path
    result = copy.deepcopy(base)
    here = result
    for name, following in zip(way, [*way[1:], last]):
        empty = [] if following == 0 else {}
        if name == 0:
            here.append(empty)
            here = here[-1]
        else:
            if following in (0, "{key}", "{value}"):
                here[name] = empty
            here = here.setdefault(name, empty)
    if last == 0:
        here.append(value)
    elif last == "{key}":
        here[value] = "v"
    elif last == "{value}":
        here["k"] = value
    else:
        here[last] = value
    return result


def ended(text):
    return lambda length: text + "x" * (length - len(text))


# Texts of a length that fit the patterns of the model: the shortest, and a way to make longer ones.
TEXTS = {
    "Arn": (5, ended("arn:")),
    "ClientToken": (1, ended("")),
    "ClusterArn": (len(ARN), lambda _: ARN),
    "ClusterId": (26, lambda _: UNKNOWN),
    "KinesisStreamArn": (len(STREAM_ARN) + 1, ended(STREAM_ARN)),
    "KmsEncryptionKey": (1, ended("")),
    "PolicyDocument": (1, ended("")),
    "Region": (0, ended("")),
    "RoleArn": (len(ROLE_ARN) + 1, ended(ROLE_ARN)),
    "StreamId": (26, lambda _: UNKNOWN),
    "TagKey": (1, ended("")),
    "TagValue": (0, ended("")),
}


def of_length(shape, length):
    """A value of `shape` with so many members."""
    if shape.type_name == "map":
        return {f"key-{number}": "v" for number in range(length)}
    if shape.member.type_name == "structure":
        return [{}] * length
    return [f"key-{number}" for number in range(length)]


def bounds(shape):
    """Values that just fit the constraints of `shape`, and values that just don't."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string" and shape.enum:
        return list(shape.enum), ["nothing-of-the-kind", ""]
    if shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        if low is None and high is None and pattern is None:
            return [], []
        assert shape.name in TEXTS, f"{shape.name} is new"
        shortest, make = TEXTS[shape.name]
        fits = [make(shortest)] + ([make(high)] if high else [])
        breaks = ([make(high + 1)] if high else []) + (["\u00e9" + make(shortest)[1:]] if pattern else [])
        if low:
            breaks.append("")
            fits += [make(low)] if low > shortest else []
        return fits, breaks
    if shape.type_name == "integer" and low is not None:
        return [low, high], [low - 1, high + 1]
    if shape.type_name in ("list", "map") and high:
        # Of one word that is allowed, and not twice, there can't be many.
        few = shape.name == "MetricGroupRequestList"
        return [of_length(shape, low)] + ([] if few else [of_length(shape, high)]), [of_length(shape, high + 1)]
    return [], []


def fields(answer):
    return [field["name"] for field in answer.get("fieldList", [])]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_constraint_at_its_bound_and_beyond(asked, name):
    shape = MODEL.operation_model(name).input_shape
    for path, leaf in leaves(shape):
        fits, breaks = bounds(leaf)
        place = shape.members[path[0]].serialization.get("location") if path else None
        for value in fits:
            if place == "querystring" and value == []:
                continue  # Nothing there is as good as no member.
            answer = asked(name, placed(INPUTS[name], path, value))
            assert fields(answer) == [], (path, value)
        for value in breaks:
            if place == "uri" and value == "":
                continue  # Nothing there is another path.
            answer = asked(name, placed(INPUTS[name], path, value))
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400, (path, value)
            assert answer.get("reason") == "fieldValidationFailed", (path, value, answer)
            assert any(field.split(".")[0] == path[0] for field in fields(answer)), (path, value, answer)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_required_member_is_missed(asked, name):
    shape = MODEL.operation_model(name).input_shape
    for member in shape.required_members:
        if shape.members[member].serialization.get("location") == "uri":
            continue  # Without it there is no path.
        given = {key: value for key, value in INPUTS[name].items() if key != member}
        answer = asked(name, given)
        assert fields(answer) == [member], answer
