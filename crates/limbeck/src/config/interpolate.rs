//! Interpolation of `%(name)s` in values.

/// The error of a value that can't be interpolated.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InterpolationError {
    /// A `%` that is followed by neither `%` nor `(name)s`.
    Syntax,
    /// A name without a value.
    Missing(String),
    /// Values that refer to each other more than ten levels deep.
    Depth,
}

/// The maximum depth of references, as in `ConfigParser`.
const MAX_DEPTH: usize = 10;

/// Interpolates a value, and the values that it refers to. `lookup` returns the value of a name.
pub(super) fn interpolate<'a>(
    value: &'a str,
    lookup: &impl Fn(&str) -> Option<&'a str>,
) -> Result<String, InterpolationError> {
    let mut out = String::with_capacity(value.len());
    append(value, lookup, &mut out, 1)?;
    Ok(out)
}

fn append<'a>(
    value: &'a str,
    lookup: &impl Fn(&str) -> Option<&'a str>,
    out: &mut String,
    depth: usize,
) -> Result<(), InterpolationError> {
    if depth > MAX_DEPTH {
        return Err(InterpolationError::Depth);
    }
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else {
            let (name, after) = after
                .strip_prefix('(')
                .and_then(|inside| inside.split_once(")s"))
                .ok_or(InterpolationError::Syntax)?;
            let name = name.to_lowercase();
            let inner = lookup(&name).ok_or_else(|| InterpolationError::Missing(name.clone()))?;
            if inner.contains('%') {
                append(inner, lookup, out, depth + 1)?;
            } else {
                out.push_str(inner);
            }
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(())
}
