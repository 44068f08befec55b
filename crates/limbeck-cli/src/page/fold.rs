//! Folding of a long revision list: rows near an important one stay visible.

use std::ops::Range;

/// The minimum number of rows in a fold.
const MIN_FOLD: usize = 16;

/// The number of visible rows on each side of an important row.
const CONTEXT: usize = 4;

/// An entry of the folded list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// The index of a visible row.
    Row(usize),
    /// The indexes of folded rows, all of one kind.
    Fold(Range<usize>),
}

/// Folds the runs of rows of one kind that are far from each important row.
pub(super) fn fold<K: PartialEq>(kinds: &[K], is_important: impl Fn(usize) -> bool) -> Vec<Item> {
    let mut visible = vec![false; kinds.len()];
    for row in (0..kinds.len()).filter(|row| is_important(*row)) {
        let end = (row + CONTEXT + 1).min(kinds.len());
        visible[row.saturating_sub(CONTEXT)..end].fill(true);
    }
    let mut items = Vec::new();
    let mut row = 0;
    while row < kinds.len() {
        let start = row;
        while row < kinds.len() && !visible[row] && kinds[row] == kinds[start] {
            row += 1;
        }
        if row - start >= MIN_FOLD {
            items.push(Item::Fold(start..row));
        } else {
            row = row.max(start + 1);
            items.extend((start..row).map(Item::Row));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{CONTEXT, Item, MIN_FOLD, fold};

    #[test]
    fn folds_long_runs_away_from_important_rows() {
        // `a` and `p` are two kinds of rows; capitals are important rows.
        let check = |kinds: &str, expected: &str| {
            let letters: Vec<char> = kinds.chars().collect();
            let kinds: Vec<char> = letters.iter().map(char::to_ascii_lowercase).collect();
            let items = fold(&kinds, |row| letters[row].is_ascii_uppercase());
            let found: String = items
                .iter()
                .map(|item| match item {
                    Item::Row(row) => letters[*row].to_string(),
                    Item::Fold(range) => format!("[{}]", range.len()),
                })
                .collect();
            assert_eq!(found, expected);
            let rows: usize = items
                .iter()
                .map(|item| match item {
                    Item::Row(_) => 1,
                    Item::Fold(range) => range.len(),
                })
                .sum();
            assert_eq!(rows, letters.len());
        };
        check("", "");
        let (few, many) = ("a".repeat(MIN_FOLD - 1), "a".repeat(MIN_FOLD));
        let context = "a".repeat(CONTEXT);
        check(&few, &few);
        check(&many, &format!("[{MIN_FOLD}]"));
        check(&format!("A{context}{few}"), &format!("A{context}{few}"));
        check(
            &format!("A{context}{many}a"),
            &format!("A{context}[{}]", MIN_FOLD + 1),
        );
        check(
            &format!("{many}{context}A{context}{many}"),
            &format!("[{MIN_FOLD}]{context}A{context}[{MIN_FOLD}]"),
        );
        // Runs of two kinds are two folds, or none.
        let other = "p".repeat(MIN_FOLD);
        check(
            &format!("{other}{many}"),
            &format!("[{MIN_FOLD}][{MIN_FOLD}]"),
        );
        check(&format!("{few}pp{few}"), &format!("{few}pp{few}"));
    }
}
