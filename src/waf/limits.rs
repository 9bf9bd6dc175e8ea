/// How much of a request is looked at. What is over a limit is an attack: a value that is not
/// looked at is a place to hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(super) body: usize,
    pub(super) fields: usize,
    pub(super) depth: usize,
    pub(super) decodings: u8,
    pub(super) work: usize,
    pub(super) over: OverLimit,
}

/// What to do with a body that is larger than the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverLimit {
    /// Refuse with 413.
    #[default]
    Reject,
    /// Look at its beginning and let the rest pass unseen. For uploads to handlers that look
    /// at what they take themselves: whoever pads an attack with enough bytes passes.
    InspectBeginning,
}

impl Limits {
    /// 1 MiB of body, 4,096 fields, 32 levels of nesting, 5 decodings of one value, and in
    /// all no more work than the size of the request is worth: 72 steps for each byte and a
    /// million for any request, where a step is about what it takes to look at a byte once.
    /// Prose takes an eighth of that, source code a half, and dense markup with encoded
    /// characters nearly all. What is made to be slow to read, from end to end and perhaps once
    /// more behind each encoding, is refused (`protocol-work`) when it has cost about as much
    /// as twice its size of such markup. Lower [`Limits::body`] where that is too much.
    pub const fn new() -> Self {
        Self {
            body: 1 << 20,
            fields: 4096,
            depth: 32,
            decodings: 5,
            work: 72,
            over: OverLimit::Reject,
        }
    }

    /// The largest body, in bytes, that is read into memory and looked at.
    pub const fn body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }

    /// What happens to larger bodies.
    pub const fn over(mut self, over: OverLimit) -> Self {
        self.over = over;
        self
    }

    /// The most parameters, headers, cookies, parts, keys and elements of one request.
    pub const fn fields(mut self, fields: usize) -> Self {
        self.fields = fields;
        self
    }

    /// The deepest nesting of JSON, XML and GraphQL.
    pub const fn depth(mut self, levels: usize) -> Self {
        self.depth = levels;
        self
    }

    /// How many encodings around a value are undone.
    pub const fn decodings(mut self, decodings: u8) -> Self {
        self.decodings = decodings;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
