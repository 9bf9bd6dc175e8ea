/// Where in a request a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// The path of the target, whole.
    Path,
    /// A parameter of the query.
    Query,
    /// A cookie.
    Cookie,
    /// A header.
    Header,
    /// A field of an `application/x-www-form-urlencoded` body.
    Form,
    /// A part of a multipart body that is not a file.
    Multipart,
    /// The name of an uploaded file.
    FileName,
    /// The header of a part of a multipart body.
    PartHeader,
    /// The content of an uploaded file.
    File,
    /// A string of a JSON body, or a key.
    Json,
    /// A text, attribute or name of an XML body.
    Xml,
    /// A whole XML body, as it came: only for what concerns the document (DTD, entities).
    XmlDocument,
    /// A string literal or variable of a GraphQL request.
    Graphql,
    /// A whole GraphQL document: only for what concerns the document (introspection, depth).
    GraphqlDocument,
    /// A body of no known type, whole.
    Body,
}

impl Place {
    /// Every place there is.
    pub const ALL: &[Self] = &[
        Self::Path,
        Self::Query,
        Self::Cookie,
        Self::Header,
        Self::Form,
        Self::Multipart,
        Self::FileName,
        Self::PartHeader,
        Self::File,
        Self::Json,
        Self::Xml,
        Self::XmlDocument,
        Self::Graphql,
        Self::GraphqlDocument,
        Self::Body,
    ];

    /// The name, as reports and events carry it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::FileName => "file_name",
            Self::PartHeader => "part_header",
            Self::File => "file",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::XmlDocument => "xml_document",
            Self::Graphql => "graphql",
            Self::GraphqlDocument => "graphql_document",
            Self::Body => "body",
        }
    }
}

/// A set of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places(u32);

impl Places {
    /// Where values stand that an application reads: everywhere but in whole documents and in
    /// the content of files.
    pub(crate) const VALUES: Self = Self::of(&[
        Place::Path,
        Place::Query,
        Place::Cookie,
        Place::Header,
        Place::Form,
        Place::Multipart,
        Place::FileName,
        Place::PartHeader,
        Place::Json,
        Place::Xml,
        Place::Graphql,
        Place::Body,
    ]);

    /// Where parameters of the application stand.
    pub(crate) const PARAMETERS: Self = Self::of(&[
        Place::Query,
        Place::Form,
        Place::Multipart,
        Place::Json,
        Place::Xml,
        Place::Graphql,
        Place::File,
        Place::FileName,
    ]);

    pub(crate) const fn of(places: &[Place]) -> Self {
        let mut bits = 0;
        let mut rest = places;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u32;
            rest = others;
        }
        Self(bits)
    }

    /// These places and those.
    pub(crate) const fn and(self, places: &[Place]) -> Self {
        Self(self.0 | Self::of(places).0)
    }

    /// These places without those.
    pub(crate) const fn without(self, places: &[Place]) -> Self {
        Self(self.0 & !Self::of(places).0)
    }

    pub(crate) const fn contains(self, place: Place) -> bool {
        self.0 & (1 << place as u32) != 0
    }
}

/// What of a named text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its name: of a parameter, a key, an element.
    Name,
    /// Its value.
    Value,
}

/// What detectors may need to know of the request around a view.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings<'a> {
    /// The `Host`, without a port, as it came; empty where there is none.
    pub(crate) host: &'a [u8],
    /// The `Referer`, whole, as it came; empty where there is none.
    pub(crate) referer: &'a [u8],
}

/// One text of a request in one state of decoding: all that a detector sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The text, decoded `depth` times.
    pub(crate) bytes: &'a [u8],
    pub(crate) place: Place,
    pub(crate) part: Part,
    /// The name of the parameter, header (lower case), cookie, key, as far as it matters: also
    /// when `part` is the name itself.
    pub(crate) name: &'a [u8],
    /// How many decodings lie between the parsed value and this view: 0 for the value itself.
    pub(crate) depth: u8,
    /// Whether one of those decodings was of base64.
    pub(crate) from_base64: bool,
    pub(crate) request: &'a Surroundings<'a>,
}

impl View<'_> {
    /// Whether this is a header of this name (lower case).
    pub(crate) fn is_header(&self, name: &str) -> bool {
        self.place == Place::Header && self.name == name.as_bytes()
    }
}
