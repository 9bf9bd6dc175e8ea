use crate::event::EventKind;
use crate::store::StoreErrorKind;
use http::StatusCode;

/// Each variant with its status, stable code, title, gRPC status and usual event.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $status:ident, $code:literal, $title:literal, $grpc:literal, $event:expr;)+) => {
        /// Why a request was refused, in broad terms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RejectionKind {
            $($(#[$doc])+ $variant,)+
        }

        impl RejectionKind {
            /// The HTTP status that this kind is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The stable code, unless the rejection has a more exact one.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// A few words for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// The status code in the gRPC protocol.
            #[must_use]
            pub const fn grpc_status(self) -> u8 {
                match self { $(Self::$variant => $grpc,)+ }
            }

            pub(super) const fn event(self) -> Option<EventKind> {
                match self { $(Self::$variant => $event,)+ }
            }
        }
    };
}

kinds! {
    /// The request cannot be understood.
    Malformed = BAD_REQUEST, "malformed_request", "The request is malformed", 3, Some(EventKind::InputValidationFail);
    /// Nobody is authenticated, or the credential is no good.
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Authentication is required", 16, None;
    /// The authentication is too weak or too old for this (RFC 9470).
    StepUpRequired = UNAUTHORIZED, "insufficient_user_authentication", "A stronger or more recent authentication is required", 16, None;
    /// The principal may not do this.
    Forbidden = FORBIDDEN, "forbidden", "You are not allowed to do this", 7, Some(EventKind::AuthzFail);
    /// The request came across origins that may not send it.
    CrossOrigin = FORBIDDEN, "cross_origin", "This request may not be sent from another site", 7, Some(EventKind::MaliciousCors);
    /// The request looks like an attack.
    Hostile = FORBIDDEN, "request_blocked", "The request was blocked", 7, Some(EventKind::MaliciousAttackTool);
    /// The client is shut out for a time.
    Banned = FORBIDDEN, "banned", "Access is temporarily blocked", 7, Some(EventKind::MaliciousExtraneous);
    /// There is nothing here, or nothing that this caller may know of.
    NotFound = NOT_FOUND, "not_found", "There is nothing here", 5, None;
    /// The resource does not know the method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here", 12, None;
    /// The request did not arrive in time.
    Timeout = REQUEST_TIMEOUT, "request_timeout", "The request took too long to arrive", 4, Some(EventKind::InputValidationFail);
    /// The request clashes with what is there.
    Conflict = CONFLICT, "conflict", "The request conflicts with the current state", 10, None;
    /// There are more or larger headers than allowed (RFC 6585 section 5).
    HeadersTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "The request headers are too large", 8, Some(EventKind::InputValidationFail);
    /// The body is larger than allowed.
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The request body is too large", 8, Some(EventKind::InputValidationFail);
    /// The body is of a type that is not taken here.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The content type is not supported", 3, Some(EventKind::InputValidationFail);
    /// The request is understood, and its content is not valid.
    Invalid = UNPROCESSABLE_ENTITY, "invalid", "The content is not valid", 3, Some(EventKind::InputValidationFail);
    /// A quota is used up.
    RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Too many requests", 8, Some(EventKind::ExcessRateLimitExceeded);
    /// Something is wrong on our side.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong", 13, Some(EventKind::SysControlDegraded);
    /// We cannot decide now, so the answer is no.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The service is temporarily unavailable", 14, Some(EventKind::SysControlDegraded);
}

/// 503 for a store that may do better later, 500 for what no waiting helps, such as an id that is
/// too long.
impl From<StoreErrorKind> for RejectionKind {
    fn from(kind: StoreErrorKind) -> Self {
        match kind.is_mistake() {
            true => Self::Internal,
            false => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_waiting_helps_is_our_mistake() {
        for (kind, status) in [
            (StoreErrorKind::Unavailable, 503),
            (StoreErrorKind::Timeout, 503),
            (StoreErrorKind::Full, 503),
            (StoreErrorKind::TooLarge, 500),
            (StoreErrorKind::Invalid, 500),
            (StoreErrorKind::Conflict, 503),
            (StoreErrorKind::Corrupt, 503),
        ] {
            assert_eq!(RejectionKind::from(kind).status(), status, "{kind:?}");
        }
    }
}
