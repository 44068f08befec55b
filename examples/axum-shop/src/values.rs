//! Validated texts and numbers. A value of these types needs no further checks.

use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::types::Json;

/// A JSON object with optional properties of a customer or product.
pub type Document = Json<Map<String, Value>>;

/// Defines a text type with a length in characters, a normal form and a check.
macro_rules! text {
    ($name:ident, $length:expr, $form:expr, $fits:expr) => {
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, sqlx::Type)]
        #[serde(try_from = "String")]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(given: String) -> Result<Self, Self::Error> {
                let form: fn(&str) -> String = $form;
                let fits: fn(&str) -> bool = $fits;
                let text = form(&given);
                if $length.contains(&text.chars().count()) && fits(&text) {
                    Ok(Self(text))
                } else {
                    Err(concat!("expected a valid ", stringify!($name)))
                }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Defines a number type with a range.
macro_rules! number {
    ($name:ident, $kind:ty, $range:expr $(, $default:expr)?) => {
        #[derive(Debug, Clone, Copy, Deserialize, sqlx::Type)]
        #[serde(try_from = "i64")]
        #[sqlx(transparent)]
        pub struct $name(pub $kind);

        impl TryFrom<i64> for $name {
            type Error = &'static str;

            fn try_from(given: i64) -> Result<Self, Self::Error> {
                match <$kind>::try_from(given) {
                    Ok(number) if $range.contains(&number) => Ok(Self(number)),
                    _ => Err(concat!("expected a valid ", stringify!($name))),
                }
            }
        }

        $(impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        })?
    };
}

text!(Email, 5..=320, |given| given.to_lowercase(), is_email);
text!(PersonName, 1..=200, |given| given.trim().to_owned(), |_| {
    true
});
text!(Street, 0..=200, str::to_owned, |_| true);
text!(City, 0..=100, str::to_owned, |_| true);
text!(Country, 2..=2, |given| given.to_uppercase(), |_| true);
text!(CategoryName, 1..=100, str::to_owned, |_| true);
text!(
    ProductName,
    1..=200,
    |given| given.trim().to_owned(),
    |_| true
);
text!(Tag, 1..=50, |given| given.to_lowercase(), |_| true);
text!(Sku, 1..=40, str::to_owned, |text| text.bytes().all(
    |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-'
));

number!(Stock, i32, 0.., 0);
number!(Quantity, i32, 1..);
number!(Limit, i64, 1..=200, 50);
number!(Offset, i64, 0.., 0);

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let in_the_middle = |(at, _): (usize, char)| at > 0 && at + 1 < host.len();
    !name.is_empty()
        && !text.contains(char::is_whitespace)
        && !host.contains('@')
        && host
            .char_indices()
            .filter(|(_, c)| *c == '.')
            .any(in_the_middle)
}
