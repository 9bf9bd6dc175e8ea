use super::{Account, AccountError, Email, Lifecycle, MAX_TRIES, Written, contended, purpose};
use crate::authn::Refusal;
use crate::authn::one_time_code::{CodeError, Purpose, Recipient};
use crate::event::EventKind;
use crate::secret::SecretString;
use serde_json::Value;
use std::net::IpAddr;

impl Lifecycle {
    /// Registers an account, or does not: the answer and the work are the same whether the
    /// address had one before. Its owner learns by mail: a link to [verify](Self::verify_email)
    /// the address, or one to reset the password of the account that there is.
    ///
    /// Nobody may log in before that. Anybody may register the address of another, before its
    /// owner, after, and over and over: that puts nothing in the place of the owner's password,
    /// and gets nobody in by a link that the owner follows, for the link is worth something with
    /// the password of the same registration only. The last 8 of an address that is not verified
    /// yet wait side by side for the one whose mailbox it is.
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
                    (written, purpose::VERIFY_EMAIL, Some(new.clone()))
                }
                Some(other) if !other.is_verified() && !other.is_disabled() => {
                    let again = other.registered_again(new);
                    let written = directory.replace(&other, &again).await?;
                    (written, purpose::VERIFY_EMAIL, Some(again))
                }
                Some(other) => {
                    // A write like the others, which changes nothing.
                    let _as_it_was = directory.replace(&other, &other).await?;
                    let to = (!other.is_disabled()).then_some(other);
                    return Ok((purpose::ALREADY_REGISTERED, to));
                }
            };
            if let (Written::Done(_), Some(to)) = (written, to) {
                self.tell(EventKind::UserCreated, "account_registered", to.id());
                return Ok((what, Some(to)));
            }
        }
        Err(contended().into())
    }

    /// Takes the address of an account as shown to be its user's, by the token of the link that
    /// was sent there and the password of the registration, and tells whose it is. What others
    /// registered the address with is forgotten.
    ///
    /// The token is good once. A wrong password uses up nothing: the [throttle] counts it.
    ///
    /// [throttle]: crate::authn::throttle
    ///
    /// # Errors
    /// When the token is none, was used or has expired, the password is that of no registration,
    /// or the account is not there any more.
    pub async fn verify_email(
        &self,
        token: &str,
        password: &SecretString,
        client: IpAddr,
    ) -> Result<String, AccountError> {
        let what = purpose::VERIFY_EMAIL;
        let no_link = || AccountError::Link(CodeError::Refused(Refusal::Absent));
        let found = self.links.look(what, token).await?.ok_or_else(no_link)?;
        let account = self.account(found.user()).await?;
        let all = account.registrations();
        let hashes: Vec<_> = all.iter().map(|it| it.password.as_ref()).collect();
        let own = self.login.confirm_one(&account, &hashes, password, client);
        let own = own.await?;
        let redeemed = self.links.redeem(what, token).await?;
        let verify = |account: &mut Account| {
            let own = all
                .get(own)
                .filter(|_| account.email.as_str() == redeemed.address());
            let is_done = own.is_some_and(|own| account.verify_as(own));
            is_done.then_some(()).ok_or(AccountError::Gone)
        };
        let (_, account) = self.change(redeemed.user(), verify).await?;
        self.tell(EventKind::UserUpdated, "email_verified", account.id());
        Ok(account.id.into())
    }
}
