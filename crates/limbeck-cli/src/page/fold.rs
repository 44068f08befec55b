//! Which revisions of a long history are shown, and which are folded away.

use std::ops::Range;

/// How many rows a run must have to be worth folding.
const WORTH: usize = 16;

/// How many rows around one that matters are shown with it.
const AROUND: usize = 4;

/// What stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A row.
    Row(usize),
    /// Rows of one kind that are folded away.
    Fold(Range<usize>),
}

/// Folds the runs of rows of one kind that are far from each one that matters.
pub(super) fn fold<K: PartialEq>(kinds: &[K], matters: impl Fn(usize) -> bool) -> Vec<Item> {
    let mut shown = vec![false; kinds.len()];
    for place in (0..kinds.len()).filter(|place| matters(*place)) {
        let end = (place + AROUND + 1).min(kinds.len());
        shown[place.saturating_sub(AROUND)..end].fill(true);
    }
    let mut items = Vec::new();
    let mut place = 0;
    while place < kinds.len() {
        let start = place;
        while place < kinds.len() && !shown[place] && kinds[place] == kinds[start] {
            place += 1;
        }
        if place - start >= WORTH {
            items.push(Item::Fold(start..place));
        } else {
            place = place.max(start + 1);
            items.extend((start..place).map(Item::Row));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{AROUND, Item, WORTH, fold};

    #[test]
    fn folding() {
        // `A` and `P` are two kinds; capitals matter.
        let check = |kinds: &str, expected: &str| {
            let letters: Vec<char> = kinds.chars().collect();
            let kinds: Vec<char> = letters.iter().map(char::to_ascii_lowercase).collect();
            let items = fold(&kinds, |place| letters[place].is_ascii_uppercase());
            let found: String = items
                .iter()
                .map(|item| match item {
                    Item::Row(place) => letters[*place].to_string(),
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
        let (few, many) = ("a".repeat(WORTH - 1), "a".repeat(WORTH));
        let around = "a".repeat(AROUND);
        check(&few, &few);
        check(&many, &format!("[{WORTH}]"));
        check(&format!("A{around}{few}"), &format!("A{around}{few}"));
        check(
            &format!("A{around}{many}a"),
            &format!("A{around}[{}]", WORTH + 1),
        );
        check(
            &format!("{many}{around}A{around}{many}"),
            &format!("[{WORTH}]{around}A{around}[{WORTH}]"),
        );
        // Runs of two kinds are two folds, or none.
        let other = "p".repeat(WORTH);
        check(&format!("{other}{many}"), &format!("[{WORTH}][{WORTH}]"));
        check(&format!("{few}pp{few}"), &format!("{few}pp{few}"));
    }
}
