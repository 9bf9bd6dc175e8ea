use super::{InvalidQuota, Quota, Quotas};
use std::borrow::Cow;

/// The quotas of a rule: the same for all keys, or by plan, such as free and paid.
///
/// A [`Quota`] or an array of them is a plan for all. Which plan holds a key is looked up with
/// each request, so a change counts at once. Each plan has an allowance of its own: a key that
/// changes to another begins there with what it left there, at first a full one.
///
/// ```
/// use portcullis::limit::{Demand, Plans, Quota, RateLimiter};
///
/// let plans = Plans::new(Quota::per_minute(1)?).with("pro", Quota::per_minute(1000)?)?;
/// let limiter = RateLimiter::new(plans);
/// assert!(limiter.check("ann", 1).is_admitted());
/// assert!(!limiter.check("ann", 1).is_admitted());
/// // She pays.
/// assert!(limiter.check_all(&[Demand::new("ann").plan("pro")]).is_admitted());
/// # Ok::<(), portcullis::limit::InvalidQuota>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    otherwise: Quotas,
    named: Vec<(Cow<'static, str>, Quotas)>,
}

impl Plans {
    /// The most quotas in all plans of all rules of one limiter.
    pub const MAX_QUOTAS: usize = 128;

    /// The quotas of a key that has no plan, or one that is not among these.
    #[must_use]
    pub fn new(otherwise: impl Into<Quotas>) -> Self {
        Self {
            otherwise: otherwise.into(),
            named: Vec::new(),
        }
    }

    /// Adds a plan.
    ///
    /// # Errors
    /// When there is a plan of this name, or there are more than
    /// [`Plans::MAX_QUOTAS`] quotas in all.
    pub fn with(
        mut self,
        name: impl Into<Cow<'static, str>>,
        quotas: impl Into<Quotas>,
    ) -> Result<Self, InvalidQuota> {
        let name = name.into();
        if self.named.iter().any(|(known, _)| *known == name) {
            return Err(InvalidQuota::SamePlan(name.into_owned()));
        }
        self.named.push((name, quotas.into()));
        match self.quotas() {
            too_many if too_many > Self::MAX_QUOTAS => Err(InvalidQuota::TooManyInPlans(too_many)),
            _ => Ok(self),
        }
    }

    /// Each plan with its name; that of all others first, which has none.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Option<&Cow<'static, str>>, &Quotas)> {
        let named = self.named.iter().map(|(name, quotas)| (Some(name), quotas));
        std::iter::once((None, &self.otherwise)).chain(named)
    }

    /// How many quotas there are in all plans.
    pub(super) fn quotas(&self) -> usize {
        self.iter().map(|(_, quotas)| quotas.len()).sum()
    }

    /// How many hold the same key at most.
    pub(super) fn most(&self) -> usize {
        let lengths = self.iter().map(|(_, quotas)| quotas.len());
        lengths.max().unwrap_or_default()
    }
}

impl From<Quotas> for Plans {
    fn from(quotas: Quotas) -> Self {
        Self::new(quotas)
    }
}

impl From<Quota> for Plans {
    fn from(quota: Quota) -> Self {
        Self::new(quota)
    }
}

impl<const N: usize> From<[Quota; N]> for Plans
where
    Quotas: From<[Quota; N]>,
{
    fn from(quotas: [Quota; N]) -> Self {
        Self::new(quotas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_that_cannot_be() {
        let quota = || Quota::per_second(1).unwrap();
        let same = Plans::new(quota()).with("a", quota()).unwrap();
        assert_eq!(
            same.with("a", quota()).unwrap_err(),
            InvalidQuota::SamePlan("a".to_owned())
        );
        let mut plans = Plans::new([(); 8].map(|()| quota()));
        for n in 1..16 {
            let eight = [(); 8].map(|()| quota());
            plans = plans.with(n.to_string(), eight).unwrap();
        }
        assert_eq!((plans.quotas(), plans.most()), (128, 8));
        let error = plans.with("one more", quota()).unwrap_err();
        assert_eq!(error, InvalidQuota::TooManyInPlans(129));
    }
}
