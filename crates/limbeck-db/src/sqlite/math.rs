//! SQLite's mathematical functions, which Python's library has and the bundled one lacks.

use std::f64::consts;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

type UnaryFunction = fn(f64) -> f64;
type BinaryFunction = fn(f64, f64) -> f64;

const ONE_ARGUMENT: &[(&str, UnaryFunction)] = &[
    ("acos", f64::acos),
    ("acosh", f64::acosh),
    ("asin", f64::asin),
    ("asinh", f64::asinh),
    ("atan", f64::atan),
    ("atanh", f64::atanh),
    ("cos", f64::cos),
    ("cosh", f64::cosh),
    ("degrees", f64::to_degrees),
    ("exp", f64::exp),
    ("ln", logarithm),
    ("log", common_logarithm),
    ("log10", common_logarithm),
    ("log2", |x| positive(x, f64::log2)),
    ("radians", f64::to_radians),
    ("sin", f64::sin),
    ("sinh", f64::sinh),
    ("sqrt", f64::sqrt),
    ("tan", f64::tan),
    ("tanh", f64::tanh),
];

const TWO_ARGUMENTS: &[(&str, BinaryFunction)] = &[
    ("atan2", f64::atan2),
    ("log", |base, x| logarithm(x) / logarithm(base)),
    ("mod", |x, y| x % y),
    ("pow", f64::powf),
    ("power", f64::powf),
];

/// Functions that return an integer for an integer.
const ROUNDING: &[(&str, UnaryFunction)] = &[
    ("ceil", f64::ceil),
    ("ceiling", f64::ceil),
    ("floor", f64::floor),
    ("trunc", f64::trunc),
];

/// Defines the functions in a connection.
pub(super) fn define(connection: &Connection) -> Result<(), rusqlite::Error> {
    for &(name, function) in ONE_ARGUMENT {
        connection.create_scalar_function(name, 1, FLAGS, move |context| {
            Ok(number(context, 0).map_or(Value::Null, |x| real(function(x))))
        })?;
    }
    for &(name, function) in TWO_ARGUMENTS {
        connection.create_scalar_function(name, 2, FLAGS, move |context| {
            let arguments = number(context, 0).zip(number(context, 1));
            Ok(arguments.map_or(Value::Null, |(x, y)| real(function(x, y))))
        })?;
    }
    for &(name, function) in ROUNDING {
        connection.create_scalar_function(name, 1, FLAGS, move |context| {
            Ok(match context.get_raw(0) {
                ValueRef::Integer(whole) => Value::Integer(whole),
                _ => number(context, 0).map_or(Value::Null, |x| real(function(x))),
            })
        })?;
    }
    connection.create_scalar_function("pi", 0, FLAGS, |_| Ok(consts::PI))
}

fn logarithm(x: f64) -> f64 {
    positive(x, f64::ln)
}

fn common_logarithm(x: f64) -> f64 {
    positive(x, f64::log10)
}

/// Applies a logarithm. In SQLite, the logarithm of a number that is not positive is NULL, not infinite.
fn positive(x: f64, function: fn(f64) -> f64) -> f64 {
    if x > 0.0 { function(x) } else { f64::NAN }
}

/// Returns a real, or NULL for NaN, as SQLite does.
fn real(number: f64) -> Value {
    if number.is_nan() {
        Value::Null
    } else {
        Value::Real(number)
    }
}

/// Returns an argument that is a number or a numeric text. Any other argument makes the result NULL.
fn number(context: &Context<'_>, index: usize) -> Option<f64> {
    match context.get_raw(index) {
        #[expect(clippy::cast_precision_loss, reason = "SQLite does the same")]
        ValueRef::Integer(whole) => Some(whole as f64),
        ValueRef::Real(number) => Some(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).ok()?.trim();
            let numeric = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
            text.chars().all(numeric).then(|| text.parse().ok())?
        }
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::types::Value;

    #[test]
    fn computes_as_sqlite() {
        let connection = Connection::open_in_memory().unwrap();
        super::define(&connection).unwrap();
        let check = |expression: &str, expected: Value| {
            let value: Value = connection
                .query_row(&format!("SELECT {expression}"), [], |row| row.get(0))
                .unwrap();
            assert_eq!(value, expected, "{expression}");
        };
        check("sqrt(9)", Value::Real(3.0));
        check("sqrt(-1)", Value::Null);
        check("sqrt('16')", Value::Real(4.0));
        check("sqrt('x')", Value::Null);
        check("sqrt(x'31')", Value::Null);
        check("sqrt(NULL)", Value::Null);
        check("ln(0)", Value::Null);
        check("log(100)", Value::Real(2.0));
        check("log(2, 8)", Value::Real(3.0));
        check("log(-2, 8)", Value::Null);
        check("pow(2, 10)", Value::Real(1024.0));
        check("power('2', 3)", Value::Real(8.0));
        check("mod(7, 4)", Value::Real(3.0));
        check("mod(7, 0)", Value::Null);
        check("ceil(1.2)", Value::Real(2.0));
        check("floor(7)", Value::Integer(7));
        check("trunc(-1.7)", Value::Real(-1.0));
        check("degrees(pi())", Value::Real(180.0));
    }
}
