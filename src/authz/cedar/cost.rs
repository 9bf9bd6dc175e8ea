//! How much a schema comes to: what is short to write can be long to read.
//!
//! Cedar notes for each type and each action all that it is in, however indirectly, one call
//! deeper for each level, and puts a named type in place of its name wherever it stands. A chain
//! of 10,000 groups is 50 million notes, and 30 types that each name the one before twice are a
//! thousand million.

use super::LoadError;
use hashbrown::{HashMap, HashSet};
use serde_json::Value as Json;

/// Steps up in the groups from each type and action, and parts of types that stand where they
/// are named.
const MAX_WORK: usize = 500_000;

/// Types that name types that name types.
const MAX_NAMED: usize = 100;

/// Refuses a schema, in its JSON format, that Cedar would read too long.
pub(super) fn check(name: &str, schema: &Json) -> Result<(), LoadError> {
    match Work::of(schema, MAX_WORK) {
        Some(_) => Ok(()),
        None => Err(LoadError::SchemaTooLarge {
            name: name.to_owned(),
            most: MAX_WORK,
        }),
    }
}

struct Work<'a> {
    done: usize,
    most: usize,
    schema: &'a Json,
    /// What the named types come to, once it is known.
    named: HashMap<String, usize>,
}

impl<'a> Work<'a> {
    /// How much it is; `None` when it is more than that. No more is done to find out.
    fn of(schema: &'a Json, most: usize) -> Option<usize> {
        let mut work = Self {
            done: 0,
            most,
            schema,
            named: HashMap::new(),
        };
        for (space, of_space) in fields(schema) {
            for (_, of_type) in fields(&of_space["entityTypes"]) {
                work.expand(&of_type["shape"], space)?;
                work.expand(&of_type["tags"], space)?;
            }
            for (_, action) in fields(&of_space["actions"]) {
                let applies_to = &action["appliesTo"];
                work.expand(&applies_to["context"], space)?;
            }
        }
        work.climb(&types(schema))?;
        work.climb(&actions(schema))?;
        Some(work.done)
    }

    fn spend(&mut self, steps: usize) -> Option<()> {
        self.done = self.done.saturating_add(steps);
        (self.done <= self.most).then_some(())
    }

    /// From each, to all that it is in.
    fn climb(&mut self, above: &HashMap<String, Vec<String>>) -> Option<()> {
        for start in above.keys() {
            let mut seen = HashSet::new();
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                for parent in above.get(at).into_iter().flatten() {
                    self.spend(1)?;
                    if seen.insert(parent) {
                        open.push(parent);
                    }
                }
            }
        }
        Some(())
    }

    fn expand(&mut self, of: &Json, space: &str) -> Option<()> {
        let size = self.size(of, space, MAX_NAMED)?;
        self.spend(size)
    }

    /// How many parts come to a type by the types that it names.
    fn size(&mut self, of: &Json, space: &str, levels: usize) -> Option<usize> {
        // What stands there itself is no longer than its text.
        let mut size = usize::from(levels < MAX_NAMED);
        let parts = fields(&of["attributes"]).map(|(_, part)| part);
        for part in parts.chain(of.get("element")) {
            size += self.size(part, space, levels)?;
        }
        for name in [&of["type"], &of["name"]] {
            if let Some(name) = name.as_str() {
                size += self.size_of_name(name, space, levels)?;
            }
        }
        (size <= self.most).then_some(size)
    }

    fn size_of_name(&mut self, name: &str, space: &str, levels: usize) -> Option<usize> {
        let own = qualified(space, name);
        let (space, key) = match space_of(self.schema, &own, "commonTypes") {
            Some(_) => (space, own),
            None => (
                name.rsplit_once("::").map_or("", |(space, _)| space),
                name.to_owned(),
            ),
        };
        if let Some(known) = self.named.get(&key) {
            return Some(*known);
        }
        let Some(of) = space_of(self.schema, &key, "commonTypes") else {
            return Some(0);
        };
        let size = self.size(of, space, levels.checked_sub(1)?)?;
        self.named.insert(key, size);
        Some(size)
    }
}

fn fields(of: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let fields = of.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.as_str(), value))
}

fn qualified(space: &str, name: &str) -> String {
    match space {
        "" => name.to_owned(),
        space => format!("{space}::{name}"),
    }
}

/// What stands under a name with its namespace.
fn space_of<'a>(schema: &'a Json, name: &str, kind: &str) -> Option<&'a Json> {
    let (space, name) = name.rsplit_once("::").unwrap_or(("", name));
    schema.get(space)?.get(kind)?.get(name)
}

/// The types that each type can be in.
fn types(schema: &Json) -> HashMap<String, Vec<String>> {
    let mut above = HashMap::new();
    for (space, of_space) in fields(schema) {
        for (name, of_type) in fields(&of_space["entityTypes"]) {
            let parents = of_type["memberOfTypes"].as_array().into_iter().flatten();
            let parents = parents.filter_map(Json::as_str).map(|parent| {
                let own = qualified(space, parent);
                match space_of(schema, &own, "entityTypes") {
                    Some(_) => own,
                    None => parent.to_owned(),
                }
            });
            above.insert(qualified(space, name), parents.collect());
        }
    }
    above
}

/// The groups that each action is in.
fn actions(schema: &Json) -> HashMap<String, Vec<String>> {
    let mut above = HashMap::new();
    for (space, of_space) in fields(schema) {
        for (name, action) in fields(&of_space["actions"]) {
            let parents = action["memberOf"].as_array().into_iter().flatten();
            let parents = parents.filter_map(|parent| {
                let id = parent["id"].as_str()?;
                let of_type = parent["type"].as_str().unwrap_or_default();
                let space = of_type.rsplit_once("::").map_or(space, |(space, _)| space);
                Some(format!("{space}::{id}"))
            });
            above.insert(format!("{space}::{name}"), parents.collect());
        }
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::cedar::CedarPolicies;
    use cedar_policy::SchemaFragment;

    fn work(text: &str, most: usize) -> Option<usize> {
        let (schema, _) = SchemaFragment::from_cedarschema_str(text).unwrap();
        Work::of(&schema.to_json_value().unwrap(), most)
    }

    fn chain(kind: &str, count: usize) -> String {
        let one = |number: usize| match number {
            0 => format!("{kind}0;\n"),
            _ => format!(
                "{kind}{number} in [{}{}];\n",
                &kind[kind.len() - 1..],
                number - 1
            ),
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn work_is_counted_not_timed() {
        let wide: String = (0..100)
            .map(|number| format!("entity T{number} in [G];\n"))
            .collect();
        let doubled = |levels: usize| {
            let more =
                |level: usize| format!("type T{} = {{ a: T{level}, b: T{level} }};\n", level + 1);
            let types: String = (0..levels).map(more).collect();
            format!("type T0 = {{ a: Long }}; {types} entity E {{ e: T{levels} }};")
        };
        let spaces = "namespace A { entity G; entity T in [G]; action a; action b in [a]; }
                      namespace B { entity T in [A::T]; action c in [A::Action::\"b\"]; }";
        for (name, text, expected) in [
            ("nothing", "entity User;".to_owned(), Some(0)),
            (
                "types beside each other",
                format!("entity G; {wide}"),
                Some(100),
            ),
            (
                "a chain of types",
                chain("entity T", 100),
                Some(99 * 100 / 2),
            ),
            (
                "a chain of actions",
                chain("action a", 100),
                Some(99 * 100 / 2),
            ),
            (
                "a circle",
                "entity A in [B]; entity B in [A];".to_owned(),
                Some(6),
            ),
            ("namespaces", spaces.to_owned(), Some(1 + 2 + 1 + 2)),
            ("a long chain of types", chain("entity T", 1_100), None),
            ("a long chain of actions", chain("action a", 1_100), None),
            ("types within types, twice each", doubled(30), None),
        ] {
            assert_eq!(work(&text, MAX_WORK), expected, "{name}");
        }
        let few = work(&doubled(3), MAX_WORK).unwrap();
        let more = work(&doubled(4), MAX_WORK).unwrap();
        assert!(more > 2 * few, "{few} {more}");
    }

    #[test]
    fn what_is_too_much_is_refused_before_it_is_read() {
        let load = |schema: String| {
            let builder = CedarPolicies::builder().schema(schema);
            builder.text("permit(principal, action, resource);").build()
        };
        let named: String = (0..5_000)
            .map(|number| format!("type T{} = Set<T{number}>;\n", number + 1))
            .collect();
        for (name, schema) in [
            ("types", chain("entity T", 5_000)),
            ("actions", chain("action a", 5_000)),
            (
                "names",
                format!("type T0 = Long; {named} entity E {{ e: T5000 }};"),
            ),
        ] {
            let error = load(schema).unwrap_err();
            assert!(
                matches!(error, LoadError::SchemaTooLarge { .. }),
                "{name}: {error}"
            );
            assert!(error.to_string().starts_with("schema: "), "{name}: {error}");
        }
        let fine = format!("{}{}", chain("entity T", 100), chain("action a", 100));
        let used =
            format!("{fine} action z in [a99] appliesTo {{ principal: T99, resource: T0 }};");
        assert!(load(used).is_ok());
    }
}
