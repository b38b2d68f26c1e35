//! The guardrails of resource policies once more, from the text of a policy: Block Public Access, and the service of
//! each action. (Aurora DSQL User Guide, "Blocking public access with resource-based policies".)

use serde_json::Value;

/// Whether a statement allows everyone something, and no condition limits it to fixed values of a trusted key.
pub(super) fn is_public(policy: &Value) -> bool {
    let has_escapes = policy["Version"] == "2012-10-17";
    each(&policy["Statement"]).any(|statement| {
        let mut operators = statement["Condition"].as_object().into_iter().flatten();
        let is_limited = operators.any(|(operator, keys)| {
            let mut keys = keys.as_object().into_iter().flatten();
            keys.any(|(key, values)| is_limit(operator, key, values, has_escapes))
        });
        statement["Effect"] == "Allow" && includes_everyone(&statement["Principal"]) && !is_limited
    })
}

/// Whether an action of the policy belongs to another service than Aurora DSQL.
pub(super) fn names_other_service(policy: &Value) -> bool {
    let actions = |statement: &Value| {
        let named =
            ["Action", "NotAction"].map(|element| each(&statement[element]).cloned().collect::<Vec<_>>());
        named.concat()
    };
    let is_foreign = |action: &Value| {
        let service = action.as_str().unwrap_or_default().split_once(':').map(|(service, _)| service);
        service.is_some_and(|service| !can_be_dsql(&service.to_ascii_lowercase()))
    };
    each(&policy["Statement"]).any(|statement| actions(statement).iter().any(is_foreign))
}

fn includes_everyone(principal: &Value) -> bool {
    let lists = principal.as_object().into_iter().flat_map(|kinds| kinds.values());
    lists.chain([principal]).any(|names| each(names).any(|name| name == "*"))
}

/// Whether a condition, without which the statement does not apply, has values that are spelled out, for a trusted key.
fn is_limit(operator: &str, key: &str, values: &Value, has_escapes: bool) -> bool {
    let key = key.to_ascii_lowercase();
    let texts: Vec<String> =
        each(values).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
    let is_fixed = |text: &String| {
        let text = if has_escapes { text.replace("${$}", "$") } else { text.clone() };
        !["*", "?", "${"].iter().any(|special| text.contains(special))
    };
    LIMITING.contains(&operator.strip_prefix("ForAnyValue:").unwrap_or(operator))
        && TRUSTED.contains(&key.strip_prefix("aws:").unwrap_or_default())
        && texts.iter().all(is_fixed)
        && (key != "aws:principalisawsservice" || texts.iter().all(|text| text.eq_ignore_ascii_case("true")))
}

/// Whether the pattern of a service, in lower case, fits `dsql`.
fn can_be_dsql(pattern: &str) -> bool {
    fits(pattern.as_bytes(), b"dsql")
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        ([b'?', rest @ ..], [_, tail @ ..]) => fits(rest, tail),
        ([first, rest @ ..], [letter, tail @ ..]) => first == letter && fits(rest, tail),
        _ => false,
    }
}

/// The values of an element that holds one value or a list.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Value::Array(values) => (None, Some(values)),
        Value::Null => (None, None),
        one => (Some(one), None),
    };
    one.into_iter().chain(many.into_iter().flatten())
}

/// The operators that no request without the key meets, and no request with another value.
const LIMITING: &[&str] =
    &["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool"];

/// The trusted condition keys of the guide, without their prefix, in lower case.
const TRUSTED: &[&str] = &[
    "ec2instancesourcevpc",
    "principalaccount",
    "principalarn",
    "principalisawsservice",
    "principalorgid",
    "principalorgpaths",
    "principalservicename",
    "principalservicenameslist",
    "sourceaccount",
    "sourcearn",
    "sourceorgid",
    "sourceorgpaths",
    "sourcevpc",
    "sourcevpce",
    "userid",
];
