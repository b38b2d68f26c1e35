//! The public sources.

/// A public page or repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The page of an operation in the API reference.
    Api(&'static str),
    /// A page of the User Guide: its title and its file.
    Guide(&'static str, &'static str),
    /// Another page: its title and its address.
    Page(&'static str, &'static str),
}

impl Source {
    /// The source as a link in Markdown.
    #[must_use]
    pub fn link(self) -> String {
        match self {
            Source::Api(operation) => format!("[API Reference, {operation}]({API}/API_{operation}.html)"),
            Source::Guide(title, file) => format!("[User Guide, \"{title}\"]({GUIDE}/{file}.html)"),
            Source::Page(title, address) => format!("[{title}]({address})"),
        }
    }
}

const API: &str = "https://docs.aws.amazon.com/aurora-dsql/latest/APIReference";
const GUIDE: &str = "https://docs.aws.amazon.com/aurora-dsql/latest/userguide";

pub(super) const MODEL: Source = Source::Page(
    "API model 2018-05-10 in botocore",
    "https://github.com/boto/botocore/tree/1.44.5/botocore/data/dsql/2018-05-10",
);
pub(super) const SMITHY: Source = Source::Page(
    "Smithy model",
    "https://github.com/aws/aws-sdk-js-v3/blob/main/codegen/sdk-codegen/aws-models/dsql.json",
);
pub(super) const MULTI_REGION: Source = Source::Guide("Using AWS CLI, multi-Region", "multi-region-aws-cli");
pub(super) const SINGLE_REGION: Source =
    Source::Guide("Using AWS CLI, single-Region", "single-region-aws-cli");
pub(super) const TEMPLATES: Source =
    Source::Guide("Using AWS CloudFormation, multi-Region", "mr-cluster-setup");
pub(super) const LIFECYCLE: Source = Source::Guide("Cluster lifecycle", "cluster-lifecycle");
pub(super) const QUOTAS: Source = Source::Guide("Quotas", "CHAP_quotas");
pub(super) const REGIONS: Source = Source::Guide("Region availability", "what-is-aurora-dsql");
pub(super) const RELEASES: Source = Source::Guide("Release notes", "release-notes");
pub(super) const RESILIENCY: Source = Source::Guide("Resiliency", "disaster-recovery-resiliency");
pub(super) const ENCRYPTION: Source = Source::Guide("Data encryption", "data-encryption");
pub(super) const CONDITIONS: Source = Source::Guide("Using IAM condition keys", "using-iam-condition-keys");
pub(super) const SERVICE_ROLE: Source =
    Source::Guide("Service-linked roles", "working-with-service-linked-roles");
pub(super) const POLICIES: Source = Source::Guide("Resource-based policies", "resource-based-policies");
pub(super) const PUBLIC_ACCESS: Source =
    Source::Guide("Blocking public access with resource-based policies", "rbp-block-public-access");
pub(super) const TAGGING: Source = Source::Guide("Tagging resources", "CHAP_tagging");
pub(super) const TAG_EDITOR: Source = Source::Page(
    "Tag Editor User Guide, \"Service quotas\"",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/reference.html",
);
pub(super) const PRIVATE_LINK: Source = Source::Guide("AWS PrivateLink", "privatelink-managing-clusters");
pub(super) const BILLING: Source = Source::Guide("Billing and metering", "billing-metering");
pub(super) const STREAMS: Source = Source::Guide("Change data capture", "cdc-setup");
pub(super) const STREAM_HEALTH: Source = Source::Guide("Monitoring streams", "cdc-monitoring");
pub(super) const STREAM_ROLES: Source = Source::Guide("Configuring IAM for streams", "cdc-iam");
pub(super) const BACKUP: Source = Source::Page(
    "AWS Backup Developer Guide, \"Restore an Aurora DSQL cluster\"",
    "https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-auroradsql.html",
);
pub(super) const CLOUDFORMATION: Source = Source::Page(
    "AWS::DSQL::Cluster",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dsql-cluster.html",
);
pub(super) const AUTHORIZATION: Source = Source::Page(
    "Service Authorization Reference, Aurora DSQL",
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonauroradsql.html",
);
pub(super) const EVALUATION: Source = Source::Page(
    "IAM User Guide, \"Policy evaluation logic\"",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
);
pub(super) const DENIALS: Source = Source::Page(
    "IAM User Guide, \"Troubleshoot access denied error messages\"",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
);
pub(super) const KMS_NAMES: Source = Source::Page(
    "AWS KMS Developer Guide, \"Key identifiers\"",
    "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id",
);
pub(super) const KMS_STATES: Source = Source::Page(
    "AWS KMS Developer Guide, \"Key states of AWS KMS keys\"",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
);
pub(super) const KMS_POLICIES: Source = Source::Page(
    "AWS KMS Developer Guide, \"Key policies in AWS KMS\"",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
);
pub(super) const KMS_CONDITIONS: Source = Source::Page(
    "AWS KMS Developer Guide, \"AWS KMS condition keys\"",
    "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html",
);
pub(super) const CUSTODIAN: Source = Source::Page(
    "Cloud Custodian, recordings of July 2026",
    "https://github.com/cloud-custodian/cloud-custodian",
);
pub(super) const SAMPLES: Source =
    Source::Page("aws-samples/aurora-dsql-samples", "https://github.com/aws-samples/aurora-dsql-samples");
pub(super) const TERRAFORM: Source = Source::Page(
    "Terraform provider for AWS, dsql",
    "https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service/dsql",
);
pub(super) const TERRAFORM_REVIEW: Source = Source::Page(
    "terraform-provider-aws #41868, with comments of the service team",
    "https://github.com/hashicorp/terraform-provider-aws/pull/41868",
);
pub(super) const ALCHEMY: Source =
    Source::Page("alchemy, AWS/DSQL, with live tests", "https://github.com/alchemy-run/alchemy");
pub(super) const FAILED_STACK: Source =
    Source::Page("borso.fr, note on a failed stack deletion", "https://github.com/hugoleborso/borso.fr");
pub(super) const MISSING_ROLE: Source =
    Source::Page("contactform-api #19", "https://github.com/nishidemasami/contactform-api/issues/19");
pub(super) const MOTO: Source = Source::Page(
    "moto, which copies the service's style",
    "https://github.com/getmoto/moto/tree/master/moto/dsql",
);
pub(super) const INSIDE: Source = Source::Page(
    "Marc Brooker, \"DSQL Vignette: Wait! Isn't That Impossible?\"",
    "https://brooker.co.za/blog/2024/12/06/inside-dsql-cap.html",
);
pub(super) const OTHER_SERVICES: Source = Source::Page(
    "models of other AWS services in botocore",
    "https://github.com/boto/botocore/tree/1.44.5/botocore/data",
);
