//! `throttle` and `fail`: requests are answered with an error in front of the control plane.

use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader};
use crate::api::{Error, Operation};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Refuse};

pub(super) const THROTTLE: VerbEntry = VerbEntry {
    name: "throttle",
    chapter: Chapter::Faults,
    usage: "throttle REGION [OPERATION] [times=N] [rate=PERCENT%]",
    meaning: "\
Answers `times` (1) requests to a Region with ThrottlingException, before its control plane sees them: the next ones,
or each of those that come with a chance of `rate` percent. The fault acts when a request gets the error.",
    example: "throttle use1 CreateCluster times=2",
    reader: VerbReader::Fault(throttle),
};

pub(super) const FAIL: VerbEntry = VerbEntry {
    name: "fail",
    chapter: Chapter::Faults,
    usage: "fail REGION [OPERATION] error=NAME [times=N] [rate=PERCENT%]",
    meaning: "\
Answers `times` (1) requests to a Region with an error of the API, before its control plane sees them: the next ones,
or each of those that come with a chance of `rate` percent. The fault acts when a request gets the error.",
    example: "fail use1 CreateCluster error=InternalServerException times=5 rate=20%",
    reader: VerbReader::Fault(fail),
};

fn throttle(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = arguments.required("a Region")?;
    let refuse = read(set_up, arguments, region, throttling())?;
    let Some(error) = arguments.retired_option("error") else { return Ok(Fault::Refuse(refuse)) };
    // `throttle` once answered with any error.
    let operation = refuse.operation.map_or(String::new(), |operation| format!(" {operation}"));
    let message = "`throttle` has no option `error`: it answers with ThrottlingException";
    let instead = format!("write `fail {}{operation} error={}`", region.text, error.text);
    Err(Diagnostic::new(message, error.span).help(instead))
}

fn fail(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = arguments.required("a Region")?;
    let refuse = read(set_up, arguments, region, throttling())?;
    let word = arguments.required_option("error", "as in error=ConflictException")?;
    let error = one_of(word, "an error that can be injected", &injected_errors())?;
    Ok(Fault::Refuse(Refuse { error, ..refuse }))
}

/// Reads what both verbs take behind the Region.
fn read(set_up: &SetUp, arguments: &mut Arguments<'_>, region: &Word, error: Error) -> Parsed<Refuse> {
    let region = set_up.region(region)?;
    let operations: Vec<_> = Operation::ALL.iter().map(|operation| (operation.name(), *operation)).collect();
    let operation = arguments.word().map(|word| one_of(word, "an operation", &operations)).transpose()?;
    let times = arguments.number("times", 1)?;
    if times == 0 {
        return Err(Diagnostic::new("`times` counts from 1", arguments.span()));
    }
    let percent = arguments.rate()?;
    Ok(Refuse { percent, ..Fault::refuse(region, operation, error, times) })
}

impl FaultText for Refuse {
    fn write(&self, writer: &mut Writer<'_>) {
        let is_throttled = matches!(self.error, Error::Throttling { .. });
        let verb = if is_throttled { Verb::Throttle } else { Verb::Fail };
        writer.add(format_args!("{} {}", verb.name(), writer.region(self.region)));
        if let Some(operation) = self.operation {
            writer.add(format_args!(" {operation}"));
        }
        if self.times != 1 {
            writer.add(format_args!(" times={}", self.times));
        }
        if let Some(percent) = self.percent {
            writer.add(format_args!(" rate={percent}%"));
        }
        if !is_throttled {
            writer.add(format_args!(" error={}", self.error.name()));
        }
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let region = set_up.region_name(self.region);
        // With a rate, requests may have come and none was drawn.
        let verb = if self.percent.is_some() { "was refused in" } else { "came to" };
        match self.operation {
            Some(operation) => format!("no request for {operation} {verb} {region}"),
            None => format!("no request {verb} {region}"),
        }
    }
}

/// The error called `name`, if requests can be answered with it before a control plane sees them. Its texts are those
/// of an injected error.
#[must_use]
pub fn injected_error(name: &str) -> Option<Error> {
    injected_errors().into_iter().find(|(known, _)| *known == name).map(|(_, error)| error)
}

fn injected_errors() -> [(&'static str, Error); 7] {
    let denied = Error::AccessDenied { message: "User is not authorized to perform this action".to_owned() };
    let missing = Error::ResourceNotFound {
        message: "The resource doesn't exist. Verify the ARN and try again.".to_owned(),
        resource_id: String::new(),
        resource_type: "cluster".to_owned(),
    };
    let invalid = Error::other("The request is not valid".to_owned());
    let quota = Error::ServiceQuotaExceeded {
        message: "You have reached the cluster limit.".to_owned(),
        resource_id: String::new(),
        resource_type: "cluster".to_owned(),
        service_code: "dsql".to_owned(),
        quota_code: String::new(),
    };
    [throttling(), internal(), conflict(), denied, missing, invalid, quota].map(|error| (error.name(), error))
}

fn throttling() -> Error {
    Error::Throttling {
        message: "Rate exceeded".to_owned(),
        service_code: Some("dsql".to_owned()),
        quota_code: None,
        retry_after_seconds: Error::RETRY_AFTER_SECONDS,
    }
}

fn internal() -> Error {
    Error::InternalServer {
        message: "Internal server error".to_owned(),
        retry_after_seconds: Error::RETRY_AFTER_SECONDS,
    }
}

fn conflict() -> Error {
    let message = "Another operation is in progress".to_owned();
    Error::Conflict { message, resource_id: None, resource_type: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injected_error_that_sdks_retry_says_when() {
        for (name, error) in injected_errors() {
            assert_eq!(error.retry_after_seconds().is_some(), error.is_retryable(), "{name}");
        }
    }
}
