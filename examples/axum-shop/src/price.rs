//! Amounts of money: `NUMERIC(12, 2)` on PostgreSQL, a floating-point number on SQLite, as SQLAlchemy stores them.

use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

/// An amount that is not negative, with two decimals.
#[derive(Debug, Clone, Copy)]
pub struct Price(Decimal);

/// The limit of amounts: ten digits before the point.
const LIMIT: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0);

impl Price {
    pub const ZERO: Self = Self(Decimal::ZERO);

    pub fn times(self, quantity: i32) -> Self {
        Self(self.0 * Decimal::from(quantity))
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl FromStr for Price {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Decimal::from_str(text) {
            Ok(amount) if amount < Decimal::ZERO || amount >= LIMIT => {
                Err("expected an amount from 0 to below 10000000000")
            }
            Ok(amount) if amount.normalize().scale() > 2 => Err("expected at most two decimals"),
            Ok(amount) => Ok(Self(amount)),
            Err(_) => Err("expected an amount, as \"3.50\""),
        }
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:.2}", self.0))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            Number(serde_json::Number),
        }
        let text = match Given::deserialize(from)? {
            Given::Text(text) => text,
            Given::Number(number) => number.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl Type<Postgres> for Price {
    fn type_info() -> PgTypeInfo {
        <Decimal as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Price {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <Decimal as Encode<Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl Decode<'_, Postgres> for Price {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        <Decimal as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl Type<Sqlite> for Price {
    fn type_info() -> SqliteTypeInfo {
        <f64 as Type<Sqlite>>::type_info()
    }

    fn compatible(of: &SqliteTypeInfo) -> bool {
        <f64 as Type<Sqlite>>::compatible(of) || <i64 as Type<Sqlite>>::compatible(of)
    }
}

impl Encode<'_, Sqlite> for Price {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        let amount = self.0.to_f64().ok_or("no such number")?;
        Encode::<Sqlite>::encode(amount, buffer)
    }
}

impl Decode<'_, Sqlite> for Price {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let amount = <f64 as Decode<Sqlite>>::decode(value)?;
        let amount = Decimal::from_f64(amount).ok_or("no such amount")?;
        Ok(Self(amount.round_dp(2)))
    }
}
