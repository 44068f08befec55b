//! Checks the kind of each refusal.

use limbeck_revision::{HistoryEnd, Revision, RevisionErrorKind, RevisionMap};

fn revision(id: &str, down: &[&str]) -> Revision {
    Revision {
        id: id.to_owned(),
        down_revisions: down.iter().map(ToString::to_string).collect(),
        ..Revision::default()
    }
}

/// Two branches from `a1`, a merge of them, and a separate base.
fn map() -> RevisionMap {
    RevisionMap::new(vec![
        revision("a1", &[]),
        revision("b2", &["a1"]),
        revision("c3", &["a1"]),
        revision("d4", &["b2", "c3"]),
        revision("x1", &[]),
    ])
    .expect("the graph is valid")
}

fn rows(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn upgrades_have_error_kinds() {
    for (from, target, expected) in [
        (
            &["a1"][..],
            "nosuch",
            RevisionErrorKind::Unknown {
                argument: "nosuch".into(),
            },
        ),
        (
            &["a1"],
            "head",
            RevisionErrorKind::MultipleHeads {
                heads: rows(&["d4", "x1"]),
                argument: "head".into(),
            },
        ),
        (
            &["a1", "d4"],
            "heads",
            RevisionErrorKind::Overlap {
                revision: "d4".into(),
                ancestors: rows(&["a1"]),
            },
        ),
        (&["a1"], "+1", RevisionErrorKind::AmbiguousWalk),
        (&["a1", "x1"], "+1", RevisionErrorKind::AmbiguousUpgrade),
        (&["d4"], "+1", RevisionErrorKind::OutOfRange),
        (&["d4"], "-1", RevisionErrorKind::OutOfRange),
    ] {
        let error = map().plan_upgrade(&rows(from), target).unwrap_err();
        assert_eq!(*error.kind(), expected, "{target} from {from:?}: {error}");
    }
}

#[test]
fn downgrades_have_error_kinds() {
    for (from, target, expected) in [
        (
            &["a1"][..],
            "b2",
            RevisionErrorKind::NotAncestor {
                lower: "b2".into(),
                upper: "a1".into(),
            },
        ),
        (&["d4"], "-1", RevisionErrorKind::AmbiguousWalk),
        (&["a1"], "a1-2", RevisionErrorKind::OutOfRange),
        (&["a1"], "-2", RevisionErrorKind::OutOfRange),
        (
            &["b2", "c3"],
            "a1@-1",
            RevisionErrorKind::InvalidDowngradeTarget,
        ),
    ] {
        let error = map().plan_downgrade(&rows(from), target).unwrap_err();
        assert_eq!(*error.kind(), expected, "{target} from {from:?}: {error}");
    }
}

#[test]
fn a_stamp_and_a_range_have_error_kinds() {
    let error = map()
        .plan_stamp(&rows(&["a1", "d4"]), &rows(&["b2"]))
        .unwrap_err();
    let expected = RevisionErrorKind::StampAmidRows {
        revision: "b2".into(),
    };
    assert_eq!(*error.kind(), expected, "{error}");

    let error = map()
        .history(HistoryEnd::Name("b2"), HistoryEnd::Name("x1"))
        .unwrap_err();
    let expected = RevisionErrorKind::NotAncestor {
        lower: "b2".into(),
        upper: "x1".into(),
    };
    assert_eq!(*error.kind(), expected, "{error}");
}

#[test]
fn a_range_with_a_gap_has_an_error_kind() {
    let gap = RevisionMap::new(vec![
        revision("a1", &[]),
        revision("x1", &[]),
        Revision {
            dependencies: rows(&["b3"]),
            ..revision("x2", &["x1"])
        },
        revision("a2", &["a1"]),
        Revision {
            dependencies: rows(&["x1"]),
            ..revision("b3", &["a2"])
        },
    ])
    .unwrap();
    let error = gap
        .history(HistoryEnd::Name("a2"), HistoryEnd::Name("x2"))
        .unwrap_err();
    let expected = RevisionErrorKind::IncompleteRange {
        revision: "a2".into(),
    };
    assert_eq!(*error.kind(), expected, "{error}");
}
