//! The targets of streams: Kinesis streams and roles outside DSQL, modelled by the error that each causes.
//!
//! The errors are facts, as disabled keys are: a control plane that was down finds them when it starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{StreamFailureErrorCode, TargetDefinition};

/// The broken targets of a Region, by the ARN of a Kinesis stream or of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokenTargets(BTreeMap<Arc<str>, StreamFailureErrorCode>);

/// The error codes in the order in which a delivery meets their causes: it assumes the role, which then may write to
/// the Kinesis stream, which exists, encrypts and takes the record. The order is our choice.
const PATH: [StreamFailureErrorCode; 7] = [
    StreamFailureErrorCode::RoleAccessDenied,
    StreamFailureErrorCode::KinesisAccessDenied,
    StreamFailureErrorCode::KinesisStreamNotFound,
    StreamFailureErrorCode::KinesisKmsAccessDenied,
    StreamFailureErrorCode::KinesisThroughputExceeded,
    StreamFailureErrorCode::KinesisOversizeRecord,
    StreamFailureErrorCode::InternalError,
];

impl BrokenTargets {
    /// Lets deliveries to `target`, or with this role, end with `error`, or with none.
    pub fn set(&mut self, target: &Arc<str>, error: Option<StreamFailureErrorCode>) {
        match error {
            Some(error) => self.0.insert(target.clone(), error),
            None => self.0.remove(target),
        };
    }

    /// The error of the Kinesis stream or the role with this ARN.
    #[must_use]
    pub fn get(&self, arn: &str) -> Option<StreamFailureErrorCode> {
        self.0.get(arn).copied()
    }

    /// Every broken target with its error.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, StreamFailureErrorCode)> {
        self.0.iter().map(|(arn, error)| (arn, *error))
    }

    /// The error that a delivery to `target` meets first.
    #[must_use]
    pub fn error_of(&self, target: &TargetDefinition) -> Option<StreamFailureErrorCode> {
        let kinesis = target.kinesis.as_ref()?;
        let of = |arn: &Option<String>| arn.as_deref().and_then(|arn| self.get(arn));
        let errors = [of(&kinesis.role_arn), of(&kinesis.stream_arn)];
        errors.into_iter().flatten().min_by_key(|error| PATH.iter().position(|it| it == error))
    }
}
