//! What looks like an attack never reaches a handler.

use super::json::BODY_TIMEOUT;
use super::page;
use portcullis::waf::{
    Exclusion, Field, FieldKind, Limits, Place, Ruleset, Waf, WafBuilder, WafError, WafLayer,
};

/// The routes whose fields are more than plain values.
const ROUTES: [&str; 18] = [
    "/login",
    "/login/totp",
    "/login/recovery",
    "/register",
    page::LOGIN_PATH,
    "/notes",
    "/api-keys",
    "/totp/confirm",
    "/sessions",
    "/token/refresh",
    "/password",
    "/password/forgot",
    "/password/reset",
    "/email",
    "/email/confirm",
    "/me/national-id",
    CALLBACK,
    BACKCHANNEL,
];
/// Where a provider sends browsers back to.
const CALLBACK: &str = "/auth/oidc/callback";
/// Where it sends its orders to.
const BACKCHANNEL: &str = "/auth/oidc/backchannel";

/// The texts of which the handlers say themselves that a NUL has no place in them.
const CHECKED: [&str; 5] = ["email", "name", "national_id", "title", "html"];

/// A password may look like anything, and a note is prose with markup.
///
/// Whether JSON is well-formed, and what is wrong with which field, is for the handlers to say:
/// their 400 and 422 tell an honest client more than a 403.
pub(crate) fn layer(max_bytes: usize) -> Result<WafLayer, WafError> {
    Ok(WafLayer::new(waf(max_bytes)?).body_deadline(BODY_TIMEOUT))
}

fn waf(max_bytes: usize) -> Result<Waf, WafError> {
    let rules = Ruleset::builtin()
        .without("protocol-json")?
        .without("protocol-depth")?;
    let in_json = |name| Field::named(name).at(Place::Json);
    let in_query = |name| Field::named(name).at(Place::Query).on(CALLBACK);
    let logout_token = Field::named("logout_token").at(Place::Form).on(BACKCHANNEL);
    let password = |route| in_json("password").on(route);
    let builder = Waf::builder(rules)
        .limits(Limits::new().body(max_bytes))
        .routes(ROUTES)
        .field(password("/login"), FieldKind::Opaque)
        .field(password("/register"), FieldKind::Opaque)
        .field(password(page::LOGIN_PATH), FieldKind::Opaque)
        .field(password("/password/reset"), FieldKind::Opaque)
        .field(password("/email"), FieldKind::Opaque)
        .field(in_json("old_password"), FieldKind::Opaque)
        .field(in_json("new_password"), FieldKind::Opaque)
        .field(in_json("token"), FieldKind::Opaque)
        .field(in_json("mfa_token"), FieldKind::Opaque)
        .field(in_json("refresh_token"), FieldKind::Opaque)
        // A provider's words: its own URL is one of them.
        .field(in_query("code"), FieldKind::Opaque)
        .field(in_query("state"), FieldKind::Opaque)
        .field(in_query("iss"), FieldKind::Opaque)
        .field(in_query("session_state"), FieldKind::Opaque)
        .field(logout_token, FieldKind::Opaque)
        .field(in_json("title").on("/notes"), FieldKind::FreeText)
        .field(in_json("html").on("/notes"), FieldKind::RichText);
    let nul = |name| Exclusion::of_rule("protocol-nul", in_json(name));
    let exclusions = CHECKED.into_iter().map(nul);
    exclusions.fold(builder, WafBuilder::exclude).build()
}
