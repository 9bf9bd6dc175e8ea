//! Columns of sealed values in sqlx, for every database that has columns of bytes.
//!
//! A codec knows neither the row nor the keyring, so it only carries the bytes; opening stays
//! a call of its own.

use super::{Encrypted, Migrating};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

impl<T, DB: Database> Type<DB> for Encrypted<T>
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        Vec::<u8>::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        Vec::<u8>::compatible(column)
    }
}

impl<'q, T, DB: Database> Encode<'q, DB> for Encrypted<T>
where
    Vec<u8>: Encode<'q, DB>,
{
    fn encode(self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.into_bytes().encode(buffer)
    }

    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.as_bytes().to_vec().encode(buffer)
    }
}

impl<'r, T, DB: Database> Decode<'r, DB> for Encrypted<T>
where
    Vec<u8>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::from_stored(Vec::decode(value)?)?)
    }
}

impl<T, DB: Database> Type<DB> for Migrating<T>
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        Vec::<u8>::type_info()
    }

    fn compatible(column: &DB::TypeInfo) -> bool {
        Vec::<u8>::compatible(column)
    }
}

impl<'r, T, DB: Database> Decode<'r, DB> for Migrating<T>
where
    Vec<u8>: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self::from_stored(Vec::<u8>::decode(value)?))
    }
}
