use portcullis::authn::jwt::{Issuer, PublishedKeys};
use portcullis::crypto::keys::rotating::RotatingKeysBuilder;
use portcullis::crypto::keys::{Algorithm, KeyError, RotatingKeys, SigningKey};
use portcullis::secret::SecretBytes;
use serde_json::{Map, Value, json};
use std::sync::Mutex;

/// An access token of RFC 9068 by keys that rotate, and the set that is published of them: so
/// that others can read what we write.
///
/// `secret` is the key for HMAC, in base64url, of which nothing is published. `pems` are private
/// keys (PKCS #8), which RSA needs: they cannot be made here.
pub(crate) fn decide(record: &Value) -> Result<Map<String, Value>, String> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let need = |name: &str| text(name).ok_or(format!("there is no {name}"));
    let algorithm = Algorithm::named(need("alg")?).ok_or("the algorithm is not offered")?;
    let told = |error: &dyn std::error::Error| error.to_string();
    let (iss, aud) = (need("iss")?, need("aud")?);
    let (issuer, set) = match text("secret") {
        Some(secret) => {
            let key = from_secret(algorithm, secret).map_err(|error| told(&error))?;
            let set = portcullis::crypto::keys::KeySet::from(key.verifying_key());
            (Issuer::new(key, iss, aud), set.to_public_json())
        }
        None => {
            let keys = rotated(builder(algorithm, record)?)?;
            let published = PublishedKeys::new(keys.public()).map_err(|error| told(&error))?;
            (Issuer::new(keys.signer(), iss, aud), published.json())
        }
    };
    let issuer = issuer.map_err(|error| told(&error))?.rfc9068();
    let token = issuer.token(need("sub")?).client(need("client_id")?);
    let token = token.sign().map_err(|error| told(&error))?;
    let answer = json!({"token": token, "jwks": set});
    Ok(answer.as_object().cloned().unwrap_or_default())
}

fn from_secret(algorithm: Algorithm, secret: &str) -> Result<SigningKey, KeyError> {
    let jwk = json!({"kty": "oct", "alg": algorithm.as_str(), "k": secret});
    SigningKey::from_jwk(&jwk.to_string())
}

fn builder(algorithm: Algorithm, record: &Value) -> Result<RotatingKeysBuilder, String> {
    let builder = RotatingKeys::in_memory(algorithm);
    let Some(pems) = record.get("pems").and_then(Value::as_array) else {
        return Ok(builder);
    };
    let pems: Option<Vec<_>> = pems
        .iter()
        .map(|pem| Some(SecretBytes::from(pem.as_str()?.as_bytes())))
        .collect();
    let pems = Mutex::new(pems.ok_or("a key is no text")?);
    Ok(builder.generate_with(move || {
        let pem = pems.lock().ok().and_then(|mut pems| pems.pop());
        let pem = pem.ok_or(KeyError::CannotGenerate(algorithm.as_str()))?;
        let pem = str::from_utf8(pem.expose()).map_err(|_| KeyError::InvalidPrivateKey)?;
        SigningKey::from_pkcs8_pem(algorithm, pem)
    }))
}

/// Keys of which the first has leaked already: what signs was the next before.
fn rotated(builder: RotatingKeysBuilder) -> Result<RotatingKeys, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let keys = runtime.block_on(async {
        let keys = builder.build().await?;
        let first = keys.signer().current();
        keys.withdraw(first.key_id().unwrap_or_default()).await?;
        Ok::<_, portcullis::crypto::keys::rotating::RotationError>(keys)
    });
    keys.map_err(|error| error.to_string())
}
