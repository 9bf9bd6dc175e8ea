use serde::{Serialize, Serializer};

/// How grave an event is, as the OWASP Logging Vocabulary grades it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Level {
    /// Normal: somebody logged in.
    Info,
    /// Worth counting: somebody failed to log in.
    Warn,
    /// Needs a look: something that ordinary use does not do.
    Critical,
}

/// Each variant with its name in the vocabulary and its usual level.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, $level:ident;)+) => {
        /// What happened, in the words of the OWASP Logging Vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])+ $variant,)+
        }

        impl EventKind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the vocabulary.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The usual level.
            #[must_use]
            pub const fn level(self) -> Level {
                match self {
                    $(Self::$variant => Level::$level,)+
                }
            }
        }
    };
}

kinds! {
    /// Somebody logged in.
    AuthnLoginSuccess = "authn_login_success", Info;
    /// Somebody failed to log in.
    AuthnLoginFail = "authn_login_fail", Warn;
    /// Somebody failed to log in as often as is allowed.
    AuthnLoginFailMax = "authn_login_fail_max", Warn;
    /// An account was locked.
    AuthnLoginLock = "authn_login_lock", Warn;
    /// A password was changed.
    AuthnPasswordChange = "authn_password_change", Info;
    /// A password could not be changed.
    AuthnPasswordChangeFail = "authn_password_change_fail", Critical;
    /// A token was issued.
    AuthnTokenCreated = "authn_token_created", Info;
    /// A token was revoked.
    AuthnTokenRevoked = "authn_token_revoked", Info;
    /// A token that had been used up or revoked came again.
    AuthnTokenReuse = "authn_token_reuse", Critical;
    /// A token was refused: forged, expired or not for us. (Ours; the vocabulary knows only
    /// reuse.)
    AuthnTokenFail = "authn_token_fail", Warn;
    /// A principal asked for what it may not do.
    AuthzFail = "authz_fail", Critical;
    /// It was decided what a principal may do, allowed or not. (Ours: a log of decisions.)
    AuthzDecision = "authz_decision", Info;
    /// A principal's rights were changed.
    AuthzChange = "authz_change", Warn;
    /// An administrator did something.
    AuthzAdmin = "authz_admin", Warn;
    /// Data could not be decrypted.
    CryptDecryptFail = "crypt_decrypt_fail", Warn;
    /// Data could not be encrypted.
    CryptEncryptFail = "crypt_encrypt_fail", Warn;
    /// A quota was used up.
    ExcessRateLimitExceeded = "excess_rate_limit_exceeded", Warn;
    /// An upload was finished.
    UploadComplete = "upload_complete", Info;
    /// An upload was checked and refused.
    UploadValidation = "upload_validation", Critical;
    /// Input did not pass validation.
    InputValidationFail = "input_validation_fail", Warn;
    /// A client asks for many things that do not exist.
    MaliciousExcess404 = "malicious_excess_404", Warn;
    /// A request held what no honest client sends.
    MaliciousExtraneous = "malicious_extraneous", Critical;
    /// A request looks like one of an attack tool, or like an attack.
    MaliciousAttackTool = "malicious_attack_tool", Critical;
    /// A request came across origins that may not send it.
    MaliciousCors = "malicious_cors", Critical;
    /// A client tried to reach an object directly that is not its own.
    MaliciousDirectReference = "malicious_direct_reference", Critical;
    /// A client was banned. (Ours; the vocabulary knows locks of accounts alone.)
    ClientBanned = "client_banned", Warn;
    /// A client's ban was lifted before its time. (Ours.)
    ClientBanLifted = "client_ban_lifted", Warn;
    /// A step of a flow came out of order.
    SequenceFail = "sequence_fail", Critical;
    /// A session began.
    SessionCreated = "session_created", Info;
    /// A session was renewed.
    SessionRenewed = "session_renewed", Info;
    /// A session ended.
    SessionExpired = "session_expired", Info;
    /// A session was used after its end.
    SessionUseAfterExpire = "session_use_after_expire", Critical;
    /// A service started.
    SysStartup = "sys_startup", Info;
    /// A service stopped.
    SysShutdown = "sys_shutdown", Info;
    /// A dependency of a control failed. (Ours: names that the control fell back or failed
    /// closed.)
    SysControlDegraded = "sys_control_degraded", Critical;
    /// A handler failed: the answer was a 5xx that no control gave. (Ours; the vocabulary's
    /// `sys_crash` is of the whole service.)
    SysHandlerError = "sys_handler_error", Critical;
    /// A response told what it must not: a stack trace, a key. (Ours.)
    SysDataLeak = "sys_data_leak", Critical;
    /// A user was created.
    UserCreated = "user_created", Info;
    /// A user was changed.
    UserUpdated = "user_updated", Info;
    /// A user was archived.
    UserArchived = "user_archived", Info;
    /// A user was deleted.
    UserDeleted = "user_deleted", Info;
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
    }
}
