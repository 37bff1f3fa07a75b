//! Who and what the made-up company has: accounts, keys, roles. `deploy/example/catalog.yaml` declares them.

/// The company's account. AWS's documentation uses it for examples, so nobody owns it.
pub const ACCOUNT: &str = "123456789012";
/// An account that nobody at the company knows.
pub const STRANGER: &str = "999988887777";
/// Where the company works.
pub const REGION: &str = "eu-west-1";

pub const ORDERS: &str = "arn:aws:kms:eu-west-1:123456789012:key/5f0c2a61-83de-4b7f-9c1e-2d6a4f7b9e01";
pub const ORDERS_ALIAS: &str = "arn:aws:kms:eu-west-1:123456789012:alias/orders";
pub const ORDERS_BUCKET: &str = "arn:aws:kms:eu-west-1:123456789012:key/a7d94c10-5e2b-4f38-8b66-90c1e7f3d202";
pub const MODEL_SIGNING: &str = "arn:aws:kms:eu-west-1:123456789012:key/c1b6e0d4-72f9-4d0a-a5b3-4e8f1c6d7303";
pub const MODEL_WEIGHTS: &str = "arn:aws:kms:eu-west-1:123456789012:key/d8e3f7a2-1c4d-4e69-b0f5-7a9b2c3d4404";
pub const SESSION_MAC: &str = "arn:aws:kms:eu-west-1:123456789012:key/mrk-3b8f1d2e4c5a69788796a5b4c3d2e105";
/// The replica of [`SESSION_MAC`] in a region that its entry does not name.
pub const SESSION_MAC_ABROAD: &str =
    "arn:aws:kms:us-east-1:123456789012:key/mrk-3b8f1d2e4c5a69788796a5b4c3d2e105";
pub const BACKUP_WRAPPING: &str =
    "arn:aws:kms:eu-west-1:123456789012:key/e2f4a6b8-0d1c-4b3e-95a7-c9d8e7f60606";
pub const APP_SECRETS: &str = "arn:aws:kms:eu-west-1:123456789012:key/f5a7c9e1-2b3d-4c5e-86f7-08192a3b4c07";
pub const ARCHIVE: &str = "arn:aws:kms:eu-west-1:123456789012:key/08192a3b-4c5d-4e6f-9a8b-7c6d5e4f3a08";
pub const FIRMWARE: &str = "arn:aws:kms:eu-west-1:123456789012:key/192a3b4c-5d6e-4f70-8b9c-6d5e4f3a2b09";
pub const DECOY: &str = "arn:aws:kms:eu-west-1:123456789012:key/2a3b4c5d-6e7f-4081-9cad-5e4f3a2b1c10";
/// AWS's own key for S3, known by its alias.
pub const AWS_S3: &str = "arn:aws:kms:eu-west-1:123456789012:key/3b4c5d6e-7f80-4192-8dbe-4f3a2b1c0d11";
pub const AWS_S3_ALIAS: &str = "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3";
/// A key that nobody declared.
pub const SCRATCH: &str = "arn:aws:kms:eu-west-1:123456789012:key/4c5d6e7f-8091-42a3-9ecf-3a2b1c0d1e12";
/// A key of [`STRANGER`].
pub const FOREIGN: &str = "arn:aws:kms:eu-west-1:999988887777:key/5d6e7f80-91a2-43b4-8fd0-2b1c0d1e2f13";
/// The secret that opens the orders database.
pub const DATABASE_PASSWORD: &str =
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders/database-Qm3xTz";

/// The enclave image that may open the model weights.
pub const ENCLAVE_IMAGE: &str =
    "6d0cf1f8a2b34e5c9d7a8b1e0f2c3d4e5f60718293a4b5c6d7e8f9010203040506070809a0b1c2d3e4f5061728394a5b";
/// The customers that order records are kept for.
pub const TENANTS: &[&str] = &["acme", "globex", "initech"];
/// The applications that work on orders.
pub const ORDERS_APPS: &[&str] = &["orders-api", "orders-worker"];

pub const CUSTOMER_RECORDS: &str = "vault:transit/customer-records";
pub const RELEASE_SIGNING: &str = "vault:transit/release-signing";
pub const SCRATCHPAD: &str = "vault:transit/scratchpad";
pub const ISSUING_CA: &str = "vault:pki_int";
pub const SHOP_PASSWORD: &str = "vault:kv/shop/database";

/// When exception EX-7 of the catalog holds, in microseconds: 2026-11-01 to 2027-01-15. Outside of it the
/// migration does not run.
pub const MIGRATION: std::ops::Range<i64> = 1_793_491_200_000_000..1_799_971_200_000_000;
