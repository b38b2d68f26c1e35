//! `principal`: an IAM principal and its policies.

use std::sync::Arc;

use super::{Chapter, VerbEntry, VerbReader, principal_facts};
use crate::iam::{Document, Identity, PathStep, PolicyError, Principal};
use crate::scenario::arguments::{Arguments, number, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed, Span, did_you_mean};
use crate::scenario::script::{Json, JsonKind, Word};
use crate::scenario::write::Writer;
use crate::scenario::{PrincipalOptions, SetUp};
use crate::types::PrincipalId;

pub(super) const PRINCIPAL: VerbEntry = VerbEntry {
    name: "principal",
    chapter: Chapter::SetUp,
    usage: "\
        principal NAME [boundary|session|scp] [arn=ARN] [tag:KEY=VALUE]... [organization=PATH] [id=ID] [issued=TIME] \
            [mfa=true|false] [access-key=ID] [level=N]\n\
        { POLICY }",
    meaning: "\
Declares a principal: a role, a user, a session of a role, or the root of an account. The AWS JSON that follows on the
next line is a policy attached to it. Repeat the verb, without `arn`, for each further policy. A principal without a
policy may do nothing; the root of an account may do everything, and so may a client without a principal. `access-key`
is the access key id with which a real client is this principal (`dsql-sim serve`).

A policy behind `boundary` is a permissions boundary, and one of these must allow an action, too; behind `session` it
is a session policy, for which the same holds. Behind `scp` it is a service control policy of the principal's account,
which restricts the root as well. `level` counts the levels of the organization down from its root (0 by default), and
at every level one policy must allow an action.

The other options stand beside `arn`. `tag:` gives the principal a tag, or its session (`aws:PrincipalTag/KEY`);
`organization` is the path of its account, as in o-a1b2c3d4e5/r-ab12/ou-ab12-11111111; `id` is the unique id of the
user or the role in `aws:userid`; `issued` is the time of its temporary credentials (by default the beginning of the
scenario, for roles and sessions), and `mfa` is whether they were issued after multi-factor authentication.",
    example: "\
        principal ci arn=arn:aws:iam::111122223333:role/ci tag:team=orders\n\
        { \"Statement\": { \"Effect\": \"Allow\", \"Action\": \"dsql:Get*\", \"Resource\": \"*\" } }",
    reader: VerbReader::SetUp { read, write },
};

/// The list that a policy belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attachment {
    Identity,
    Boundary,
    Session,
    Control,
}

const ATTACHMENTS: [(&str, Attachment); 3] =
    [("boundary", Attachment::Boundary), ("session", Attachment::Session), ("scp", Attachment::Control)];

/// Reads a `principal` command, with or without a policy below it.
fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let name = arguments.required("a name")?;
    let arn = arguments.option("arn");
    let access_key = arguments.option("access-key");
    let attachment = match arguments.word() {
        None => Attachment::Identity,
        Some(word) => one_of(word, "a kind of policy", &ATTACHMENTS)?,
    };
    let index = declared(set_up, name, arn)?;
    if let Some(key) = access_key {
        if set_up.principals.iter().any(|known| known.access_key.as_deref() == Some(&key.text)) {
            let message = format!("there is a principal with the access key id `{}` already", key.text);
            return Err(Diagnostic::new(message, key.span));
        }
        set_up.principals[index].access_key = Some(key.text.as_str().into());
    }
    let identity = Arc::make_mut(&mut set_up.principals[index].identity);
    // Elsewhere the options would describe a principal that other commands have described already.
    if arn.is_some() {
        principal_facts::read(identity, arguments)?;
    }
    let level = match attachment {
        Attachment::Control => level(identity, arguments)?,
        _ => 0,
    };
    let Some(body) = arguments.body() else {
        return match ATTACHMENTS.iter().find(|(_, known)| *known == attachment) {
            None => Ok(()),
            Some((kind, _)) => {
                Err(Diagnostic::new(format!("`{kind}` needs a policy: write it below"), arguments.span()))
            }
        };
    };
    if identity.principal.is_root() && attachment != Attachment::Control {
        return Err(Diagnostic::new(
            "the root of an account may do everything and takes no policies but those behind `scp`",
            body.span,
        ));
    }
    let document = Document::identity(&body.value.to_value());
    let document = document.map_err(|mistake| located(&mistake, &body.value))?;
    match attachment {
        Attachment::Identity => identity.policies.push(document),
        Attachment::Boundary => identity.boundaries.push(document),
        Attachment::Session => identity.session_policies.push(document),
        Attachment::Control => {
            identity.control_policies.resize_with((level + 1).max(identity.control_policies.len()), Vec::new);
            identity.control_policies[level].push(document);
        }
    }
    Ok(())
}

/// The level of a service control policy: one that has policies, or the next.
fn level(identity: &Identity, arguments: &mut Arguments<'_>) -> Parsed<usize> {
    let Some(word) = arguments.option("level") else { return Ok(0) };
    let level: usize = number(word)?;
    let next = identity.control_policies.len();
    if level > next {
        let message = format!("level {level} is below level {next}, which has no policy yet");
        return Err(Diagnostic::new(message, word.span)
            .help("the organization's root is level 0, and every level has a policy".to_owned()));
    }
    Ok(level)
}

fn write(writer: &mut Writer<'_>) {
    for principal in &writer.set_up.principals {
        let (name, identity) = (&principal.name, &*principal.identity);
        writer.add(format_args!("principal {name} arn={}", identity.principal.arn()));
        principal_facts::write(identity, writer);
        if let Some(key) = &principal.access_key {
            writer.add(format_args!(" access-key={key}"));
        }
        writer.add(format_args!("\n"));
        // The one policy of a root is the reader's, not the file's.
        let policies = identity.policies.iter().filter(|_| !identity.principal.is_root());
        for (index, policy) in policies.enumerate() {
            if index > 0 {
                writer.add(format_args!("principal {name}\n"));
            }
            writer.add(format_args!("{:#}\n", policy.source()));
        }
        let boundaries = identity.boundaries.iter().map(|policy| ("boundary".to_owned(), policy));
        let sessions = identity.session_policies.iter().map(|policy| ("session".to_owned(), policy));
        let levels = identity.control_policies.iter().enumerate();
        let control = levels.flat_map(|(level, policies)| {
            let kind = if level == 0 { "scp".to_owned() } else { format!("scp level={level}") };
            policies.iter().map(move |policy| (kind.clone(), policy))
        });
        for (kind, policy) in boundaries.chain(sessions).chain(control) {
            writer.add(format_args!("principal {name} {kind}\n{:#}\n", policy.source()));
        }
    }
}

/// The principal called `word`.
pub(in crate::scenario) fn called(set_up: &SetUp, word: &Word) -> Parsed<PrincipalId> {
    let known = || set_up.principals.iter().map(|known| &*known.name);
    let index = known().position(|name| *name == *word.text);
    index.and_then(PrincipalId::new).ok_or_else(|| {
        let closest = did_you_mean(&word.text, known());
        let advice = || Some(format!("declare it first with `principal {} arn=…`", word.text));
        Diagnostic::new(format!("unknown principal `{}`", word.text), word.span).help(closest.or_else(advice))
    })
}

/// The index of the principal called `name`, which its first command, the one with an ARN, adds.
fn declared(set_up: &mut SetUp, name: &Word, arn: Option<&Word>) -> Parsed<usize> {
    let index = set_up.principals.iter().position(|known| *known.name == *name.text);
    match (index, arn) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(arn)) => {
            Err(Diagnostic::new(format!("principal `{}` has an ARN already", name.text), arn.span)
                .help("a further policy of the principal needs none".to_owned()))
        }
        (None, None) => Err(Diagnostic::new(format!("principal `{}` needs `arn=`", name.text), name.span)
            .help(format!("as in {EXAMPLE}"))),
        (None, Some(arn)) => {
            let principal = Principal::parse(&arn.text).filter(|principal| principal.account().is_some());
            let principal = principal.ok_or_else(|| {
                Diagnostic::new(format!("`{}` is not the ARN of a principal", arn.text), arn.span)
                    .help(format!("write it as in {EXAMPLE}"))
            })?;
            let mut identity = Identity::new(principal);
            // The root may do everything without a policy; this one makes the evaluation the same for all principals.
            if identity.principal.is_root() {
                identity.policies.push(Document::allow_all());
            }
            set_up.principals.push(PrincipalOptions {
                name: name.text.as_str().into(),
                access_key: None,
                identity: Arc::new(identity),
            });
            Ok(set_up.principals.len() - 1)
        }
    }
}

/// A mistake in a policy, at its position in the file.
pub(super) fn located(mistake: &PolicyError, policy: &Json) -> Diagnostic {
    Diagnostic::new(format!("this is no policy: {mistake}"), find(policy, &mistake.path))
}

/// The span of the part of `json` behind `path`, or of the last part of the path that is there.
fn find(json: &Json, path: &[PathStep]) -> Span {
    let below = match (path.first(), &json.kind) {
        (Some(PathStep::Member(name)), JsonKind::Object(members)) => {
            let member = members.iter().find(|member| member.name.text == *name);
            // The last step may be an unknown member: then its name is at fault, not its value.
            if let Some(member) = member.filter(|_| path.len() == 1) {
                let is_long = matches!(member.value.kind, JsonKind::Object(_) | JsonKind::Array(_));
                let end = if is_long { member.name.span.end } else { member.value.span.end };
                return Span { start: member.name.span.start, end };
            }
            member.map(|member| &member.value)
        }
        (Some(PathStep::Element(index)), JsonKind::Array(elements)) => elements.get(*index),
        _ => None,
    };
    below.map_or(json.span, |below| find(below, &path[1..]))
}

const EXAMPLE: &str = "arn=arn:aws:iam::111122223333:role/deployer";
