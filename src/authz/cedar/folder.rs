use super::{CedarPolicies, LoadError, TemplateLink};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A folder of policies:
///
/// | files | |
/// |---|---|
/// | `*.cedar` | policies and templates |
/// | one of `*.cedarschema`, `*.cedarschema.json` | the schema, unless [`schema`](Self::schema) gave one |
/// | `*.links.json` | templates with their slots filled: a list of [`TemplateLink`] |
///
/// Other files and folders in it do not count, nor do hidden ones.
///
/// To change several files at once, write a new folder beside it and put a link to it in the
/// place of the old: a folder that is being written can be read when half of it is there.
#[derive(Clone, Debug)]
#[must_use = "nothing is read before `read`"]
pub struct PolicyFolder {
    path: PathBuf,
    schema: Option<String>,
}

/// The files that count, by name and in order.
pub(super) struct Files(Vec<(String, String)>);

impl Files {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }
}

impl PolicyFolder {
    /// The most files that are read.
    pub const MAX_FILES: usize = 10_000;

    /// The folder at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            schema: None,
        }
    }

    /// What the policies are checked against: a schema that the application makes, in place of
    /// a file.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Reads and checks all that is in it.
    ///
    /// # Errors
    /// When it cannot be read, or something in it is wrong.
    pub fn read(&self) -> Result<CedarPolicies, LoadError> {
        self.load(self.files()?)
    }

    pub(super) fn files(&self) -> Result<Files, LoadError> {
        let mut names = Vec::new();
        let folder = fs::read_dir(&self.path).map_err(|source| unreadable(&self.path, source))?;
        for entry in folder {
            let entry = entry.map_err(|source| unreadable(&self.path, source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && Kind::of(&name).is_some() {
                names.push(name);
            }
        }
        names.sort_unstable();
        if names.len() > Self::MAX_FILES {
            return Err(LoadError::TooMany {
                count: names.len(),
                most: Self::MAX_FILES,
            });
        }
        let mut left = CedarPolicies::MAX_TEXT_LEN;
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let text = read(&self.path.join(&name), left)?.ok_or(LoadError::TooLarge {
                name: name.clone(),
                most: CedarPolicies::MAX_TEXT_LEN,
            })?;
            left = left.saturating_sub(text.len());
            files.push((name, text));
        }
        Ok(Files(files))
    }

    pub(super) fn load(&self, files: Files) -> Result<CedarPolicies, LoadError> {
        let is_policies = |(name, _): (&str, &str)| matches!(Kind::of(name), Some(Kind::Policies));
        if !files.iter().any(is_policies) {
            return Err(LoadError::Empty(self.path.display().to_string()));
        }
        let mut builder = CedarPolicies::builder();
        let mut schema_file: Option<String> = None;
        for (name, text) in files.0 {
            match Kind::of(&name) {
                Some(Kind::Policies) => builder = builder.file(name, text),
                Some(Kind::Links) => builder = builder.links(links(&name, &text)?),
                Some(Kind::Schema) => {
                    if let Some(first) = schema_file.replace(name.clone()) {
                        return Err(LoadError::TwoSchemas(first, name));
                    }
                    builder = builder.schema_file(&name, text);
                }
                None => {}
            }
        }
        match (&self.schema, schema_file) {
            (Some(_), Some(name)) => Err(LoadError::TwoSchemas(
                "the schema of the application".to_owned(),
                name,
            )),
            (Some(schema), None) => builder.schema(schema).build(),
            (None, _) => builder.build(),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Policies,
    Schema,
    Links,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        const ENDINGS: [(&str, Kind); 4] = [
            (".cedar", Kind::Policies),
            (".cedarschema", Kind::Schema),
            (".cedarschema.json", Kind::Schema),
            (".links.json", Kind::Links),
        ];
        let found = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|(_, kind)| *kind)
    }
}

fn links(name: &str, text: &str) -> Result<Vec<TemplateLink>, LoadError> {
    serde_json::from_str(text).map_err(|error| LoadError::Links {
        file: name.to_owned(),
        message: error.to_string(),
    })
}

/// `None` when it is longer than that.
fn read(path: &Path, most: usize) -> Result<Option<String>, LoadError> {
    let mut text = String::new();
    // A pipe would be waited for.
    let is_file = |found: fs::Metadata| match found.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is no file")),
    };
    fs::metadata(path)
        .and_then(is_file)
        .and_then(|file| file.take(most as u64 + 1).read_to_string(&mut text))
        .map_err(|source| unreadable(path, source))?;
    Ok((text.len() <= most).then_some(text))
}

fn unreadable(path: &Path, source: io::Error) -> LoadError {
    LoadError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
