use super::{EntityId, TypeSchema, Value};
use std::borrow::Cow;

/// What policies can read of a struct. [`attributes!`](macro@super::attributes) writes this for you.
#[diagnostic::on_unimplemented(
    message = "policies cannot read the attributes of `{Self}`",
    note = "let the macro `portcullis::authz::abac::attributes` write it, or implement `Attributes` and `Resource`"
)]
pub trait Attributes: Send + Sync {
    /// Which attributes there are, and of what kind.
    fn schema() -> TypeSchema
    where
        Self: Sized;

    /// The attribute of this name; `None` where there is none, or it is not set.
    fn attribute(&self, name: &str) -> Option<Value<'_>>;

    /// Shows each attribute that is set, by name.
    fn visit(&self, visitor: &mut dyn FnMut(&'static str, Value<'_>));
}

/// A thing that somebody wants to do something with: a row, a file, a tenant.
pub trait Resource: Attributes + 'static {
    /// Its type, as policies call it: the name in its [schema](Attributes::schema).
    fn type_name(&self) -> &'static str;

    /// Its id, unique among its type.
    fn id(&self) -> Cow<'_, str>;

    /// What it is part of: folders, groups, projects, **and all that these are part of**.
    ///
    /// Nobody looks for the parents of a parent: where a document is in a folder within a
    /// folder, and only the inner one is named, `resource in Folder::"outer"` does not hold,
    /// and a forbid that says so does not forbid.
    fn parents(&self) -> Vec<EntityId<'_>> {
        Vec::new()
    }
}

/// Lets policies read a struct: writes [`Attributes`] and [`Resource`] for it.
///
/// ```
/// use portcullis::authz::abac::{Attributes, EntityId, Resource, attributes};
///
/// struct User { id: String, department: String }
///
/// attributes! {
///     User as "User" {
///         id = user => &*user.id;
///         department: public text;
///     }
/// }
///
/// struct Document { id: u64, owner: User, level: u8, folder: Option<String>, labels: Vec<String> }
///
/// attributes! {
///     Document as "Document" {
///         id = document => document.id.to_string();
///         parents "Folder" = document => document.folder.iter().map(|id| EntityId::new("Folder", id));
///         owner: entity "User";
///         level: public long;
///         labels: set text;
///         // By another name than the field's, or from deeper inside: a reference to it.
///         department: text = document => &document.owner.department;
///     }
/// }
///
/// let owner = User { id: "ann".into(), department: "sales".into() };
/// let document = Document { id: 7, owner, level: 2, folder: None, labels: vec![] };
/// assert_eq!(document.id(), "7");
/// assert!(document.attribute("level").is_some());
/// assert!(document.attribute("price").is_none());
/// assert_eq!(Document::schema().attributes().len(), 4);
/// ```
///
/// First comes the type, and the name by which policies know it. `id` gives something that
/// becomes a `Cow<str>`. `parents`, which may be left out, names the types it can be part of
/// and gives what it is part of, **directly or not** ([`Resource::parents`]). Then each
/// attribute with its kind:
///
/// | kind | the field is a |
/// |---|---|
/// | `bool` | `bool` |
/// | `long` | number that fits an `i64` always: `i64`, `u32` and smaller |
/// | `text` | `String`, `&str`, or what else is `AsRef<str>` |
/// | `ip` | `IpAddr` |
/// | `time` | [`Timestamp`](crate::clock::Timestamp) |
/// | `entity "User"` | struct with `attributes!` of its own |
/// | `reference "User"` | id of such a thing: what is `AsRef<str>` |
/// | `set` and one of these | `Vec`, or what else has `iter()` |
/// | `optional` and one of these | `Option` |
///
/// `public` before the kind lets explanations of denials show the value; others show the kind
/// alone.
#[macro_export]
macro_rules! attributes {
    // One arm with parents and one without: in one, `parents` could be the name of a field.
    (
        $type:ty as $name:literal {
            id = $id_of:ident => $id:expr;
            parents $($parent:literal),+ = $parents_of:ident => $parents:expr;
            $($fields:tt)*
        }
    ) => {
        $crate::attributes! {
            @impl $type as $name {
                [$id_of => $id]
                [$($parent),+ = $parents_of => $parents]
                $($fields)*
            }
        }
    };
    ($type:ty as $name:literal { id = $id_of:ident => $id:expr; $($fields:tt)* }) => {
        $crate::attributes! { @impl $type as $name { [$id_of => $id] [] $($fields)* } }
    };

    (
        @impl $type:ty as $name:literal {
            [$id_of:ident => $id:expr]
            [$($($parent:literal),+ = $parents_of:ident => $parents:expr)?]
            $($field:ident: $($kind:ident)+ $($target:literal)? $(= $value_of:ident => $value:expr)?;)*
        }
    ) => {
        impl $crate::authz::abac::Attributes for $type {
            fn schema() -> $crate::authz::abac::TypeSchema {
                $crate::authz::abac::TypeSchema::new($name)
                    $($(.child_of($parent))+)?
                    $(.attribute($crate::attributes!(
                        @schema stringify!($field); [$($target)?]; $($kind)+
                    )))*
            }

            fn attribute(&self, name: &str) -> Option<$crate::authz::abac::Value<'_>> {
                match name {
                    $(stringify!($field) => $crate::attributes!(
                        @value $crate::attributes!(@field self $field $($value_of => $value)?);
                        [$($target)?]; $($kind)+
                    ),)*
                    _ => None,
                }
            }

            fn visit(
                &self,
                visitor: &mut dyn FnMut(&'static str, $crate::authz::abac::Value<'_>),
            ) {
                // There may be no attribute to show.
                let _ = &visitor;
                $(
                    let value = $crate::attributes!(
                        @value $crate::attributes!(@field self $field $($value_of => $value)?);
                        [$($target)?]; $($kind)+
                    );
                    if let Some(value) = value {
                        visitor(stringify!($field), value);
                    }
                )*
            }
        }

        impl $crate::authz::abac::Resource for $type {
            fn type_name(&self) -> &'static str {
                $name
            }

            fn id(&self) -> ::std::borrow::Cow<'_, str> {
                let $id_of = self;
                ::std::borrow::Cow::from($id)
            }

            $(fn parents(&self) -> Vec<$crate::authz::abac::EntityId<'_>> {
                let $parents_of = self;
                ::std::iter::IntoIterator::into_iter($parents).collect()
            })?
        }
    };

    // A reference to the field.
    (@field $self:ident $field:ident) => { &$self.$field };
    (@field $self:ident $field:ident $of:ident => $value:expr) => {{ let $of = $self; $value }};

    // What the schema says of an attribute.
    (@schema $name:expr; $target:tt; public $($kind:ident)+) => {
        $crate::attributes!(@schema $name; $target; $($kind)+).public()
    };
    (@schema $name:expr; $target:tt; optional $($kind:ident)+) => {
        $crate::attributes!(@schema $name; $target; $($kind)+).optional()
    };
    (@schema $name:expr; $target:tt; $($kind:ident)+) => {
        $crate::authz::abac::AttributeSchema::new($name, $crate::attributes!(@kind $target; $($kind)+))
    };
    (@kind $target:tt; set $($kind:ident)+) => {
        $crate::authz::abac::AttributeType::Set(Box::new($crate::attributes!(@kind $target; $($kind)+)))
    };
    (@kind []; bool) => { $crate::authz::abac::AttributeType::Bool };
    (@kind []; long) => { $crate::authz::abac::AttributeType::Long };
    (@kind []; text) => { $crate::authz::abac::AttributeType::Text };
    (@kind []; ip) => { $crate::authz::abac::AttributeType::Ip };
    (@kind []; time) => { $crate::authz::abac::AttributeType::Time };
    (@kind [$target:literal]; entity) => { $crate::authz::abac::AttributeType::Entity($target.into()) };
    (@kind [$target:literal]; reference) => { $crate::authz::abac::AttributeType::Entity($target.into()) };

    // Its value, where it is set.
    (@value $field:expr; $target:tt; public $($kind:ident)+) => {
        $crate::attributes!(@value $field; $target; $($kind)+)
    };
    (@value $field:expr; $target:tt; optional $($kind:ident)+) => {
        Option::as_ref($field).map(|value| $crate::attributes!(@plain value; $target; $($kind)+))
    };
    (@value $field:expr; $target:tt; $($kind:ident)+) => {
        Some($crate::attributes!(@plain $field; $target; $($kind)+))
    };
    (@plain $field:expr; $target:tt; set $($kind:ident)+) => {
        $crate::authz::abac::Value::Set(
            $field.iter().map(|value| $crate::attributes!(@plain value; $target; $($kind)+)).collect(),
        )
    };
    (@plain $field:expr; []; bool) => { $crate::authz::abac::Value::Bool(*$field) };
    (@plain $field:expr; []; long) => { $crate::authz::abac::Value::Long(i64::from(*$field)) };
    (@plain $field:expr; []; text) => {
        $crate::authz::abac::Value::Text(::core::convert::AsRef::<str>::as_ref($field))
    };
    (@plain $field:expr; []; ip) => { $crate::authz::abac::Value::Ip(*$field) };
    (@plain $field:expr; []; time) => { $crate::authz::abac::Value::Time(*$field) };
    (@plain $field:expr; [$target:literal]; entity) => { $crate::authz::abac::Value::Entity($field) };
    (@plain $field:expr; [$target:literal]; reference) => {
        $crate::authz::abac::Value::Reference($crate::authz::abac::EntityId::new(
            $target,
            ::core::convert::AsRef::<str>::as_ref($field),
        ))
    };
}
