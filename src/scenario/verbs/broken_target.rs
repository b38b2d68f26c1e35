//! `break-target` and `repair-target`: the Kinesis streams and the roles that streams deliver with.

use std::sync::Arc;

use strum::VariantArray;

use super::{Chapter, VerbEntry, VerbReader};
use crate::api::{StreamFailureErrorCode, is_kinesis_arn, is_role_arn};
use crate::control::environment::ExternalEvent;
use crate::region::Region;
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::script::Word;
use crate::sim::fault::Fault;

pub(super) const BREAK_TARGET: VerbEntry = VerbEntry {
    name: "break-target",
    chapter: Chapter::Faults,
    usage: "break-target REGION ARN error=CODE",
    meaning: "\
Lets the streams of a Region fail to deliver to a Kinesis stream, or with a role: ACTIVE ones become IMPAIRED with the
error code in their `statusReason`, or FAILED with KINESIS_STREAM_NOT_FOUND, and those in CREATING become FAILED at its
end. CreateStream refuses a role with ROLE_ACCESS_DENIED. A target has one error at a time. A control plane that is
down finds it so when it starts. The fault acts when a stream changes because of it, or a call names the refused
role.",
    example: "\
        break-target use1 arn:aws:kinesis:us-east-1:111122223333:stream/orders error=KINESIS_THROUGHPUT_EXCEEDED",
    reader: VerbReader::Fault(|set_up, arguments| {
        let (region, target) = read_target(set_up, arguments)?;
        let word = arguments.required_option("error", "the error code of the streams")?;
        let error = read_error(word, &target)?;
        Ok(Fault::external_event(region, ExternalEvent::BreakTarget { target, error }))
    }),
};

pub(super) const REPAIR_TARGET: VerbEntry = VerbEntry {
    name: "repair-target",
    chapter: Chapter::Faults,
    usage: "repair-target REGION ARN",
    meaning: "\
Lets the streams of a Region deliver to a Kinesis stream, or with a role, again: IMPAIRED ones become ACTIVE, FAILED
ones stay. The fault acts when the target was broken.",
    example: "repair-target use1 arn:aws:kinesis:us-east-1:111122223333:stream/orders",
    reader: VerbReader::Fault(|set_up, arguments| {
        let (region, target) = read_target(set_up, arguments)?;
        Ok(Fault::external_event(region, ExternalEvent::RepairTarget { target }))
    }),
};

/// The Region of the streams, and the Kinesis stream or the role. A Kinesis stream of another Region is the target of
/// no stream.
fn read_target(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<(Region, Arc<str>)> {
    let region = set_up.region(arguments.required("a Region")?)?;
    let word = arguments.required("the ARN of a Kinesis stream or a role")?;
    let arn = &word.text;
    if !is_kinesis_arn(arn) && !is_role_arn(arn) {
        let message = format!("`{arn}` is the ARN of neither a Kinesis stream nor a role");
        return Err(Diagnostic::new(message, word.span).help(format!("as in `{}`", BREAK_TARGET.example)));
    }
    if is_kinesis_arn(arn) && arn.split(':').nth(3) != Some(region.name()) {
        let message = format!("no stream of {region} delivers to `{arn}`");
        let help = "a stream delivers to a Kinesis stream of its own Region".to_owned();
        return Err(Diagnostic::new(message, word.span).help(help));
    }
    Ok((region, arn.as_str().into()))
}

/// An error code that the target can cause.
fn read_error(word: &Word, target: &str) -> Parsed<StreamFailureErrorCode> {
    let all: Vec<_> =
        StreamFailureErrorCode::VARIANTS.iter().map(|error| (error.to_string(), *error)).collect();
    let all: Vec<_> = all.iter().map(|(name, error)| (name.as_str(), *error)).collect();
    let error = one_of(word, "an error code", &all)?;
    let help = match error {
        StreamFailureErrorCode::ClusterCmkInaccessible => "`disable-keys` takes the key of a cluster away",
        StreamFailureErrorCode::RoleAccessDenied if !is_role_arn(target) => "name the role that is denied",
        StreamFailureErrorCode::KinesisStreamNotFound
        | StreamFailureErrorCode::KinesisThroughputExceeded
        | StreamFailureErrorCode::KinesisOversizeRecord
            if is_role_arn(target) =>
        {
            "name the Kinesis stream"
        }
        _ => return Ok(error),
    };
    Err(Diagnostic::new(format!("`{target}` does not cause {error}"), word.span).help(help.to_owned()))
}
