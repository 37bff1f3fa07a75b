//! The actions of Vault and OpenBao: one table that detectors, queries and documentation rely on.
//!
//! An action fixes what an event touches (its category) and what was done with the key (its function);
//! the path and the operation of a call choose the action, in the module of its engine. The names are
//! those of the `action` column, `engine.operation`; the part before the first dot is the `service`,
//! except for log-ins and auth roles, where the service is the auth method.

use crate::domain::event::Category;
use crate::domain::function::Function;

macro_rules! actions {
    ($( $action:ident $name:literal $category:ident [$($function:ident)?], $about:literal; )+) => {
        /// What a Vault or OpenBao call did.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $( #[doc = $about] $action ),+ }

        /// Every action, in the order of the engines.
        pub const ACTIONS: &[Action] = &[ $( Action::$action ),+ ];

        impl Action {
            /// The value of the `action` column.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$action => $name ),+ }
            }

            /// What it means, in one sentence.
            pub const fn about(self) -> &'static str {
                match self { $( Self::$action => $about ),+ }
            }

            /// What such an event touches.
            pub const fn category(self) -> Category {
                match self { $( Self::$action => Category::$category ),+ }
            }

            /// What was done with the key, in the words of the catalog.
            pub const fn function(self) -> Option<Function> {
                match self { $( Self::$action => actions!(@function $($function)?) ),+ }
            }
        }
    };
    (@function) => { None };
    (@function $function:ident) => { Some(Function::$function) };
}

actions! {
    TransitEncrypt "transit.encrypt" Use [Encrypt], "Encrypted with a transit key; `implicit_creation` in `request` where the call also created the key.";
    TransitDecrypt "transit.decrypt" Use [Decrypt], "Decrypted with a transit key.";
    TransitRewrap "transit.rewrap" Use [ReencryptTo], "Re-encrypted with the newest version of the same transit key.";
    TransitDatakeyPlaintext "transit.datakey.plaintext" Use [Wrap], "A data key was made and handed out in clear beside its wrapped form.";
    TransitDatakeyWrapped "transit.datakey.wrapped" Use [Wrap], "A data key was made and handed out wrapped only.";
    TransitSign "transit.sign" Use [Sign], "Signed with a transit key.";
    TransitVerify "transit.verify" Use [Verify], "A signature was checked with a transit key.";
    TransitVerifyMac "transit.verify_mac" Use [MacVerify], "An HMAC or CMAC was checked with a transit key.";
    TransitHmac "transit.hmac" Use [MacGenerate], "An HMAC was made with a transit key; every transit key can.";
    TransitCmac "transit.cmac" Use [MacGenerate], "A CMAC was made with a transit key.";
    TransitDeriveKey "transit.derive_key" Use [KeyAgreement], "A key was agreed with a peer's public key; `key_id` is the key derived, its base key is not visible.";
    TransitExport "transit.export" Key [Export], "Private or secret key material was exported.";
    TransitExportPublic "transit.export.public_key" Read [Read], "A public key was read.";
    TransitExportChain "transit.export.certificate_chain" Read [Read], "A key's certificate chain was read.";
    TransitByokExport "transit.byok_export" Key [Export], "A key was exported wrapped with another, `other_key_id`.";
    TransitBackup "transit.backup" Key [Backup], "A key was backed up in plaintext, all versions.";
    TransitRestore "transit.restore" Key [Import], "A key was restored from a backup; the name may only be inside it.";
    TransitKeysList "transit.keys.list" Read [Read], "The mount's key names were listed.";
    TransitKeysRead "transit.keys.read" Read [Read], "A key's type, versions and settings were read.";
    TransitKeysCreate "transit.keys.create" Key [Manage], "A key was created.";
    TransitKeysConfig "transit.keys.config" Key [Manage], "A key's settings changed: minimum versions, deletion_allowed, exportable, allow_plaintext_backup, rotation.";
    TransitKeysRotate "transit.keys.rotate" Key [Manage], "A key got a new version.";
    TransitKeysTrim "transit.keys.trim" Key [Manage], "A key's old versions were destroyed.";
    TransitKeysDelete "transit.keys.delete" Key [Manage], "A key was deleted.";
    TransitKeysSoftDelete "transit.keys.soft_delete" Key [Manage], "A key was put out of use, restorable.";
    TransitKeysSoftDeleteRestore "transit.keys.soft_delete_restore" Key [Manage], "A soft-deleted key was put back in use.";
    TransitKeysCsr "transit.keys.csr" Key [Manage], "A certificate request was made with a key.";
    TransitKeysSetCertificate "transit.keys.set_certificate" Key [Manage], "A certificate chain was bound to a key.";
    TransitKeysImport "transit.keys.import" Key [Import], "A key was imported.";
    TransitKeysImportVersion "transit.keys.import_version" Key [Import], "A version of a key was imported.";
    TransitWrappingKey "transit.wrapping_key" Read [Read], "The mount's public wrapping key was read, as before an import.";
    TransitConfigKeys "transit.config.keys" Key [Manage], "The mount's key settings changed: disable_upsert.";
    TransitConfigKeysRead "transit.config.keys.read" Read [Read], "The mount's key settings were read.";
    TransitCacheConfig "transit.cache_config" Key [Manage], "The mount's key cache was set.";
    TransitRandom "transit.random" Read [], "Random bytes were made; no key.";
    TransitHash "transit.hash" Read [], "Data was hashed; no key.";
    TransitOther "transit.other" Read [], "A transit path that keyward does not know.";

    PkiIssue "pki.issue" Use [Certify], "A certificate and its private key were issued through a role.";
    PkiSign "pki.sign" Use [Certify], "A certificate request was signed through a role.";
    PkiSignVerbatim "pki.sign_verbatim" Use [Certify], "A certificate request was signed as it is, past the roles' restrictions.";
    PkiSignIntermediate "pki.root.sign_intermediate" Use [Certify], "An intermediate CA was signed.";
    PkiSignSelfIssued "pki.root.sign_self_issued" Use [Certify], "A self-issued certificate was signed.";
    PkiCrossSign "pki.intermediate.cross_sign" Use [Certify], "A request to have this CA cross-signed was made with its key.";
    PkiAcmeFinalize "pki.acme.finalize" Use [Certify], "An ACME order was finalized: a certificate was issued.";
    PkiAcmeEab "pki.acme.eab" Access [Manage], "ACME account credentials were made or removed.";
    PkiSignRevocationList "pki.sign_revocation_list" Use [Certify], "A revocation list was signed.";
    PkiRootGenerateInternal "pki.root.generate.internal" Key [Manage], "A root CA was generated inside.";
    PkiRootGenerateExported "pki.root.generate.exported" Key [Manage], "A root CA was generated and its private key handed out.";
    PkiRootGenerateExisting "pki.root.generate.existing" Key [Manage], "A root CA was made from a key that is there.";
    PkiRootGenerateKms "pki.root.generate.kms" Key [Manage], "A root CA was generated in a managed key.";
    PkiRootRotate "pki.root.rotate" Key [Manage], "A new root CA was generated beside the old one.";
    PkiRootRotateExported "pki.root.rotate.exported" Key [Manage], "A new root CA was generated and its private key handed out.";
    PkiRootReplace "pki.root.replace" Key [Manage], "Another issuer was made the default.";
    PkiRootDelete "pki.root.delete" Key [Manage], "All issuers and keys of the mount were deleted.";
    PkiIntermediateGenerateInternal "pki.intermediate.generate.internal" Key [Manage], "An intermediate CA's key was generated inside.";
    PkiIntermediateGenerateExported "pki.intermediate.generate.exported" Key [Manage], "An intermediate CA's key was generated and handed out.";
    PkiIntermediateGenerateExisting "pki.intermediate.generate.existing" Key [Manage], "An intermediate CA's request was made with a key that is there.";
    PkiIntermediateGenerateKms "pki.intermediate.generate.kms" Key [Manage], "An intermediate CA's key was generated in a managed key.";
    PkiIntermediateSetSigned "pki.intermediate.set_signed" Key [Manage], "The signed certificate of an intermediate CA was set.";
    PkiIssuersImport "pki.issuers.import" Key [Import], "Issuers, and keys with them, were imported.";
    PkiKeysGenerateInternal "pki.keys.generate.internal" Key [Manage], "A CA key was generated inside.";
    PkiKeysGenerateExported "pki.keys.generate.exported" Key [Manage], "A CA key was generated and handed out.";
    PkiKeysGenerateKms "pki.keys.generate.kms" Key [Manage], "A CA key was generated in a managed key.";
    PkiKeysImport "pki.keys.import" Key [Import], "A CA key was imported.";
    PkiConfigCa "pki.config.ca" Key [Import], "A CA bundle was imported.";
    PkiIssuerWrite "pki.issuer.write" Key [Manage], "An issuer's settings changed.";
    PkiIssuerDelete "pki.issuer.delete" Key [Manage], "An issuer was deleted.";
    PkiIssuerRevoke "pki.issuer.revoke" Key [Manage], "An issuer was revoked.";
    PkiKeyWrite "pki.key.write" Key [Manage], "A CA key's name changed.";
    PkiKeyDelete "pki.key.delete" Key [Manage], "A CA key was deleted.";
    PkiRevoke "pki.revoke" Key [Manage], "A certificate was revoked.";
    PkiTidy "pki.tidy" Key [Manage], "Expired certificates were cleaned away.";
    PkiCrlRotate "pki.crl.rotate" Key [Manage], "The revocation lists were rebuilt.";
    PkiConfig "pki.config" Key [Manage], "The mount's settings changed: issuers, keys, URLs, CRL, ACME, cluster, auto-tidy.";
    PkiRolesWrite "pki.roles.write" Access [Manage], "A role, which bounds what may be issued, was written.";
    PkiRolesDelete "pki.roles.delete" Access [Manage], "A role was deleted.";
    PkiRead "pki.read" Read [Read], "Certificates, lists, roles or settings were read.";
    PkiOther "pki.other" Read [], "A PKI path that keyward does not know.";

    SshSign "ssh.sign" Use [Certify], "An SSH public key was signed through a role.";
    SshIssue "ssh.issue" Use [Certify], "An SSH key pair was made and signed through a role.";
    SshConfigCa "ssh.config.ca" Key [Manage], "The SSH CA's key was generated.";
    SshConfigCaImport "ssh.config.ca.import" Key [Import], "The SSH CA's private key was supplied by the caller.";
    SshConfigCaDelete "ssh.config.ca.delete" Key [Manage], "The SSH CA's key was deleted.";
    SshConfig "ssh.config" Key [Manage], "The mount's settings or issuers changed.";
    SshRolesWrite "ssh.roles.write" Access [Manage], "A role, which bounds what may be signed, was written.";
    SshRolesDelete "ssh.roles.delete" Access [Manage], "A role was deleted.";
    SshCreds "ssh.creds" Access [], "A one-time password for SSH was made; no CA key.";
    SshRead "ssh.read" Read [Read], "The public key, roles or settings were read.";
    SshOther "ssh.other" Read [], "An SSH path that keyward does not know.";

    KvGet "kv.get" Use [Retrieve], "A secret's value was read.";
    KvPut "kv.put" Use [Store], "A secret's value was written.";
    KvPatch "kv.patch" Use [Store], "Part of a secret's value was written.";
    KvDelete "kv.delete" Key [Manage], "A secret, or its newest version, was deleted.";
    KvUndelete "kv.undelete" Key [Manage], "Deleted versions of a secret were put back.";
    KvDestroy "kv.destroy" Key [Manage], "Versions of a secret were destroyed for good.";
    KvMetadataRead "kv.metadata.read" Read [Read], "A secret's versions and metadata were read.";
    KvMetadataWrite "kv.metadata.write" Key [Manage], "A secret's metadata or limits changed.";
    KvMetadataDelete "kv.metadata.delete" Key [Manage], "A secret was deleted with all its versions.";
    KvSubkeys "kv.subkeys" Read [Read], "A secret's structure was read, without values.";
    KvList "kv.list" Read [Read], "Names of secrets were listed.";
    KvConfig "kv.config" Key [Manage], "The mount's version settings changed.";
    KvConfigRead "kv.config.read" Read [Read], "The mount's version settings were read.";

    TotpGenerate "totp.code.generate" Use [MacGenerate], "A one-time code was made.";
    TotpValidate "totp.code.validate" Use [MacVerify], "A one-time code was checked.";
    TotpKeysWrite "totp.keys.write" Key [Manage], "A one-time-code key was created or supplied.";
    TotpKeysDelete "totp.keys.delete" Key [Manage], "A one-time-code key was deleted.";
    TotpKeysRead "totp.keys.read" Read [Read], "One-time-code keys were read or listed.";

    IdentityToken "identity.oidc.token" Use [TokenIssue], "An identity token was issued; the signing key is the role's and not visible.";
    IdentityKeyWrite "identity.oidc.key.write" Key [Manage], "An identity-token key was created or changed.";
    IdentityKeyDelete "identity.oidc.key.delete" Key [Manage], "An identity-token key was deleted.";
    IdentityKeyRotate "identity.oidc.key.rotate" Key [Manage], "An identity-token key was rotated.";
    IdentityKeyRead "identity.oidc.key.read" Read [Read], "Identity-token keys were read or listed.";
    IdentityOidcWrite "identity.oidc.write" Access [], "An OIDC role, client, provider, scope or assignment was written or deleted.";
    IdentityWrite "identity.write" Access [], "An entity, group or alias was written.";
    IdentityDelete "identity.delete" Access [], "An entity, group or alias was deleted.";

    TokenCreate "token.create" Access [], "A token was created; its policies are in `response`.";
    TokenCreateOrphan "token.create_orphan" Access [], "A token without a parent was created.";
    TokenRevoke "token.revoke" Access [], "Tokens were revoked.";
    TokenRolesWrite "token.roles.write" Access [], "A token role was written.";
    TokenRolesDelete "token.roles.delete" Access [], "A token role was deleted.";

    AuthLogin "auth.login" Access [], "A log-in; the principal is who logged in, where it succeeded.";
    AuthRolesWrite "auth.roles.write" Access [], "An auth method's role, user, group or certificate was written.";
    AuthRolesDelete "auth.roles.delete" Access [], "An auth method's role, user, group or certificate was deleted.";
    AuthSecretIdCreate "auth.secret_id.create" Access [], "A secret id was made for an AppRole.";
    AuthConfigWrite "auth.config.write" Access [], "An auth method's configuration changed.";

    SysAuditEnable "sys.audit.enable" Logging [], "An audit device was enabled.";
    SysAuditDisable "sys.audit.disable" Logging [], "An audit device was disabled.";
    SysAuditRead "sys.audit.read" Read [], "The audit devices were listed.";
    SysAuditHash "sys.audit_hash" Logging [], "The HMAC of a known string was asked for, which undoes hashing by guessing.";
    SysConfigAuditing "sys.config.auditing" Logging [], "Which request headers are audited, or how, changed.";
    SysConfigAuditingRead "sys.config.auditing.read" Read [], "Which request headers are audited was read.";
    SysMountsEnable "sys.mounts.enable" Key [], "A secrets engine was mounted.";
    SysMountsDisable "sys.mounts.disable" Key [], "A secrets engine was unmounted, its keys and secrets deleted.";
    SysMountsTune "sys.mounts.tune" Key [], "A mount was tuned; `audit_non_hmac_request_keys` and `…_response_keys` in `request` say what is no longer hashed.";
    SysMountsRead "sys.mounts.read" Read [], "Mounts or their tuning were read.";
    SysRemount "sys.remount" Key [], "A mount was moved.";
    SysPoliciesWrite "sys.policies.acl.write" Access [], "A policy was written.";
    SysPoliciesDelete "sys.policies.acl.delete" Access [], "A policy was deleted.";
    SysPoliciesRead "sys.policies.acl.read" Read [], "A policy was read.";
    SysPoliciesList "sys.policies.acl.list" Read [], "Policies were listed.";
    SysPoliciesSentinelWrite "sys.policies.sentinel.write" Access [], "An EGP or RGP policy was written.";
    SysPoliciesSentinelDelete "sys.policies.sentinel.delete" Access [], "An EGP or RGP policy was deleted.";
    SysAuthEnable "sys.auth.enable" Access [], "An auth method was enabled.";
    SysAuthDisable "sys.auth.disable" Access [], "An auth method was disabled.";
    SysAuthTune "sys.auth.tune" Access [], "An auth method's mount was tuned.";
    SysAuthRead "sys.auth.read" Read [], "Auth methods or their tuning were read.";
    SysGenerateRoot "sys.generate_root" Access [], "Generating a root or recovery token was started, continued or cancelled.";
    SysGenerateRootRead "sys.generate_root.read" Read [], "The progress of a root token's generation was read.";
    SysRekey "sys.rekey" Key [], "The unseal or recovery keys were being replaced.";
    SysRekeyRead "sys.rekey.read" Read [], "The progress of a rekey, or its backup, was read.";
    SysSeal "sys.seal" Key [], "The server was sealed or told to step down.";
    SysSealWrap "sys.seal_wrap" Key [], "Seal-wrapped values were rewrapped.";
    SysRawRead "sys.raw.read" Key [], "Raw storage, below all policies, was read.";
    SysRawList "sys.raw.list" Read [], "Raw storage was listed.";
    SysRawWrite "sys.raw.write" Key [], "Raw storage was written.";
    SysRawDelete "sys.raw.delete" Key [], "Raw storage was deleted.";
    SysPluginsWrite "sys.plugins.write" Access [], "A plugin was registered, pinned or removed.";
    SysRotate "sys.rotate" Key [], "The barrier's key was rotated, or its rotation configured.";
    SysLeasesRevoke "sys.leases.revoke" Access [], "Leases were revoked.";
    SysNamespacesWrite "sys.namespaces.write" Access [], "A namespace was created, changed or locked.";
    SysNamespacesDelete "sys.namespaces.delete" Access [], "A namespace was deleted with everything in it.";
    SysNamespacesRead "sys.namespaces.read" Read [], "Namespaces were read or listed.";
    SysSnapshotRead "sys.snapshot.read" Key [], "A snapshot of all storage was taken away.";
    SysSnapshotRestore "sys.snapshot.restore" Key [], "All storage was replaced by a snapshot.";
    SysSnapshotConfig "sys.snapshot.config" Key [], "Automatic snapshots were configured.";
    SysReplication "sys.replication" Key [], "Replication, which copies keys to another cluster, was changed.";
    SysManagedKeysWrite "sys.managed_keys.write" Key [], "A managed (HSM or KMS) key was written or deleted.";

    KmipCreate "kmip.create" Key [Manage], "A KMIP client created a key or key pair.";
    KmipRegister "kmip.register" Key [Import], "A KMIP client registered or imported an object.";
    KmipRekey "kmip.rekey" Key [Manage], "A KMIP client replaced a key.";
    KmipDerive "kmip.derive_key" Use [Derive], "A KMIP client derived a key.";
    KmipCertify "kmip.certify" Use [Certify], "A KMIP client had a certificate made.";
    KmipLocate "kmip.locate" Read [Read], "A KMIP client searched for objects.";
    KmipGet "kmip.get" Key [Export], "A KMIP client fetched key material.";
    KmipExport "kmip.export" Key [Export], "A KMIP client exported an object.";
    KmipGetAttributes "kmip.get_attributes" Read [Read], "A KMIP client read an object's attributes.";
    KmipSetAttributes "kmip.set_attributes" Key [Manage], "A KMIP client changed an object's attributes.";
    KmipActivate "kmip.activate" Key [Manage], "A KMIP client activated a key.";
    KmipRevoke "kmip.revoke" Key [Manage], "A KMIP client revoked a key.";
    KmipDestroy "kmip.destroy" Key [Manage], "A KMIP client destroyed a key.";
    KmipArchive "kmip.archive" Key [Manage], "A KMIP client archived or recovered an object.";
    KmipQuery "kmip.query" Read [], "A KMIP client asked what the server can do.";
    KmipDiscoverVersions "kmip.discover_versions" Read [], "A KMIP client asked for the protocol's versions.";
    KmipEncrypt "kmip.encrypt" Use [Encrypt], "A KMIP client encrypted.";
    KmipDecrypt "kmip.decrypt" Use [Decrypt], "A KMIP client decrypted.";
    KmipSign "kmip.sign" Use [Sign], "A KMIP client signed.";
    KmipSignatureVerify "kmip.signature_verify" Use [Verify], "A KMIP client checked a signature.";
    KmipMac "kmip.mac" Use [MacGenerate], "A KMIP client made a MAC.";
    KmipMacVerify "kmip.mac_verify" Use [MacVerify], "A KMIP client checked a MAC.";
    KmipOther "kmip.other" Read [], "A KMIP operation that keyward does not know or that touches no key.";
    KmipConfig "kmip.config" Access [], "The KMIP server's scopes, roles or client credentials changed.";

    UnknownRead "unknown.read" Use [], "Something was read from an engine that the entry does not name.";
    UnknownWrite "unknown.write" Use [], "Something was written to an engine that the entry does not name.";
    UnknownDelete "unknown.delete" Key [], "Something was deleted in an engine that the entry does not name.";
    UnknownList "unknown.list" Read [], "Names were listed in an engine that the entry does not name.";
}

impl Action {
    /// The engine: the part of the name before the first dot.
    pub fn service(self) -> &'static str {
        self.name().split('.').next().unwrap_or_default()
    }
}
