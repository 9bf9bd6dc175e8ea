//! What an application says of its own routes and fields.

use super::rule::RuleInfo;
use super::view::Places;
use super::{Class, FieldKind, Place, Ruleset, WafError};
use std::fmt;

/// A pattern of paths: `/notes/{id}` for any one segment, `/files/*` for any rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route(String);

impl Route {
    pub(super) fn parse(text: &str) -> Result<Self, WafError> {
        let sound = text.starts_with('/')
            && !text.contains(['?', '#', ' '])
            && text
                .match_indices('*')
                .all(|(at, _)| text.len() == at + 1 && text.ends_with("/*"));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(WafError::route(text))
        }
    }

    /// Whether a path is of this route. A path that could be read in two ways is of none: the
    /// exceptions of a route are not for those who play with its name.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let mut segments = path.split(|b| *b == b'/');
        for part in self.0.split('/') {
            if part == "*" {
                return segments.all(is_plain);
            }
            let wild = part.starts_with('{') && part.ends_with('}');
            match segments.next() {
                Some(segment) if wild && !segment.is_empty() && is_plain(segment) => {}
                Some(segment) if segment == part.as_bytes() => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

fn is_plain(segment: &[u8]) -> bool {
    !matches!(segment, b"." | b"..") && memchr::memchr3(b'%', b'\\', b';', segment).is_none()
}

/// Which fields are meant: by name, and if need be by route and place.
///
/// Without a place it is the parameters of this name, in a query or a body: no header and no
/// cookie, for those are other fields, and the client could make them bear the same name.
///
/// A document in a field, such as JSON in a cookie, is of that field, whatever the names in it:
/// those are the client's to choose.
///
/// ```
/// use portcullis::waf::{Field, Place};
///
/// let html = Field::named("html").on("/notes/{id}").at(Place::Json);
/// # let _ = html;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Field {
    name: Box<str>,
    route: Option<Box<str>>,
    place: Option<Place>,
}

impl Field {
    /// The parameters, keys, parts and files of this name, in query and body. A header or a
    /// cookie is meant only where [`at`](Self::at) says so.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            route: None,
            place: None,
        }
    }

    fn stands_at(&self, place: Place) -> bool {
        match self.place {
            Some(wanted) => wanted == place,
            None => Places::PARAMETERS.contains(place),
        }
    }

    /// Only on this route: `/notes/{id}` for any one segment, `/files/*` for any rest.
    pub fn on(mut self, route: &str) -> Self {
        self.route = Some(route.into());
        self
    }

    /// At this place, and nowhere else.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {:?}", self.name)?;
        if let Some(route) = &self.route {
            write!(f, " on {route}")?;
        }
        if let Some(place) = self.place {
            write!(f, " at {}", place.as_str())?;
        }
        Ok(())
    }
}

/// Which rules are not to count in a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Excluded {
    Rule(Box<str>),
    Tag(Box<str>),
    Class(Class),
}

impl Excluded {
    fn is(&self, rule: &RuleInfo<'_>) -> bool {
        match self {
            Self::Rule(id) => rule.id.as_str() == &**id,
            Self::Tag(tag) => rule.tags.contains(&&**tag),
            Self::Class(class) => rule.class == *class,
        }
    }
}

/// Rules that do not count in a field.
///
/// ```
/// use portcullis::waf::{Class, Exclusion, Field};
///
/// let queries = Exclusion::of_class(Class::Sqli, Field::named("q").on("/reports"));
/// # let _ = queries;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Exclusion {
    what: Excluded,
    field: Field,
}

impl Exclusion {
    /// The rule of this id does not count in this field.
    pub fn of_rule(id: &str, field: Field) -> Self {
        Self {
            what: Excluded::Rule(id.into()),
            field,
        }
    }

    /// No rule with this tag counts in this field.
    pub fn of_tag(tag: &str, field: Field) -> Self {
        Self {
            what: Excluded::Tag(tag.into()),
            field,
        }
    }

    /// No rule of this class counts in this field.
    pub fn of_class(class: Class, field: Field) -> Self {
        Self {
            what: Excluded::Class(class),
            field,
        }
    }

    /// Whether this one excludes all that `other` does.
    fn covers(&self, other: &Self, rules: &Ruleset) -> bool {
        let (ours, theirs) = (&self.field, &other.field);
        let field = ours.name == theirs.name
            && (ours.route.is_none() || ours.route == theirs.route)
            && match (ours.place, theirs.place) {
                (ours, theirs) if ours == theirs => true,
                (None, Some(place)) => Places::PARAMETERS.contains(place),
                _ => false,
            };
        field
            && rules
                .rules()
                .filter(|rule| other.what.is(rule))
                .all(|rule| self.what.is(&rule))
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Excluded::Rule(id) => write!(f, "the exclusion of rule {id:?}")?,
            Excluded::Tag(tag) => write!(f, "the exclusion of tag {tag:?}")?,
            Excluded::Class(class) => write!(f, "the exclusion of class {class}")?,
        }
        write!(f, " in {}", self.field)
    }
}

/// Fields and exclusions, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    kinds: Vec<(Checked, FieldKind)>,
    exclusions: Vec<(Checked, Excluded)>,
}

#[derive(Clone, Debug)]
struct Checked {
    field: Field,
    route: Option<Route>,
}

impl Checked {
    fn is(&self, path: &[u8], place: Place, name: &[u8]) -> bool {
        self.field.name.as_bytes() == name
            && self.field.stands_at(place)
            && self.route.as_ref().is_none_or(|route| route.matches(path))
    }
}

impl Policy {
    pub(super) fn check(
        kinds: &[(Field, FieldKind)],
        exclusions: &[Exclusion],
        known_routes: &[Route],
        rules: &Ruleset,
    ) -> Result<Self, WafError> {
        let checked = |field: &Field| -> Result<Checked, WafError> {
            if field.name.is_empty() {
                return Err(WafError::field_name());
            }
            let route = field.route.as_deref().map(Route::parse).transpose()?;
            if let Some(route) = &route
                && !known_routes.is_empty()
                && !known_routes.contains(route)
            {
                let known = known_routes.iter().map(|route| route.0.clone()).collect();
                return Err(WafError::unknown_route(&route.0, known));
            }
            Ok(Checked {
                field: field.clone(),
                route,
            })
        };
        let mut policy = Self::default();
        for (index, (field, kind)) in kinds.iter().enumerate() {
            if kinds.iter().take(index).any(|(known, _)| known == field) {
                return Err(WafError::field_twice(field.to_string()));
            }
            policy.kinds.push((checked(field)?, *kind));
        }
        for (index, exclusion) in exclusions.iter().enumerate() {
            if let Excluded::Rule(id) = &exclusion.what
                && !rules.finds(id)
            {
                return Err(WafError::unknown_rule(id));
            }
            if !rules.has(|rule| exclusion.what.is(rule)) {
                return Err(WafError::nothing_excluded(exclusion.to_string()));
            }
            let mut others = exclusions
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            if others.any(|(other, wider)| {
                wider.covers(exclusion, rules) && (other < index || !exclusion.covers(wider, rules))
            }) {
                return Err(WafError::covered(exclusion.to_string()));
            }
            policy
                .exclusions
                .push((checked(&exclusion.field)?, exclusion.what.clone()));
        }
        Ok(policy)
    }

    /// Whether all that was said of what fields hold is of parameters of the application.
    pub(super) fn is_of_parameters(&self) -> bool {
        let places = self.kinds.iter().map(|(checked, _)| checked.field.place);
        let mut places = places.flatten();
        places.all(|place| Places::PARAMETERS.contains(place))
    }

    /// What a field may hold: the most exact word counts, of route and place the route.
    pub(super) fn kind(&self, path: &[u8], place: Place, name: &[u8]) -> FieldKind {
        let said = self
            .kinds
            .iter()
            .filter(|(field, _)| field.is(path, place, name));
        let most_exact = said
            .max_by_key(|(checked, _)| (checked.route.is_some(), checked.field.place.is_some()));
        most_exact.map_or(FieldKind::Plain, |(_, kind)| *kind)
    }

    /// The number of an exclusion by which this rule does not count in this field.
    pub(super) fn exclusion(
        &self,
        path: &[u8],
        place: Place,
        name: &[u8],
        rule: impl Fn(&Excluded) -> bool,
    ) -> Option<usize> {
        self.exclusions
            .iter()
            .position(|(field, what)| rule(what) && field.is(path, place, name))
    }

    pub(super) fn number_of_exclusions(&self) -> usize {
        self.exclusions.len()
    }

    /// The exclusion of this number, as text.
    pub(super) fn describe(&self, index: usize) -> Option<String> {
        let (checked, what) = self.exclusions.get(index)?;
        let exclusion = Exclusion {
            what: what.clone(),
            field: checked.field.clone(),
        };
        Some(exclusion.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let cases = [
            ("/notes", "/notes", true),
            ("/notes", "/notes/", false),
            ("/notes", "/Notes", false),
            ("/notes/{id}", "/notes/17", true),
            ("/notes/{id}", "/notes/", false),
            ("/notes/{id}", "/notes/17/x", false),
            ("/notes/{id}", "/notes/..", false),
            ("/notes/{id}", "/notes/%2e%2e", false),
            ("/files/*", "/files/a/b", true),
            ("/files/*", "/files/a/../b", false),
            ("/*", "/anything", true),
        ];
        for (route, path, expected) in cases {
            let route = Route::parse(route).unwrap();
            assert_eq!(route.matches(path.as_bytes()), expected, "{route:?} {path}");
        }
        for bad in ["", "notes", "/a?b", "/a*", "/a/*/b"] {
            assert!(Route::parse(bad).is_err(), "{bad}");
        }
    }
}
