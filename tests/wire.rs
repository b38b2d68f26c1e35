//! restJson1: what SDKs send is read, what is answered is what they accept, and nothing that comes makes it stumble.

use dsql_sim::api::wire::{self, HttpRequest, HttpResponse, Origin, Outgoing, SignedParts};
use dsql_sim::api::{Error, Field, Operation, Request, Response, Timestamp, ValidationReason};
use dsql_sim::internals::generate::strategy;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

const ID: &str = "kiqenqglxyl2snyvkvnj2c3s2e";
const STREAM: &str = "hft4y6gvzzmhxfo5hfu75txxou";
const ARN: &str = "arn:aws:dsql:us-east-1:111122223333:cluster/kiqenqglxyl2snyvkvnj2c3s2e";
const ENCODED_ARN: &str =
    "arn%3Aaws%3Adsql%3Aus-east-1%3A111122223333%3Acluster%2Fkiqenqglxyl2snyvkvnj2c3s2e";

fn decode(method: &str, target: &str, body: &str) -> Result<Request, Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    wire::decode(HttpRequest { method, path, query, body: body.as_bytes() })
}

fn sent(outgoing: &Outgoing) -> Result<Request, Error> {
    decode(outgoing.method, &outgoing.target, std::str::from_utf8(&outgoing.body).expect("JSON"))
}

/// Every operation: its full input, and where the API model puts it.
fn routes() -> Vec<(Operation, Value, &'static str, String, Value)> {
    use Operation::*;
    let properties = json!({ "witnessRegion": "us-west-2", "clusters": [ARN] });
    let create = json!({
        "deletionProtectionEnabled": false, "kmsEncryptionKey": "AWS_OWNED_KMS_KEY", "tags": { "a": "b" },
        "clientToken": "t", "multiRegionProperties": properties, "policy": "{}",
        "metricGroups": [{ "metricGroup": "STATEMENT_STATISTICS" }], "bypassPolicyLockoutSafetyCheck": true,
    });
    let update = json!({
        "deletionProtectionEnabled": true, "kmsEncryptionKey": "k", "clientToken": "t",
        "multiRegionProperties": properties, "metricGroups": [],
    });
    let policy = json!({
        "policy": "{}", "bypassPolicyLockoutSafetyCheck": false, "expectedPolicyVersion": "1", "clientToken": "t",
    });
    let kinesis = json!({ "streamArn": "s", "roleArn": "r" });
    let stream = json!({
        "targetDefinition": { "kinesis": kinesis }, "ordering": "UNORDERED", "format": "JSON", "tags": {}, "clientToken": "t",
    });
    let with = |body: &Value, more: Value| {
        let mut input = body.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let id = json!({ "identifier": ID });
    let arn = json!({ "resourceArn": ARN });
    let both = json!({ "clusterIdentifier": ID, "streamIdentifier": STREAM });
    let page = json!({ "maxResults": 7, "nextToken": "a b/+" });
    let none = json!(null);
    vec![
        (CreateCluster, create.clone(), "POST", "/cluster".to_owned(), create),
        (UpdateCluster, with(&update, id.clone()), "POST", format!("/cluster/{ID}"), update),
        (
            DeleteCluster,
            with(&id, json!({ "clientToken": "t&=?" })),
            "DELETE",
            format!("/cluster/{ID}?client-token=t%26%3D%3F"),
            none.clone(),
        ),
        (GetCluster, id.clone(), "GET", format!("/cluster/{ID}"), none.clone()),
        (
            ListClusters,
            page.clone(),
            "GET",
            "/cluster?max-results=7&next-token=a%20b%2F%2B".to_owned(),
            none.clone(),
        ),
        (
            TagResource,
            with(&arn, json!({ "tags": { "k": "v" } })),
            "POST",
            format!("/tags/{ENCODED_ARN}"),
            json!({ "tags": { "k": "v" } }),
        ),
        (
            UntagResource,
            with(&arn, json!({ "tagKeys": ["a+b", "c d"] })),
            "DELETE",
            format!("/tags/{ENCODED_ARN}?tagKeys=a%2Bb&tagKeys=c%20d"),
            none.clone(),
        ),
        (ListTagsForResource, arn, "GET", format!("/tags/{ENCODED_ARN}"), none.clone()),
        (PutClusterPolicy, with(&policy, id.clone()), "POST", format!("/cluster/{ID}/policy"), policy),
        (GetClusterPolicy, id.clone(), "GET", format!("/cluster/{ID}/policy"), none.clone()),
        (
            DeleteClusterPolicy,
            with(&id, json!({ "expectedPolicyVersion": "1", "clientToken": "t" })),
            "DELETE",
            format!("/cluster/{ID}/policy?expected-policy-version=1&client-token=t"),
            none.clone(),
        ),
        (
            GetVpcEndpointServiceName,
            id,
            "GET",
            format!("/clusters/{ID}/vpc-endpoint-service-name"),
            none.clone(),
        ),
        (
            CreateStream,
            with(&stream, json!({ "clusterIdentifier": ID })),
            "POST",
            format!("/stream/{ID}"),
            stream,
        ),
        (GetStream, both.clone(), "GET", format!("/stream/{ID}/{STREAM}"), none.clone()),
        (
            ListStreams,
            with(&page, json!({ "clusterIdentifier": ID })),
            "GET",
            format!("/stream/{ID}?max-results=7&next-token=a%20b%2F%2B"),
            none.clone(),
        ),
        (
            DeleteStream,
            with(&both, json!({ "clientToken": "t" })),
            "DELETE",
            format!("/stream/{ID}/{STREAM}?client-token=t"),
            none,
        ),
    ]
}

#[test]
fn every_operation_is_where_the_model_puts_it_in_both_directions() {
    let routes = routes();
    assert_eq!(routes.len(), Operation::ALL.len());
    for (operation, input, method, target, body) in routes {
        let request = Request::from_json(operation, input).expect("an input");
        let outgoing = wire::encode_request(&request);
        assert_eq!((outgoing.method, &outgoing.target), (method, &target), "{operation}");
        let written = if outgoing.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&outgoing.body).unwrap()
        };
        assert_eq!(written, body, "{operation}");
        assert_eq!(sent(&outgoing), Ok(request), "{operation}");
    }
}

#[test]
fn an_arn_is_read_with_its_slash_and_colons_as_they_are() {
    for arn in [ENCODED_ARN, ARN] {
        let read = decode("GET", &format!("/tags/{arn}"), "").expect("a request");
        assert_eq!(read.to_json(), json!({ "resourceArn": ARN }));
    }
}

#[test]
fn an_empty_body_has_no_members_and_those_of_the_path_win_over_the_body() {
    let create = decode("POST", "/cluster", "").expect("a request");
    assert_eq!(create.to_json(), json!({}));
    let update = decode("POST", &format!("/cluster/{ID}"), "{\"identifier\":\"other\",\"colour\":1}")
        .expect("a request");
    assert_eq!(update.to_json(), json!({ "identifier": ID }));
    // A body that a GET should not have is not looked at.
    assert!(decode("GET", "/cluster", "not JSON").is_ok());
}

#[test]
fn what_cannot_be_read_is_refused_in_the_shape_of_the_model() {
    use ValidationReason::{CannotParse, UnknownOperation};
    let deep = "[".repeat(100_000);
    for (method, target, body, wanted) in [
        ("POST", "/clusters", "", UnknownOperation),
        ("PUT", "/cluster", "{}", UnknownOperation),
        ("GET", "/", "", UnknownOperation),
        ("GET", "", "", UnknownOperation),
        ("GET", "/cluster/a/b/c", "", UnknownOperation),
        ("get", "/cluster", "", UnknownOperation),
        ("GET", "/clusters/a/policy", "", UnknownOperation),
        ("GET", "/cluster/%FF", "", UnknownOperation),
        ("POST", "/cluster", "{", CannotParse),
        ("POST", "/cluster", "[]", CannotParse),
        ("POST", "/cluster", "null", CannotParse),
        ("POST", "/cluster", "{} {}", CannotParse),
        ("POST", "/cluster", &deep, CannotParse),
        ("POST", "/cluster", "{\"tags\":[]}", CannotParse),
        ("POST", "/cluster", "{\"clientToken\":1}", CannotParse),
        ("POST", "/cluster", "{\"deletionProtectionEnabled\":\"true\"}", CannotParse),
        ("POST", "/cluster", "{\"multiRegionProperties\":{\"clusters\":[null]}}", CannotParse),
        ("POST", "/cluster", "{\"multiRegionProperties\":[\"us-west-2\",[]]}", CannotParse),
        ("POST", "/cluster", "{\"metricGroups\":[[\"STATEMENT_STATISTICS\"]]}", CannotParse),
        ("GET", "/cluster?max-results=ten", "", CannotParse),
        ("GET", "/cluster?max-results=1.5", "", CannotParse),
        ("GET", "/cluster?max-results=", "", CannotParse),
        ("GET", "/cluster?max-results=99999999999999999999", "", CannotParse),
        ("GET", "/cluster?max-results=2147483648", "", CannotParse),
        ("GET", "/cluster?max-results=%2B5", "", CannotParse),
        ("GET", "/cluster?max-results=+5", "", CannotParse),
        ("GET", "/cluster?max-results=%205", "", CannotParse),
        ("GET", "/cluster?max-results=5%20", "", CannotParse),
        ("GET", "/cluster?max-results=-", "", CannotParse),
        ("GET", "/cluster?max-results=0x5", "", CannotParse),
        ("GET", "/cluster?max-results=5e0", "", CannotParse),
        ("GET", "/cluster?max-results=true", "", CannotParse),
        ("GET", "/cluster?max-results", "", CannotParse),
        ("GET", "/cluster?max-results=ten&max-results=5", "", CannotParse),
        ("GET", "/cluster?next-token=%FF", "", CannotParse),
    ] {
        let error = decode(method, target, body).expect_err(target);
        let Error::Validation { reason, .. } = &error else { panic!("{error}") };
        assert_eq!(*reason, wanted, "{method} {target} {:.60}", body);
    }
}

#[test]
fn a_hostile_list_is_refused_without_a_hundredfold_answer() {
    let list = vec!["x"; 200_000];
    let body = json!({ "multiRegionProperties": { "clusters": list } }).to_string();
    let request = decode("POST", "/cluster", &body).expect("it can be read");
    let Err(Error::Validation { field_list, .. }) = request.validate() else { panic!("it is not valid") };
    assert_eq!(field_list.len(), 1000);
}

fn received(authorization: Option<&str>, host: Option<&str>) -> Result<Origin, Error> {
    Origin::of(SignedParts { authorization, host, ..SignedParts::default() })
}

#[test]
fn a_region_set_and_a_presigned_query_name_the_region() {
    let asymmetric =
        "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20260101/dsql/aws4_request, SignedHeaders=host";
    let parts = SignedParts { authorization: Some(asymmetric), ..SignedParts::default() };
    for (region_set, host, wanted) in [
        ("us-west-2", "localhost", Some("us-west-2")),
        ("mars-1, eu-west-1,us-west-2", "localhost", Some("eu-west-1")),
        ("*", "dsql.us-east-2.api.aws", Some("us-east-2")),
        ("*", "localhost", None),
        ("mars-1", "dsql.us-east-2.api.aws", None),
        ("", "localhost", None),
    ] {
        let parts = SignedParts { region_set: Some(region_set), host: Some(host), ..parts };
        let origin = Origin::of(parts).ok();
        assert_eq!(origin.map(|origin| origin.region.name()), wanted, "{region_set} {host}");
    }
    for (query, wanted) in [
        (
            "X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-west-2%2Fdsql%2Faws4_request&X-Amz-Date=x",
            "us-west-2",
        ),
        (
            "a=b&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fdsql%2Faws4_request&X-Amz-Region-Set=eu-west-1",
            "eu-west-1",
        ),
    ] {
        let origin = Origin::of(SignedParts { query, ..SignedParts::default() }).expect(query);
        assert_eq!((origin.access_key.as_deref(), origin.region.name()), (Some("AKIDEXAMPLE"), wanted));
    }
}

#[test]
fn the_region_is_that_of_the_signature_else_of_the_host() {
    let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-west-2/dsql/aws4_request, SignedHeaders=host, Signature=a";
    let origin = received(Some(signed), Some("dsql.us-east-1.api.aws")).expect("an origin");
    assert_eq!((origin.access_key.as_deref(), origin.region.name()), (Some("AKIDEXAMPLE"), "us-west-2"));
    for host in ["dsql.eu-west-1.api.aws", "dsql-fips.eu-west-1.api.aws:443", "eu-west-1.localhost:8080"] {
        let origin = received(None, Some(host)).expect(host);
        assert_eq!((origin.access_key, origin.region.name()), (None, "eu-west-1"));
    }
    for (authorization, host) in [
        (None, None),
        (None, Some("localhost:8080")),
        (Some("Bearer x"), Some("127.0.0.1")),
        (Some("AWS4-HMAC-SHA256 Credential=A/20260101/us-west-1/dsql/aws4_request, x"), None),
        (Some("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, x"), None),
        (Some("AWS4-HMAC-SHA256 Credential=A/us-east-1"), None),
    ] {
        let error = received(authorization, host).expect_err("no origin");
        assert_eq!(error.http_status(), 400, "{error}");
    }
}

fn errors() -> Vec<Error> {
    let text = || "m".to_owned();
    let field = Field { name: "identifier".to_owned(), message: "too long".to_owned() };
    vec![
        Error::field_validation(vec![field]),
        Error::other(text()),
        Error::ServiceQuotaExceeded {
            message: text(),
            resource_id: "1".to_owned(),
            resource_type: "cluster".to_owned(),
            service_code: "dsql".to_owned(),
            quota_code: "L-1".to_owned(),
        },
        Error::AccessDenied { message: text() },
        Error::ResourceNotFound {
            message: text(),
            resource_id: "1".to_owned(),
            resource_type: "cluster".to_owned(),
        },
        Error::Conflict { message: text(), resource_id: None, resource_type: None },
        Error::Conflict { message: text(), resource_id: Some(text()), resource_type: Some(text()) },
        Error::Throttling {
            message: text(),
            service_code: None,
            quota_code: None,
            retry_after_seconds: Some(3),
        },
        Error::InternalServer { message: text(), retry_after_seconds: None },
    ]
}

#[test]
fn a_page_size_is_an_integer_from_1_to_100() {
    let size = |query: &str| {
        let request = decode("GET", &format!("/cluster?max-results={query}"), "").expect(query);
        let Request::ListClusters(input) = &request else { panic!("{request:?}") };
        (input.max_results, request.validate().is_ok())
    };
    assert_eq!(size("1"), (Some(1), true));
    assert_eq!(size("0100"), (Some(100), true));
    // The first of several counts.
    assert_eq!(size("7&max-results=ten"), (Some(7), true));
    for (query, number) in [("0", 0), ("-0", 0), ("-1", -1), ("101", 101), ("2147483647", 2_147_483_647)] {
        assert_eq!(size(query), (Some(number), false), "{query}");
    }
}

#[test]
fn a_timestamp_is_a_number_of_seconds_with_milliseconds() {
    for (millis, text) in
        [(1_767_225_600_000, "1767225600"), (1_767_225_600_007, "1767225600.007"), (1, "0.001")]
    {
        let stamp = Timestamp(millis);
        assert_eq!(serde_json::to_string(&stamp).expect("a number"), text);
        assert_eq!(serde_json::from_str::<Timestamp>(text).expect("a number"), stamp);
    }
    // As Java prints large numbers, and as a number of more digits is rounded.
    for text in ["1.767225600007E9", "1767225600.0069999"] {
        assert_eq!(serde_json::from_str::<Timestamp>(text).expect("a number"), Timestamp(1_767_225_600_007));
    }
    assert!(serde_json::from_str::<Timestamp>("-1").is_err());
}

#[test]
fn every_exception_comes_back_with_its_members_and_its_headers() {
    for error in errors() {
        let http = wire::encode(Err(&error), "id-1");
        assert_eq!(http.status, error.http_status());
        let header =
            |name: &str| http.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value);
        assert_eq!(header("x-amzn-errortype"), Some(error.name()));
        assert_eq!(header("x-amzn-requestid"), Some("id-1"));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(
            header("retry-after"),
            error.retry_after_seconds().map(|seconds| seconds.to_string()).as_deref()
        );
        assert_eq!(wire::decode_answer(Operation::CreateCluster, &http).expect("an answer"), Err(error));
    }
    // A gateway names it in another way.
    let body =
        b"{\"__type\":\"com.amazonaws.dsql#AccessDeniedException:http://x\",\"message\":\"no\"}".to_vec();
    let http = HttpResponse { status: 403, headers: Vec::new(), body };
    let denied = Error::AccessDenied { message: "no".to_owned() };
    assert_eq!(wire::decode_answer(Operation::GetCluster, &http).expect("an answer"), Err(denied));
    let http = HttpResponse { status: 502, headers: Vec::new(), body: b"{\"message\":\"x\"}".to_vec() };
    assert!(wire::decode_answer(Operation::GetCluster, &http).is_err());
}

#[test]
fn every_operations_answer_comes_back() {
    for (operation, members) in outputs() {
        let response = Response::from_json(operation, members.clone())
            .unwrap_or_else(|error| panic!("{operation}: {error}"));
        let http = wire::encode(Ok(&response), "id-2");
        assert_eq!(http.status, 200);
        let body: Value = serde_json::from_slice(&http.body).expect("JSON");
        assert_eq!(body, members, "{operation}");
        assert_eq!(wire::decode_answer(operation, &http).expect("an answer"), Ok(response));
    }
}

/// An output of each operation, with every member.
fn outputs() -> Vec<(Operation, Value)> {
    use Operation::*;
    let brief = json!({ "identifier": ID, "arn": ARN, "status": "ACTIVE", "creationTime": 1_700_000_000 });
    let full = json!({
        "identifier": ID, "arn": ARN, "status": "PENDING_SETUP", "creationTime": 1_700_000_000,
        "deletionProtectionEnabled": true,
        "multiRegionProperties": { "witnessRegion": "us-west-2", "clusters": [ARN] },
        "encryptionDetails": {
            "encryptionType": "CUSTOMER_MANAGED_KMS_KEY", "encryptionStatus": "KMS_KEY_INACCESSIBLE",
            "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k",
        },
        "endpoint": format!("{ID}.dsql.us-east-1.on.aws"),
        "metricGroups": [{ "metricGroup": "STATEMENT_STATISTICS" }],
    });
    let mut described = full.clone();
    described["tags"] = json!({ "a": "b" });
    let stream = json!({
        "clusterIdentifier": ID, "streamIdentifier": STREAM, "arn": format!("{ARN}/stream/{STREAM}"),
        "status": "IMPAIRED", "creationTime": 1,
    });
    let mut created = stream.clone();
    created["ordering"] = json!("UNORDERED");
    created["format"] = json!("JSON");
    let mut shown = created.clone();
    shown["targetDefinition"] = json!({ "kinesis": { "streamArn": "s", "roleArn": "r" } });
    shown["statusReason"] = json!({ "error": "KINESIS_STREAM_NOT_FOUND", "updatedAt": 2 });
    shown["tags"] = json!({});
    vec![
        (CreateCluster, full),
        (UpdateCluster, brief.clone()),
        (DeleteCluster, brief),
        (GetCluster, described),
        (ListClusters, json!({ "clusters": [{ "identifier": ID, "arn": ARN }], "nextToken": "n" })),
        (TagResource, json!({})),
        (UntagResource, json!({})),
        (ListTagsForResource, json!({ "tags": { "a": "b" } })),
        (PutClusterPolicy, json!({ "policyVersion": "1" })),
        (GetClusterPolicy, json!({ "policy": "{}", "policyVersion": "1" })),
        (DeleteClusterPolicy, json!({ "policyVersion": "1" })),
        (GetVpcEndpointServiceName, json!({ "serviceName": "s", "clusterVpcEndpoint": "e" })),
        (CreateStream, created),
        (GetStream, shown),
        (ListStreams, json!({ "streams": [stream.clone()], "nextToken": "n" })),
        (DeleteStream, stream),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 500, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_request_comes_back(request in strategy::requests()) {
        let mut request = request;
        // A name that is repeated no time is not there.
        if let Request::UntagResource(input) = &mut request {
            input.tag_keys = input.tag_keys.take().filter(|keys| !keys.is_empty());
        }
        prop_assert_eq!(sent(&wire::encode_request(&request)), Ok(request));
    }

    #[test]
    fn anything_is_a_request_or_is_refused(
        method in prop_oneof![Just("GET"), Just("POST"), Just("DELETE"), Just("")],
        path in prop_oneof!["(/[a-z%{}:0-9]{0,30}){0,4}", "/(cluster|clusters|tags|stream)(/[ -~]{0,20}){0,3}", "\\PC{0,40}"],
        query in "([a-z-]{0,12}=?[ -~]{0,12}&?){0,4}",
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Err(error) = wire::decode(HttpRequest { method, path: &path, query: &query, body: &body }) {
            prop_assert_eq!(error.http_status(), 400);
        }
    }

    #[test]
    fn any_headers_give_an_origin_or_are_refused(authorization in "\\PC{0,40}(Credential=)?(\\PC{0,9}/){0,5}\\PC{0,9}", host in "\\PC{0,30}") {
        if let Err(error) = received(Some(&authorization), Some(&host)) {
            prop_assert_eq!(error.http_status(), 400);
        }
    }
}
