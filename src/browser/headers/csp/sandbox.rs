/// What a sandboxed page may do after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SandboxFlag {
    /// Start downloads.
    Downloads,
    /// Send forms.
    Forms,
    /// Open dialogs.
    Modals,
    /// Open windows.
    Popups,
    /// Keep its own origin.
    SameOrigin,
    /// Run scripts.
    Scripts,
}

impl SandboxFlag {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Downloads => "allow-downloads",
            Self::Forms => "allow-forms",
            Self::Modals => "allow-modals",
            Self::Popups => "allow-popups",
            Self::SameOrigin => "allow-same-origin",
            Self::Scripts => "allow-scripts",
        }
    }
}
