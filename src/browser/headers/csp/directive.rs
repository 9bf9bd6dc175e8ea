use std::fmt;

macro_rules! directives {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// A directive of a Content-Security-Policy whose value is a list of sources.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Directive {
            $($(#[$doc])+ $variant,)+
        }

        impl Directive {
            /// Every directive there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name, as the policy writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

directives! {
    /// What the fetch directives that are not named fall back to.
    DefaultSrc = "default-src";
    /// Scripts.
    ScriptSrc = "script-src";
    /// `<script>` elements alone; falls back to `script-src`.
    ScriptSrcElem = "script-src-elem";
    /// Inline event handlers alone; falls back to `script-src`.
    ScriptSrcAttr = "script-src-attr";
    /// Style sheets.
    StyleSrc = "style-src";
    /// `<style>` and `<link>` elements alone; falls back to `style-src`.
    StyleSrcElem = "style-src-elem";
    /// `style` attributes alone; falls back to `style-src`.
    StyleSrcAttr = "style-src-attr";
    /// Images.
    ImgSrc = "img-src";
    /// Fonts.
    FontSrc = "font-src";
    /// `fetch`, WebSockets, beacons.
    ConnectSrc = "connect-src";
    /// Audio and video.
    MediaSrc = "media-src";
    /// Plugins.
    ObjectSrc = "object-src";
    /// Frames inside the page.
    FrameSrc = "frame-src";
    /// Workers.
    WorkerSrc = "worker-src";
    /// Frames and workers; falls back to `default-src`.
    ChildSrc = "child-src";
    /// The web application manifest.
    ManifestSrc = "manifest-src";
    /// What a `<base>` element may set.
    BaseUri = "base-uri";
    /// Where forms may be sent.
    FormAction = "form-action";
    /// Who may put the page into a frame.
    FrameAncestors = "frame-ancestors";
}

impl Directive {
    /// Directives that decide which scripts run.
    pub(super) const fn is_script(self) -> bool {
        matches!(
            self,
            Self::DefaultSrc | Self::ScriptSrc | Self::ScriptSrcElem | Self::ScriptSrcAttr
        )
    }

    /// Directives that decide which style sheets apply.
    pub(super) const fn is_style(self) -> bool {
        matches!(
            self,
            Self::DefaultSrc | Self::StyleSrc | Self::StyleSrcElem | Self::StyleSrcAttr
        )
    }

    /// The directives that stand in for this one where it is not named, nearest first.
    pub(super) const fn fallbacks(self) -> &'static [Self] {
        match self {
            Self::ScriptSrcElem | Self::ScriptSrcAttr => &[Self::ScriptSrc, Self::DefaultSrc],
            Self::StyleSrcElem | Self::StyleSrcAttr => &[Self::StyleSrc, Self::DefaultSrc],
            Self::DefaultSrc | Self::BaseUri | Self::FormAction | Self::FrameAncestors => &[],
            _ => &[Self::DefaultSrc],
        }
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
