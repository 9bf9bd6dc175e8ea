//! What is encrypted at rest: notes, and national ids that can be looked up all the same.

use super::config::Config;
use super::records::hex;
use portcullis::crypto::Refused;
use portcullis::crypto::blind_index::{
    BlindIndex, Column, Distinct, IndexKey, Normalizer, Plan, Term,
};
use portcullis::crypto::field::{Encrypted, FieldCipher, FieldColumn, Plain};
use portcullis::crypto::keyring::Keyring;
use portcullis::guard::{Rejection, RejectionKind};
use portcullis::random::Random;
use portcullis::secret::{SecretBytes, SecretString};
use portcullis::store::{Collection, Records, StoreErrorKind};
use std::error::Error;

const SETTINGS: Collection = Collection::new("setting");
const INDEX_KEY: &str = "index-key";
const LOGIN_KEY: &str = "login-key";
/// More accounts than this example will ever have: the more rows, the more bits of a term.
const ROWS: u64 = 1_000_000;

/// Seals and opens what the service keeps.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    pub(crate) note_title: FieldColumn,
    pub(crate) note_html: FieldColumn,
    pub(crate) upload: FieldColumn,
    pub(crate) totp_secret: FieldColumn,
    pub(crate) signing_key: FieldColumn,
    pub(crate) api_key_text: FieldColumn,
    /// Seals what a browser carries while it is at the provider.
    pub(crate) login_cookie: FieldColumn,
    pub(crate) provider_tokens: FieldColumn,
    national_id: FieldColumn,
    by_national_id: BlindIndex<1>,
    /// What the places of failed logins and the tokens of links are hashed with.
    pub(crate) login_key: SecretBytes,
}

impl Vault {
    /// The vault of these records, with the keys of the configuration. Without any, its keys
    /// are new, and gone with the process: as the records are, if there is no database either.
    pub(crate) async fn open(config: &Config, records: &Records) -> Result<Self, Box<dyn Error>> {
        let Some(text) = &config.encryption_keys else {
            tracing::warn!(
                "PORTCULLIS_KEYS is not set: what is encrypted with the keys made now can be \
                 read until this process ends"
            );
            return Self::with_new_keys();
        };
        let keyring = Keyring::parse(text.expose())
            .map_err(|error| format!("PORTCULLIS_KEYS cannot be used: {error}"))?;
        let fields = FieldCipher::new(keyring, super::NAME);
        let index_key = kept(records, &fields, INDEX_KEY, IndexKey::generate().to_text()).await?;
        let login_key = kept(records, &fields, LOGIN_KEY, random_text()).await?;
        Self::new(&fields, &IndexKey::parse(&index_key)?, &login_key)
    }

    /// A vault whose keys are new.
    pub(crate) fn with_new_keys() -> Result<Self, Box<dyn Error>> {
        let fields = FieldCipher::new(Keyring::generate(), super::NAME);
        Self::new(&fields, &IndexKey::generate(), &random_text())
    }

    fn new(
        fields: &FieldCipher,
        index_key: &IndexKey,
        login_key: &SecretString,
    ) -> Result<Self, Box<dyn Error>> {
        let indexed = Column::new("national_id", Normalizer::lowercase(), Distinct::PerRow);
        Ok(Self {
            note_title: fields.column("notes", "title")?,
            note_html: fields.column("notes", "html")?,
            upload: fields.column("uploads", "content")?,
            totp_secret: fields.column("totp", "secret")?,
            signing_key: fields.column("signing_keys", "private_key")?,
            api_key_text: fields.column("api_keys", "text")?,
            login_cookie: fields.column("logins", "cookie")?,
            provider_tokens: fields.column("logins", "tokens")?,
            national_id: fields.column("accounts", "national_id")?,
            login_key: SecretBytes::from(login_key.expose().as_bytes()),
            by_national_id: index_key
                .index("accounts", "by_national_id", [indexed])
                .plan(Plan::for_rows(ROWS))
                .build()?,
        })
    }

    pub(crate) fn seal_national_id(
        &self,
        national_id: &str,
        account: &str,
    ) -> Result<Encrypted<String>, Rejection> {
        let sealed = self.national_id.seal(national_id, account);
        sealed.map_err(refused)
    }

    pub(crate) fn open_national_id(
        &self,
        sealed: &Encrypted<String>,
        account: &str,
    ) -> Result<Plain<String>, Rejection> {
        self.national_id.open(sealed, account).map_err(refused)
    }

    /// What a national id is found by: some bits of a keyed hash, which others share.
    pub(crate) fn term(&self, national_id: &str) -> Result<Term, Rejection> {
        self.by_national_id
            .term(national_id)
            .map_err(|error| Rejection::new(RejectionKind::Internal).with_reason(error.to_string()))
    }
}

/// The value was moved, changed, or sealed with a key that is not in the ring: the operator
/// learns which, and the client nothing.
pub(crate) fn refused(refused: Refused) -> Rejection {
    Rejection::new(RejectionKind::Internal)
        .with_reason(refused.reason().code())
        .with_event(Some(refused.event().kind()))
}

/// A secret that outlives the keys that encrypt: `new` if there is none of this name yet, and
/// kept among the records under those keys.
async fn kept(
    records: &Records,
    fields: &FieldCipher,
    name: &str,
    new: SecretString,
) -> Result<SecretString, Box<dyn Error>> {
    let column = fields.column("settings", "value")?;
    let sealed = column.seal(new.expose(), name)?;
    match records.insert(SETTINGS, name, sealed.as_bytes()).await {
        Ok(_) => return Ok(new),
        Err(error) if error.kind() == StoreErrorKind::Conflict => {}
        Err(error) => return Err(error.into()),
    }
    let stored = records.get(SETTINGS, name).await?;
    let stored = stored.ok_or("a setting was deleted while the service started")?;
    let sealed = Encrypted::<String>::from_bytes(stored.value().to_vec());
    let opened = column.open(&sealed, name).map_err(|refused| {
        format!(
            "the keys in PORTCULLIS_KEYS do not open this DATABASE ({}): give those that it \
             was written with",
            refused.reason().code()
        )
    })?;
    Ok(SecretString::from(opened.expose().as_str()))
}

/// 256 bits as text.
fn random_text() -> SecretString {
    hex(&Random::secure().bytes::<32>()).into()
}
