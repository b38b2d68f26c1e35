//! What IAM policies decide: a table of decisions, each with the rule of the IAM User Guide that it rests on.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// The rows of the table, each a question with its `rule` and what to `expect`.
fn rows() -> Vec<Value> {
    let text = fs::read_to_string("tests/decisions.jsonl").expect("the table");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn asked(questions: &[Value]) -> Output {
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    decide(&text)
}

fn decide(text: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .arg("decide")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dsql-sim");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    child.wait_with_output().expect("its end")
}

fn decisions(questions: &[Value]) -> Vec<Value> {
    let output = asked(questions);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The question of a row.
fn question(row: &Value) -> Value {
    let mut question = row.clone();
    let members = question.as_object_mut().expect("an object");
    members.remove("rule");
    members.remove("expect");
    question
}

#[test]
fn every_rule_decides_as_the_guide_says() {
    let rows = rows();
    assert!(rows.len() >= 120);
    let questions: Vec<Value> = rows.iter().map(question).collect();
    let answers = decisions(&questions);
    assert_eq!(answers.len(), rows.len());
    for (row, answer) in rows.iter().zip(&answers) {
        assert_eq!(answer["decision"], row["expect"], "{row}\n{answer}");
        let is_explicit = answer["decision"] != "ImplicitDeny";
        let reasons = answer["reason"].as_array().expect("reasons");
        let is_match =
            |reason: &Value| reason["why"].as_str().is_some_and(|why| why.starts_with("it matches"));
        assert!(!is_explicit || (reasons.len() == 1 && is_match(&reasons[0])), "{answer}");
    }
}

#[test]
fn no_simpler_evaluator_would_do() {
    let rows = rows();
    let expected = |decision: &str| rows.iter().filter(|row| row["expect"] == decision).count();
    assert!(expected("Allow") > 50 && expected("ExplicitDeny") > 15 && expected("ImplicitDeny") > 50);
    let without_conditions: Vec<Value> = rows.iter().map(|row| bare(question(row))).collect();
    let answers = decisions(&without_conditions);
    let differ = rows.iter().zip(&answers).filter(|(row, answer)| answer["decision"] != row["expect"]);
    assert!(differ.count() > 40);
}

/// The same without any Condition.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| name != "Condition");
            kept.map(|(name, value)| (name, bare(value))).collect()
        }
        Value::Array(several) => several.into_iter().map(bare).collect(),
        other => other,
    }
}

#[test]
fn a_reason_says_what_did_not_match() {
    let policy = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
    let witness = json!({ "StringEquals": { "dsql:WitnessRegion": "us-west-2" } });
    let statements = json!([
        { "Effect": "Allow", "Action": "s3:*", "Resource": "*" },
        { "Sid": "Here", "Effect": "Allow", "Action": "dsql:*", "Resource": "arn:aws:dsql:eu-west-1:*:cluster/*" },
        { "Effect": "Allow", "Action": "dsql:*", "Resource": "*", "Condition": witness },
    ]);
    let answer = &decisions(&[json!({
        "identity_policies": [policy(statements)],
        "resource_policy": null,
        "principal": "arn:aws:iam::111122223333:user/alice",
        "action": "dsql:AddPeerCluster",
        "resource": "arn:aws:dsql:us-east-1:111122223333:cluster/*",
        "context": {},
    })])[0];
    let why = |place: usize| answer["reason"][place]["why"].as_str().expect("words").to_owned();
    assert_eq!(answer["decision"], "ImplicitDeny");
    assert_eq!(why(0), "Action does not match");
    assert_eq!((why(1), &answer["reason"][1]["sid"]), ("Resource does not match".to_owned(), &json!("Here")));
    assert_eq!(why(2), "Condition StringEquals dsql:WitnessRegion does not match");
    assert_eq!(answer["reason"][2]["document"], "identity_policies[0]");
}

#[test]
fn a_document_that_is_none_is_refused_with_its_place() {
    let allow = |more: Value| {
        let mut statement = json!({ "Effect": "Allow", "Action": "dsql:*", "Resource": "*" });
        for (name, value) in more.as_object().expect("an object") {
            statement[name] = value.clone();
        }
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    };
    let cases = [
        (json!({}), "identity_policies[0]: Statement is missing"),
        (json!([]), "identity_policies[0]: unknown value [], expected an object"),
        (json!({ "Version": "2012", "Statement": [] }), "identity_policies[0].Version: unknown value"),
        (json!({ "Statements": [] }), "identity_policies[0].Statements: unknown member"),
        (
            allow(json!({ "Effect": "allow" })),
            "Statement[0].Effect: unknown value \"allow\", expected \"Allow\" or \"Deny\"",
        ),
        (allow(json!({ "Actions": "*" })), "Statement[0].Actions: unknown member"),
        (allow(json!({ "Action": ["dsql:*", "dsql"] })), "Statement[0].Action[1]: \"dsql\" is no action"),
        (allow(json!({ "Action": [] })), "Statement[0].Action: it is empty"),
        (
            allow(json!({ "NotAction": "*" })),
            "Statement[0].NotAction: Action and NotAction exclude each other",
        ),
        (allow(json!({ "Resource": "cluster/*" })), "Statement[0].Resource: \"cluster/*\" is no ARN"),
        (allow(json!({ "Resource": "arn:aws:*:us-east-1:*:cluster/*" })), "has a wildcard for its service"),
        (allow(json!({ "Resource": "arn:aws:dsql:::${aws:username" })), "a variable has no end"),
        (allow(json!({ "Principal": "*" })), "Statement[0].Principal: unknown member"),
        (allow(json!({ "Condition": { "StringEqual": {} } })), ""),
        (
            allow(json!({ "Condition": { "StringEqual": { "a:b": "c" } } })),
            "Statement[0].Condition.StringEqual.a:b: unknown operator",
        ),
        (
            allow(json!({ "Condition": { "stringequals": { "a:b": "c" } } })),
            "unknown operator \"stringequals\"",
        ),
        (allow(json!({ "Condition": { "NullIfExists": { "a:b": "true" } } })), "unknown operator"),
        (allow(json!({ "Condition": { "NumericEquals": { "a:b": "five" } } })), "\"five\" is not a number"),
        (allow(json!({ "Condition": { "DateLessThan": { "a:b": "2026-02-30" } } })), "is not a date"),
        (allow(json!({ "Condition": { "IpAddress": { "a:b": "1.2.3" } } })), "is no address"),
        (allow(json!({ "Condition": { "Bool": { "a:b": "yes" } } })), "neither true nor false"),
        (allow(json!({ "Condition": { "ForSome:Bool": { "a:b": "true" } } })), "unknown set operator"),
    ];
    for (document, why) in cases {
        let output = asked(&[json!({
            "identity_policies": [document], "resource_policy": null,
            "principal": "arn:aws:iam::111122223333:user/alice", "action": "dsql:GetCluster", "resource": "*", "context": {},
        })]);
        let errors = String::from_utf8(output.stderr).expect("text");
        if why.is_empty() {
            assert_eq!(output.status.code(), Some(0), "{errors}");
            continue;
        }
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{document}");
        assert!(errors.contains("line 1: ") && errors.contains(why), "{why}\n{errors}");
    }
}

#[test]
fn a_resource_policy_names_somebody_and_denies_or_lists_him() {
    let asked = |statement: Value| {
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        let output = asked(&[json!({
            "identity_policies": [], "resource_policy": policy,
            "principal": "arn:aws:iam::111122223333:user/alice", "action": "dsql:GetCluster", "resource": "*", "context": {},
        })]);
        String::from_utf8(output.stderr).expect("text")
    };
    let nobody = asked(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    assert!(nobody.contains("resource_policy.Statement[0]: Principal is missing"), "{nobody}");
    let everybody = asked(json!({ "Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*" }));
    assert!(everybody.contains("resource_policy.Statement[0].NotPrincipal: it goes with"), "{everybody}");
    let someone =
        asked(json!({ "Effect": "Allow", "Principal": { "AWS": "alice" }, "Action": "*", "Resource": "*" }));
    assert!(someone.contains("Statement[0].Principal.AWS: \"alice\" is no principal"), "{someone}");
}

#[test]
fn a_line_that_is_no_question_is_refused_and_nothing_is_decided() {
    let good = question(&rows()[0]).to_string();
    for (text, why) in [
        (String::new(), "there is no question"),
        (format!("{good}\n{{\n"), "line 2: "),
        (format!("{good}\n\n{{\"action\": 1}}\n"), "line 3: "),
        (good.replace("\"action\"", "\"actoin\""), "unknown field `actoin`"),
        (good.replace(":user/alice", "-user"), "is not the ARN of a principal"),
    ] {
        let output = decide(&text);
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{why}: {errors}");
        assert!(errors.contains(why), "{why}: {errors}");
    }
}

/// A question about a cluster that the user alice reads, with further members.
fn question_of_alice(more: Value) -> Value {
    let mut question = json!({
        "identity_policies": [{ "Statement": { "Effect": "Allow", "Action": "dsql:*", "Resource": "*" } }],
        "principal": "arn:aws:iam::111122223333:user/alice", "action": "dsql:GetCluster", "resource": "*",
    });
    for (name, value) in more.as_object().expect("an object") {
        question[name] = value.clone();
    }
    question
}

#[test]
fn a_reason_names_the_level_and_the_keys_that_are_not_known() {
    let of = |effect: &str, action: &str| json!({ "Statement": { "Effect": effect, "Action": action, "Resource": "*" } });
    let levels = json!([[of("Allow", "*")], [of("Allow", "s3:*"), of("Allow", "kms:*")]]);
    let unknown = json!({ "Statement": { "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "StringNotEquals": { "acme:Tier": "gold" } } } });
    let answers = decisions(&[
        question_of_alice(json!({ "service_control_policies": levels })),
        question_of_alice(json!({ "boundaries": [unknown] })),
    ]);
    let reasons = answers[0]["reason"].as_array().expect("reasons");
    let documents: Vec<&str> = reasons.iter().filter_map(|reason| reason["document"].as_str()).collect();
    assert_eq!(
        documents,
        ["service_control_policies[1][0]", "service_control_policies[1][1]", "identity_policies[0]"]
    );
    assert_eq!(reasons[2]["why"], "the statement matches, but no service control policy does");
    assert_eq!(answers[1]["decision"], "ExplicitDeny");
    let why = answers[1]["reason"][0]["why"].as_str().expect("words");
    assert_eq!(
        why,
        "it matches; the simulator does not know the condition key acme:Tier, which counts as absent"
    );
}

#[test]
fn a_member_of_another_kind_is_refused() {
    let policy = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    for (more, why) in [
        (json!({ "context": { "aws:username": {} } }), "context.aws:username: expected a string"),
        (json!({ "context": { "aws:username": [["a"]] } }), "context.aws:username: expected a string"),
        (
            json!({ "service_control_policies": [policy, [policy]] }),
            "service_control_policies: expected a list",
        ),
        (json!({ "service_control_policies": [[]] }), "service_control_policies: expected a list"),
        (
            json!({ "service_control_policies": [[{}]] }),
            "service_control_policies[0][0]: Statement is missing",
        ),
        (json!({ "session_policies": [{}] }), "session_policies[0]: Statement is missing"),
    ] {
        let output = asked(&[question_of_alice(more)]);
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{why}: {errors}");
        assert!(errors.contains(why), "{why}: {errors}");
    }
}
