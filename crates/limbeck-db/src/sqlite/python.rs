//! The Python functions that SQLAlchemy registers on every SQLite connection, in Rust, so that no statement waits for
//! Python.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

/// Defines `regexp` as `re.search`, for the patterns that Rust's `regex` supports.
pub(super) fn define_regexp(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.create_scalar_function("regexp", 2, FLAGS, |context| {
        let (pattern, text) = (
            context.get::<Option<String>>(0)?,
            context.get::<Option<String>>(1)?,
        );
        let (Some(pattern), Some(text)) = (pattern, text) else {
            return Ok(None);
        };
        let pattern = regex::Regex::new(&pattern)
            .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
        Ok(Some(pattern.is_match(&text)))
    })
}

/// Defines `floor` as `math.floor`, which returns an integer. An exception has the error of Python's `sqlite3`.
pub(super) fn define_floor(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.create_scalar_function("floor", 1, FLAGS, |context| {
        let whole = match context.get_raw(0) {
            ValueRef::Integer(whole) => Some(whole),
            ValueRef::Real(number) => to_integer(number.floor()),
            ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
        };
        match whole {
            Some(whole) => Ok(Value::Integer(whole)),
            None => Err(rusqlite::Error::UserFunctionError(
                "user-defined function raised exception".into(),
            )),
        }
    })
}

/// Converts a whole number, if it is in the range of SQLite's integers.
#[expect(
    clippy::cast_possible_truncation,
    reason = "both ends of the range are powers of two, which a double represents exactly"
)]
fn to_integer(number: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    (-END..END).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::types::Value;

    #[test]
    fn computes_floor_as_python() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::math::define(&connection).unwrap();
        super::define_floor(&connection).unwrap();
        let floor = |argument: &str| {
            let sql = format!("SELECT floor({argument})");
            connection.query_row(&sql, [], |row| row.get::<_, Value>(0))
        };
        let check = |argument: &str, expected: i64| {
            assert_eq!(floor(argument), Ok(Value::Integer(expected)), "{argument}");
        };
        check("1.5", 1);
        check("-1.5", -2);
        check("-0.0", 0);
        check("7", 7);
        check("9223372036854775807", i64::MAX);
        check("9.2233720368547748e18", 9_223_372_036_854_774_784);
        check("-9223372036854775808.0", i64::MIN);
        for argument in [
            "NULL",
            "'1'",
            "x'31'",
            "9e999",
            "-9e999",
            "9223372036854775808.0",
        ] {
            let error = floor(argument).unwrap_err().to_string();
            assert_eq!(
                error, "user-defined function raised exception",
                "{argument}"
            );
        }
    }
}
