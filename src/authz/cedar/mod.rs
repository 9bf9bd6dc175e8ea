//! Policies as text, in the Cedar language.
