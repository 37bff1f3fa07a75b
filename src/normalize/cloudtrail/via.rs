//! Which AWS service used the key for the caller.
//!
//! `kms:ViaService` is a condition key and not in the log, so it is derived. What the caller could
//! have written itself is believed only where the address shows that a service called: the user agent
//! and the encryption context are the caller's words.

use std::net::IpAddr;

use super::service::short_name;

/// The caller called for itself.
pub const DIRECT: &str = "direct";

/// A service called, and nothing says which.
pub const UNKNOWN: &str = "unknown";

/// What CloudTrail writes for a service that it does not name.
pub const INTERNAL: &str = "AWS Internal";

/// What tells the service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    pub invoked_by: Option<&'a str>,
    pub source_ip: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    /// The path and name of the role behind the session.
    pub role_path: Option<&'a str>,
    /// The service that the event is of, where the service itself raised it.
    pub raised_by: Option<&'a str>,
}

/// The service's short name, [`DIRECT`], or [`UNKNOWN`] for "AWS Internal" that nothing explains.
/// `context_has` tells whether the encryption context has a name.
pub fn via<'a>(signs: &Signs<'a>, context_has: impl Fn(&str) -> bool) -> &'a str {
    let named = signs.invoked_by.and_then(service_of_host).or_else(|| {
        let by_address = signs.source_ip.and_then(service_of_host);
        by_address.or_else(|| signs.user_agent.and_then(service_of_host).filter(|_| !has_address(signs)))
    });
    if let Some(service) = named {
        return service;
    }
    let internal = is_internal(signs);
    if internal && let Some(service) = service_of_context(context_has) {
        return service;
    }
    if let Some(service) = signs.role_path.and_then(service_of_role).or(signs.raised_by) {
        return service;
    }
    if internal { UNKNOWN } else { DIRECT }
}

fn is_internal(signs: &Signs<'_>) -> bool {
    signs.invoked_by == Some(INTERNAL)
        || signs.source_ip == Some(INTERNAL)
        || (signs.user_agent == Some(INTERNAL) && !has_address(signs))
}

/// Whether the call came from an address, so from a caller and not from within AWS. Proxies add
/// theirs after a comma.
fn has_address(signs: &Signs<'_>) -> bool {
    let first = signs.source_ip.and_then(|list| list.split(',').next());
    first.is_some_and(|address| address.trim().parse::<IpAddr>().is_ok())
}

/// The short name of the service with this host name: `workmail` for
/// `workmail.eu-west-1.amazonaws.com`.
pub fn service_of_host(host: &str) -> Option<&str> {
    let labels = short_name(host).filter(|labels| !labels.contains([' ', '/', ',']))?;
    labels.rsplit('.').find(|label| !is_region(label)).filter(|label| !label.is_empty())
}

/// `eu-west-1`, `us-gov-east-1`: letters, at least two hyphens, digits last.
fn is_region(label: &str) -> bool {
    let Some((area, number)) = label.rsplit_once('-') else { return false };
    area.contains('-') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Roles that only a service assumes: service-linked ones, and the one of EBS.
pub fn service_of_role(role_path: &str) -> Option<&str> {
    if let Some(linked) = role_path.strip_prefix("aws-service-role/") {
        return linked.split('/').next().and_then(service_of_host);
    }
    (role_path == "aws:ec2-infrastructure").then_some("ec2")
}

/// The encryption contexts that services use (AWS KMS developer guide, "How AWS services use KMS").
fn service_of_context(context_has: impl Fn(&str) -> bool) -> Option<&'static str> {
    // Trails and WorkSpaces add their own name to that of the storage they use.
    const BY_NAME: [(&str, &str); 25] = [
        ("aws:cloudtrail:arn", "cloudtrail"),
        ("aws:workspaces:sid-directoryid", "workspaces"),
        ("SecretARN", "secretsmanager"),
        ("PARAMETER_ARN", "ssm"),
        ("aws:s3:arn", "s3"),
        ("aws:ebs:id", "ec2"),
        ("aws:rds:db-id", "rds"),
        ("aws:rds:dbc-id", "rds"),
        ("aws:dynamodb:tableName", "dynamodb"),
        ("aws:dynamodb:subscriberId", "dynamodb"),
        ("aws:lambda:FunctionArn", "lambda"),
        ("aws:ses:message-id", "ses"),
        ("aws:ses:rule-name", "ses"),
        ("aws:ses:source-account", "ses"),
        ("aws:workmail:arn", "workmail"),
        ("aws:redshift:arn", "redshift"),
        ("aws:redshift:createtime", "redshift"),
        ("aws:logs:arn", "logs"),
        ("aws:sns:topicArn", "sns"),
        ("aws:sqs:arn", "sqs"),
        ("aws:ecr:arn", "ecr"),
        ("aws:eks:context", "eks"),
        ("aws:bedrock:arn", "bedrock"),
        ("aws:kinesis:arn", "kinesis"),
        ("aws:elasticfilesystem:filesystem:id", "elasticfilesystem"),
    ];
    BY_NAME.iter().find(|(name, _)| context_has(name)).map(|(_, service)| *service)
}
