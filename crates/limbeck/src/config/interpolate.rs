//! `%(name)s` in values: `ConfigParser`'s rules for the ini, printf's for TOML.

/// Why a value can't be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interpolation {
    /// A percent sign that begins nothing.
    Syntax,
    /// A name without a value.
    Missing(String),
    /// Names that refer to each other.
    Depth,
}

/// How deep `ConfigParser` follows.
const DEPTH: usize = 10;

/// Fills in a value; the values of names are filled in, too.
pub(super) fn interpolate<'a>(
    value: &'a str,
    lookup: &impl Fn(&str) -> Option<&'a str>,
) -> Result<String, Interpolation> {
    let mut out = String::with_capacity(value.len());
    fill(value, lookup, &mut out, 1)?;
    Ok(out)
}

fn fill<'a>(
    value: &'a str,
    lookup: &impl Fn(&str) -> Option<&'a str>,
    out: &mut String,
    depth: usize,
) -> Result<(), Interpolation> {
    if depth > DEPTH {
        return Err(Interpolation::Depth);
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
                .ok_or(Interpolation::Syntax)?;
            let name = name.to_lowercase();
            let inner = lookup(&name).ok_or_else(|| Interpolation::Missing(name.clone()))?;
            if inner.contains('%') {
                fill(inner, lookup, out, depth + 1)?;
            } else {
                out.push_str(inner);
            }
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(())
}
