//! CloudTrail for throughput: records of realistic size and mix, without labels.
//!
//! In: how many, and how many of them touch a key. Out: one record after the other, fast enough that a
//! benchmark can make its own input, and a catalog that declares the keys. The mix follows a busy
//! account's: mostly Decrypt and GenerateDataKey through S3, with the long tail thin.

use std::fmt::Write as _;
use std::io::Write as _;

use super::random::Random;
use crate::domain::time::format_rfc3339;

/// Keys that the records of [`corpus`] use.
pub const CORPUS_KEYS: usize = 500;

/// Room for a record, in bytes: they are about 1.4 KB.
const RECORD_BYTES: usize = 2_048;

/// The first record's time: 2026-11-01, in microseconds.
const START: i64 = 1_793_491_200_000_000;

/// Records come within this many microseconds of each other, so about fifty a second.
const PACE: u64 = 40_000;

const SEED: u64 = 1;

const ACCOUNTS: &[&str] = &["210000000017", "340000000023", "470000000031", "590000000047"];
const REGIONS: &[&str] = &["us-east-1", "eu-west-1", "us-west-2"];
const ROLES: &[&str] =
    &["orders-api", "payments-api", "ml-train", "ci-release", "backup", "gateway", "etl", "admin"];

/// KMS operations, and how many of a hundred calls each is.
const OPERATIONS: &[(u64, &str)] = &[
    (46, "Decrypt"),
    (30, "GenerateDataKey"),
    (8, "Encrypt"),
    (5, "DescribeKey"),
    (3, "Sign"),
    (2, "Verify"),
    (2, "CreateGrant"),
    (1, "GenerateMac"),
    (1, "ReEncrypt"),
    (1, "GenerateDataKeyWithoutPlaintext"),
    (1, "ListAliases"),
];

/// Calls that touch no key, or a secret.
const OTHERS: &[(&str, &str)] = &[
    ("s3", "GetBucketAcl"),
    ("sts", "AssumeRole"),
    ("ec2", "DescribeInstances"),
    ("iam", "ListRoles"),
    ("logs", "CreateLogStream"),
    ("secretsmanager", "GetSecretValue"),
    ("dynamodb", "DescribeTable"),
];

/// One key of the corpus: everything about it follows from its number.
#[derive(Debug, Clone, Copy)]
struct Key {
    account: &'static str,
    region: &'static str,
    number: usize,
}

impl Key {
    fn numbered(number: usize) -> Self {
        let mut random = Random::new(number as u64);
        Self { account: random.word(ACCOUNTS), region: random.word(REGIONS), number }
    }

    fn arn(self) -> String {
        let (account, region) = (self.account, self.region);
        let id = Random::new(!(self.number as u64)).uuid();
        format!("arn:aws:kms:{region}:{account}:key/{id}")
    }
}

/// This many CloudTrail records of about 1.4 KB, of which `kms_share` (0 to 1) are calls to KMS, over
/// [`CORPUS_KEYS`] keys. One JSON object each, without a newline.
pub fn corpus(records: usize, kms_share: f64) -> Corpus {
    Corpus::new(records, kms_share, CORPUS_KEYS)
}

/// A catalog that declares the first `keys` keys of the corpus, each for every role of its account, and
/// for everything but signing and MACs.
pub fn corpus_catalog(keys: usize) -> String {
    let mut yaml = String::from("version: 1\nkeys:\n");
    for number in 0..keys {
        let key = Key::numbered(number);
        let (arn, account) = (key.arn(), key.account);
        // Writing into a String cannot fail.
        let _ = writeln!(
            yaml,
            "  - {{ id: key-{number}, keys: [\"{arn}\"], purpose: data-encryption, use: use-{number}, \
             functions: [encrypt, decrypt, wrap, unwrap, reencrypt_from, reencrypt_to], \
             principals: [\"arn:aws:iam::{account}:role/*\"] }}"
        );
    }
    yaml
}

/// The records of [`corpus`], as an iterator.
#[derive(Debug, Clone)]
pub struct Corpus {
    random: Random,
    left: usize,
    /// Calls to KMS in a million.
    kms_in_a_million: u64,
    /// ARNs by key number, made once: a UUID costs more than the rest of a record's key.
    keys: Vec<(Key, String)>,
    micros: i64,
    /// The second that was last written, and its text: fifty records share it.
    second: (i64, String),
}

impl Corpus {
    /// Like [`corpus`], over the first `keys` keys, at least one.
    pub fn new(records: usize, kms_share: f64, keys: usize) -> Self {
        let key = |number| {
            let key = Key::numbered(number);
            (key, key.arn())
        };
        Self {
            random: Random::new(SEED),
            left: records,
            kms_in_a_million: (kms_share.clamp(0.0, 1.0) * 1e6) as u64,
            keys: (0..keys.max(1)).map(key).collect(),
            micros: START,
            second: (START, format_rfc3339(START)),
        }
    }

    fn advance(&mut self) {
        self.micros += 1 + self.random.below(PACE) as i64;
        let second = self.micros - self.micros.rem_euclid(1_000_000);
        if second != self.second.0 {
            self.second = (second, format_rfc3339(second));
        }
    }

    fn operation(&mut self) -> &'static str {
        let mut ticket = self.random.below(100);
        for (share, operation) in OPERATIONS {
            if ticket < *share {
                return operation;
            }
            ticket -= share;
        }
        "Decrypt"
    }

    /// Writing into a vector cannot fail, so the results of `write!` are dropped throughout.
    fn write_record(&mut self, out: &mut Vec<u8>) {
        self.advance();
        let kms = self.random.chance(self.kms_in_a_million, 1_000_000);
        let place = self.random.below(self.keys.len() as u64) as usize;
        let Some((key, arn)) = self.keys.get(place).cloned() else { return };
        let role = self.random.word(ROLES);
        self.write_caller(out, key.account, role);
        let action = if kms { self.write_kms_call(out, key, &arn) } else { self.write_other_call(out, key) };
        self.write_end(out, key, &arn, action, kms);
    }

    fn write_caller(&mut self, out: &mut Vec<u8>, account: &str, role: &str) {
        let (id, issuer, access) = (self.random.number(), self.random.number(), self.random.number());
        let (instance, time) = (self.random.number(), &self.second.1);
        let _ = write!(
            out,
            "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"type\":\"AssumedRole\",\
             \"principalId\":\"AROA{id:016X}:{role}\",\
             \"arn\":\"arn:aws:sts::{account}:assumed-role/{role}/i-{instance:016x}\",\
             \"accountId\":\"{account}\",\"accessKeyId\":\"ASIA{access:016X}\",\
             \"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\"AROA{issuer:016X}\",\
             \"arn\":\"arn:aws:iam::{account}:role/{role}\",\"accountId\":\"{account}\",\"userName\":\"{role}\"}},\
             \"webIdFederationData\":{{}},\
             \"attributes\":{{\"creationDate\":\"{time}\",\"mfaAuthenticated\":\"false\"}}}},\
             \"invokedBy\":\"AWS Internal\"}},\"eventTime\":\"{time}\""
        );
    }

    fn write_kms_call(&mut self, out: &mut Vec<u8>, key: Key, arn: &str) -> &'static str {
        let action = self.operation();
        self.write_where(out, "kms", action, key.region);
        match action {
            "Decrypt" | "Encrypt" => {
                self.write_call_for_s3(out, arn, "\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"");
            }
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                self.write_call_for_s3(out, arn, "\"keySpec\":\"AES_256\"");
            }
            _ => self.write_rare_request(out, action, key, arn),
        }
        action
    }

    fn write_call_for_s3(&mut self, out: &mut Vec<u8>, arn: &str, parameter: &str) {
        let (bucket, object) = (self.random.below(40), self.random.below(1_000_000));
        let _ = write!(
            out,
            "{{\"keyId\":\"{arn}\",{parameter},\"encryptionContext\":\
             {{\"aws:s3:arn\":\"arn:aws:s3:::bucket-{bucket}/p/{object}\"}}}}"
        );
    }

    fn write_rare_request(&mut self, out: &mut Vec<u8>, action: &str, key: Key, arn: &str) {
        let _ = match action {
            "Sign" | "Verify" => write!(
                out,
                "{{\"keyId\":\"{arn}\",\"messageType\":\"DIGEST\",\"signingAlgorithm\":\"ECDSA_SHA_256\"}}"
            ),
            "GenerateMac" => write!(out, "{{\"keyId\":\"{arn}\",\"macAlgorithm\":\"HMAC_SHA_256\"}}"),
            "CreateGrant" => {
                let (account, grantee) = (key.account, self.random.word(ROLES));
                write!(
                    out,
                    "{{\"keyId\":\"{arn}\",\"operations\":[\"Decrypt\",\"GenerateDataKey\"],\
                     \"granteePrincipal\":\"arn:aws:iam::{account}:role/{grantee}\"}}"
                )
            }
            "ReEncrypt" => {
                let other = self.random.pick(&self.keys).map_or(arn, |(_, arn)| arn);
                write!(
                    out,
                    "{{\"sourceKeyId\":\"{arn}\",\"destinationKeyId\":\"{other}\",\
                     \"sourceEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\
                     \"destinationEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}}"
                )
            }
            "ListAliases" => write!(out, "null"),
            _ => write!(out, "{{\"keyId\":\"{arn}\"}}"),
        };
    }

    fn write_other_call(&mut self, out: &mut Vec<u8>, key: Key) -> &'static str {
        let (service, action) = self.random.pick(OTHERS).copied().unwrap_or(("s3", "ListBuckets"));
        self.write_where(out, service, action, key.region);
        let number = self.random.below(1_000);
        let parameter = if service == "secretsmanager" { "secretId" } else { "name" };
        let _ = write!(out, "{{\"{parameter}\":\"thing-{number}\",\"maxResults\":100}}");
        action
    }

    fn write_where(&mut self, out: &mut Vec<u8>, service: &str, action: &str, region: &str) {
        let address = self.random.number().to_be_bytes();
        let [a, b, c, ..] = address;
        let _ = write!(
            out,
            ",\"eventSource\":\"{service}.amazonaws.com\",\"eventName\":\"{action}\",\"awsRegion\":\"{region}\",\
             \"sourceIPAddress\":\"10.{a}.{b}.{c}\",\"userAgent\":\"aws-sdk-java/2.29.1 Linux/5.10 \
             OpenJDK_64-Bit_Server_VM/17.0.9 Java/17.0.9 vendor/Amazon.com_Inc. exec-env/AWS_ECS_FARGATE\",\
             \"requestParameters\":"
        );
    }

    fn write_end(&mut self, out: &mut Vec<u8>, key: Key, arn: &str, action: &str, kms: bool) {
        let (request, event) = (self.random.uuid(), self.random.uuid());
        let (account, region, read_only) = (key.account, key.region, action != "CreateGrant");
        let _ = write!(
            out,
            ",\"responseElements\":null,\"requestID\":\"{request}\",\"eventID\":\"{event}\",\"readOnly\":{read_only}"
        );
        if kms && action != "ListAliases" {
            let _ = write!(
                out,
                ",\"resources\":[{{\"accountId\":\"{account}\",\"type\":\"AWS::KMS::Key\",\"ARN\":\"{arn}\"}}]"
            );
        }
        if self.random.chance(1, 100) {
            let _ = write!(
                out,
                ",\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User is not authorized to perform: {action} \
                 because no identity-based policy allows the action\""
            );
        }
        let _ = write!(
            out,
            ",\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"{account}\",\
             \"eventCategory\":\"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\
             \"cipherSuite\":\"TLS_AES_256_GCM_SHA384\",\
             \"clientProvidedHostHeader\":\"service.{region}.amazonaws.com\"}}}}"
        );
    }
}

impl Iterator for Corpus {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(1)?;
        let mut record = Vec::with_capacity(RECORD_BYTES);
        self.write_record(&mut record);
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
