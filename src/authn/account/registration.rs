use super::{Account, AccountError, Email, Lifecycle, MAX_TRIES, Written, contended, purpose};
use crate::authn::one_time_code::{Purpose, Recipient};
use crate::event::EventKind;
use crate::secret::SecretString;
use serde_json::Value;

impl Lifecycle {
    /// Registers an account, or does not: the answer and the work are the same whether the
    /// address had one before. Its owner learns by mail: a link to [verify](Self::verify_email)
    /// the address, or one to reset the password of the account that there is.
    ///
    /// Nobody may log in before that. Whoever registers an address that was not verified yet
    /// puts a new account in the place of the other, whose link is dead: a stranger who came
    /// first with a password of his own does not get in by a link that its owner follows. (Which
    /// the owner should do only with a link of a registration of their own: say so in the mail.)
    ///
    /// Limit requests by address, for each sends a mail.
    ///
    /// # Errors
    /// When the address is none, the password is refused by the policy, or something fails:
    /// none of it tells of an account.
    pub async fn register(
        &self,
        email: &str,
        password: &SecretString,
        data: Value,
    ) -> Result<(), AccountError> {
        let email = Email::parse(email)?;
        self.policy.check(password, [email.as_str()])?;
        let hash = self.login.passwords.hash(password).await?;
        let new = Account::new(email, &self.random)
            .with_password(hash)
            .with_data(data);
        let (what, to) = self.written(&new).await?;
        let to = to.as_ref();
        let to = to.map(|to| Recipient::new(to.id(), to.email().as_str()));
        self.links.issue_quietly(what, to.as_ref()).await?;
        Ok(())
    }

    /// Stores a new account where there is room, and tells who gets which link.
    async fn written(&self, new: &Account) -> Result<(Purpose, Option<Account>), AccountError> {
        let directory = &self.login.directory;
        for _ in 0..MAX_TRIES {
            let found = directory.find(new.email()).await?;
            let (written, what, to) = match found {
                None => {
                    let written = directory.insert(new).await?;
                    (written, purpose::VERIFY_EMAIL, Some(new))
                }
                Some(other) if !other.is_verified() && !other.is_disabled() => {
                    let written = directory.replace(&other, new).await?;
                    (written, purpose::VERIFY_EMAIL, Some(new))
                }
                Some(other) => {
                    // A write like the others, which changes nothing.
                    let _as_it_was = directory.replace(&other, &other).await?;
                    let to = (!other.is_disabled()).then_some(other);
                    return Ok((purpose::ALREADY_REGISTERED, to));
                }
            };
            if let Written::Done(_) = written {
                self.tell(EventKind::UserCreated, "account_registered", new.id());
                return Ok((what, to.cloned()));
            }
        }
        Err(contended().into())
    }

    /// Takes the address of an account as shown to be its user's, by the token of the link that
    /// was sent there, and tells whose it is. It is good once.
    ///
    /// # Errors
    /// When the token is none, was used or has expired, or the account is not there any more.
    pub async fn verify_email(&self, token: &str) -> Result<String, AccountError> {
        let redeemed = self.links.redeem(purpose::VERIFY_EMAIL, token).await?;
        let verify = |account: &mut Account| {
            if account.email.as_str() != redeemed.address() {
                return Err(AccountError::Gone);
            }
            account.parts.is_verified = true;
            Ok(())
        };
        let (_, account) = self.change(redeemed.user(), verify).await?;
        self.tell(EventKind::UserUpdated, "email_verified", account.id());
        Ok(account.id.into())
    }
}
