//! The kinds of an error, each in one row: variant, stable code, message. And errors that are of
//! a kind, with a detail or without.

/// Makes the enum, its codes and its messages.
macro_rules! error_kinds {
    (
        $(#[$about:meta])+
        $name:ident:
        $($(#[$doc:meta])+ $variant:ident = $code:literal, $message:literal;)+
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])+ $variant,)+
        }

        impl $name {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// A stable code for programs.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }
        }
    };
}
pub(crate) use error_kinds;

/// Makes an error of such kinds, with a detail where there is more to say, and with what else it
/// carries: options that neither its message nor its `Debug` tells of.
#[cfg(feature = "jwt")]
macro_rules! detailed_error {
    (
        $(#[$about:meta])+
        $name:ident: $kind:ident
        $(, $(#[$doc:meta])+ $carried:ident: Option<$type:ty>)*
    ) => {
        $(#[$about])+
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            kind: $kind,
            detail: Option<std::borrow::Cow<'static, str>>,
            $($(#[$doc])+ $carried: Option<$type>,)*
        }

        impl $name {
            pub(super) fn with(
                kind: $kind,
                detail: impl Into<std::borrow::Cow<'static, str>>,
            ) -> Self {
                let mut error = Self::from(kind);
                error.detail = Some(detail.into());
                error
            }

            /// Why, in broad terms.
            #[must_use]
            pub const fn kind(&self) -> $kind {
                self.kind
            }

            /// What exactly, where there is more to say: a claim, say. Nothing in it is secret.
            #[must_use]
            pub fn detail(&self) -> Option<&str> {
                self.detail.as_deref()
            }

            /// A stable code for programs.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                self.kind.code()
            }
        }

        impl From<$kind> for $name {
            fn from(kind: $kind) -> Self {
                Self { kind, detail: None, $($carried: None,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.kind.message())?;
                match &self.detail {
                    Some(detail) => write!(f, ": {detail}"),
                    None => Ok(()),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("kind", &self.kind)
                    .field("detail", &self.detail)
                    .finish()
            }
        }

        impl std::error::Error for $name {}
    };
}
#[cfg(feature = "jwt")]
pub(crate) use detailed_error;
