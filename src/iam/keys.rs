//! The condition keys that the simulation knows. A policy may name any key: one that no request has is absent, as on
//! AWS. The report of a denial names the keys that are not in this list, because the denial may be due to the
//! simulation and not to the policy.

/// Whether the simulation knows `key`, which is written in lower case: it supplies the key, or its requests lack the
/// key as they do on AWS.
pub(super) fn is_known(key: &str) -> bool {
    KEYS.contains(&key) || PREFIXES.iter().any(|prefix| key.len() > prefix.len() && key.starts_with(prefix))
}

/// The keys with a tag's key, or with a key of the encryption context, behind the prefix.
const PREFIXES: [&str; 4] =
    ["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "kms:encryptioncontext:"];

/// The other keys: all global ones (IAM User Guide, "AWS global condition context keys"), those of Aurora DSQL, and
/// those of the actions of other services that it performs for a caller.
const KEYS: [&str; 59] = [
    "aws:assumedroot",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
    "dsql:fisactionid",
    "dsql:fistargetarns",
    "dsql:witnessregion",
    "iam:associatedresourcearn",
    "iam:awsservicename",
    "iam:passedtoservice",
    "kms:calleraccount",
    "kms:encryptioncontextkeys",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:requestalias",
    "kms:resourcealiases",
    "kms:viaservice",
];
