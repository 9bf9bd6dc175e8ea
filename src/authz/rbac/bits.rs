/// Bits in a word.
const WORD: usize = u64::BITS as usize;

/// A set of permissions, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// The empty set of numbers below `length`.
    pub(super) fn empty(length: usize) -> Self {
        Self(vec![0; length.div_ceil(WORD)].into())
    }

    pub(super) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / WORD) {
            *word |= 1 << (number % WORD);
        }
    }

    pub(super) fn insert_all(&mut self, others: &Self) {
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word |= other;
        }
    }

    #[inline]
    pub(super) fn contains(&self, number: usize) -> bool {
        let word = self.0.get(number / WORD).copied().unwrap_or_default();
        word >> (number % WORD) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_words_are_kept_apart() {
        let (mut even, mut third) = (Bits::empty(200), Bits::empty(200));
        (0..200).step_by(2).for_each(|number| even.insert(number));
        (0..200).step_by(3).for_each(|number| third.insert(number));
        even.insert_all(&third);
        for number in 0..200 {
            let expected = number % 2 == 0 || number % 3 == 0;
            assert_eq!(even.contains(number), expected, "{number}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_not_in_it() {
        let mut bits = Bits::empty(64);
        bits.insert(64);
        assert!(!bits.contains(64));
        assert!(!bits.contains(usize::MAX));
        assert!(!Bits::empty(0).contains(0));
    }
}
