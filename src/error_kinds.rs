//! The kinds of an error, each in one row: variant, stable code, message.

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
