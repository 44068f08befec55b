//! Random graphs and questions: the map beside Alembic's own.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use limbeck_revision::{GraphError, HistoryEnd, Revision, RevisionError, RevisionMap, StepKind};
use serde_json::{Value, json};

/// A small generator of its own, so that a failing case can be made again from its number.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn graph(random: &mut Random) -> Vec<Revision> {
    let size = 1 + random.below(14);
    let mut revisions: Vec<Revision> = Vec::new();
    for index in 0..size {
        let mut down = BTreeSet::new();
        if index > 0 && !random.chance(12) {
            // Mostly a line, sometimes a fork, sometimes a merge.
            down.insert(if random.chance(65) {
                index - 1
            } else {
                random.below(index)
            });
            if random.chance(15) {
                down.insert(random.below(index));
            }
        }
        let id = |index: usize| format!("{:c<4}{index:02}", ["aa", "ab", "bc", "bd"][index % 4]);
        let mut dependencies = Vec::new();
        if index > 1 && random.chance(15) {
            let other = random.below(index);
            if !down.contains(&other) {
                dependencies.push(id(other));
            }
        }
        let labels = if random.chance(12) {
            vec![format!("label{index}")]
        } else {
            Vec::new()
        };
        let mut down_revisions: Vec<String> = down.into_iter().map(id).collect();
        if !down_revisions.is_empty() && random.chance(2) {
            down_revisions.push(down_revisions[0].clone());
        }
        if index > 2 && random.chance(1) {
            // A dependency on what comes later, which may close a circle.
            dependencies.push(id(index + 1));
        }
        revisions.push(Revision {
            id: id(index),
            down_revisions,
            branch_labels: labels,
            dependencies,
        });
        if index > 0 && random.chance(1) {
            // A file that was copied without a new id.
            let copied = revisions[random.below(revisions.len())].clone();
            if copied.branch_labels.is_empty() {
                revisions.push(copied);
            }
        }
    }
    // Files are loaded by name, not in the order of their making.
    if random.chance(50) {
        revisions.sort_by(|a, b| a.id.cmp(&b.id));
    }
    revisions
}

fn target(random: &mut Random, revisions: &[Revision]) -> String {
    let one = |random: &mut Random| revisions[random.below(revisions.len())].id.clone();
    let labels: Vec<&String> = revisions
        .iter()
        .flat_map(|revision| &revision.branch_labels)
        .collect();
    let branch = |random: &mut Random| {
        if labels.is_empty() || random.chance(30) {
            one(random)
        } else {
            labels[random.below(labels.len())].clone()
        }
    };
    match random.below(15) {
        12 => [
            "+0", "-0", "@head", "@heads", "@base", "@+1", "@-1", "-9", "+9",
        ][random.below(9)]
        .into(),
        13 => format!(
            "{}{}",
            if random.chance(50) {
                one(random)
            } else {
                branch(random)
            },
            ["+0", "-0", "+9", "-9", "@+0", "@-0", "@+9", "@-9"][random.below(8)]
        ),
        14 => format!(
            "{}{}",
            ["nosuch", "", "aa", "base", "heads", "head"][random.below(6)],
            ["", "@head", "@heads", "@base", "@+1", "@-1", "+1", "-1"][random.below(8)]
        ),
        0 => "head".into(),
        1 => "heads".into(),
        2 => "base".into(),
        3 => one(random)[..=random.below(5)].to_owned(),
        4 => format!("+{}", 1 + random.below(3)),
        5 => format!("-{}", 1 + random.below(3)),
        6 => format!("{}+{}", one(random), 1 + random.below(2)),
        7 => format!("{}-{}", one(random), 1 + random.below(2)),
        8 => format!("{}@head", branch(random)),
        9 => format!(
            "{}@{}",
            branch(random),
            ["base", "+1", "-1", "heads"][random.below(4)]
        ),
        10 => branch(random),
        _ => one(random),
    }
}

fn answer(
    map: &RevisionMap,
    kind: &str,
    rows: &[String],
    target: &str,
) -> Result<Value, RevisionError> {
    let sorted = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        json!(ids)
    };
    let steps = |plan: limbeck_revision::MigrationPlan| {
        let ids: Vec<String> = plan
            .steps
            .iter()
            .filter_map(|step| step.revision().map(str::to_owned))
            .collect();
        json!(ids)
    };
    Ok(match kind {
        "upgrade" => steps(map.plan_upgrade(rows, target)?),
        "downgrade" => steps(map.plan_downgrade(rows, target)?),
        "stamp" => {
            let plan = map.plan_stamp(rows, &[target.to_owned()])?;
            let step = |step: &limbeck_revision::MigrationStep| {
                let StepKind::Stamp {
                    upgrade,
                    branch_move,
                } = step.kind
                else {
                    panic!("a stamp")
                };
                let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
                json!([
                    set(&step.from_revisions),
                    set(&step.to_revisions),
                    upgrade,
                    branch_move
                ])
            };
            plan.steps.iter().map(step).collect()
        }
        "resolve" => sorted(map.resolve(target)?),
        "current" => sorted(map.current(rows)?),
        "history" => {
            let (start, end) = target.split_once(':').unwrap_or(("base", target));
            json!(map.history(HistoryEnd::Name(start), HistoryEnd::Name(end))?)
        }
        _ => json!([map.heads(), map.real_heads()]),
    })
}

/// Whether a revision is its own ancestor, by the definition of it.
fn has_circle(revisions: &[Revision]) -> bool {
    let mut left: Vec<&Revision> = revisions.iter().collect();
    loop {
        let before = left.len();
        let names: BTreeSet<String> = left
            .iter()
            .flat_map(|revision| revision.branch_labels.iter().chain([&revision.id]).cloned())
            .collect();
        left.retain(|revision| {
            let mut requirements = revision.down_revisions.iter().chain(&revision.dependencies);
            requirements.any(|name| names.contains(name))
        });
        if left.len() == before {
            return before > 0;
        }
    }
}

/// limbeck takes a misspelt branch for an error even where there is nothing to choose from.
fn misspelt_branch(kind: &str, target: &str, actual: &Value) -> bool {
    let branch = target.rsplit_once('@').map_or("", |(branch, _)| branch);
    kind == "downgrade"
        && *actual == json!({"refused": format!("Can't locate revision identified by '{branch}'")})
}

/// An answer, where a list of Alembic's that comes from a set has an order; `history` may even begin
/// with any of its targets.
fn in_order(kind: &str, answer: &Value) -> Value {
    let text = answer["refused"].as_str().unwrap_or_default();
    let Some((before, list)) = text.split_once("other requested revisions ") else {
        return answer.clone();
    };
    if kind == "history" {
        return json!("overlaps");
    }
    let set: BTreeSet<&str> = list.split(", ").collect();
    json!([before, set])
}

/// Where the order among several dependencies is a set's, only what is chosen can be compared.
fn order_is_random(revisions: &[Revision]) -> bool {
    revisions
        .iter()
        .any(|revision| revision.dependencies.len() > 1)
}

#[test]
fn the_map_answers_as_alembic_does() {
    let Some(python) = std::env::var_os("LIMBECK_TEST_PYTHON") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs LIMBECK_TEST_PYTHON"
        );
        println!("skipped: LIMBECK_TEST_PYTHON is not set");
        return;
    };
    let cases = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1500);
    let mut oracle = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle.py"))
        .env("PYTHONHASHSEED", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions_to = oracle.stdin.take().unwrap();
    let mut answers_from = BufReader::new(oracle.stdout.take().unwrap());
    let mut problems = Vec::new();
    for number in 1..=cases {
        let mut random = Random(u64::wrapping_mul(number, 0x9e37_79b9_7f4a_7c15));
        let revisions = graph(&mut random);
        let map = RevisionMap::new(revisions.clone());
        let mut questions = vec![
            ("heads", Vec::new(), String::new()),
            ("history", Vec::new(), "heads".to_owned()),
        ];
        if let Ok(map) = &map {
            for _ in 0..12 {
                // Rows as real runs leave them: what is current somewhere on the way to some target.
                let from = revisions[random.below(revisions.len())].id.clone();
                let mut rows = if random.chance(20) {
                    Vec::new()
                } else {
                    vec![from]
                };
                if random.chance(15) {
                    // Two places at once, as branches have them.
                    let other = revisions[random.below(revisions.len())].id.clone();
                    if !rows.contains(&other) {
                        rows.push(other);
                    }
                }
                if random.chance(20) {
                    rows = map.real_heads().into_iter().map(str::to_owned).collect();
                }
                let kind = [
                    "upgrade",
                    "downgrade",
                    "stamp",
                    "resolve",
                    "current",
                    "history",
                ][random.below(6)];
                let mut asked = target(&mut random, &revisions);
                if kind == "history" {
                    let end = target(&mut random, &revisions);
                    if (asked.starts_with('-') || asked.contains("@-")) && end.contains("@+") {
                        // Which of the two Alembic complains of first has no rule worth keeping.
                        continue;
                    }
                    asked = format!("{asked}:{end}");
                }
                questions.push((kind, rows, asked));
            }
        }
        if let Err(GraphError::DependencyCycle(_)) = &map {
            // Alembic walks some circles for ever, so it is not asked.
            assert!(has_circle(&revisions), "case {number}: {revisions:?}");
            continue;
        }
        let rows: Vec<Value> = revisions
            .iter()
            .map(|r| json!([r.id, r.down_revisions, r.branch_labels, r.dependencies]))
            .collect();
        let asked: Vec<Value> = questions
            .iter()
            .map(|(kind, rows, target)| json!([kind, rows, target]))
            .collect();
        writeln!(
            questions_to,
            "{}",
            json!({"graph": rows, "questions": asked})
        )
        .unwrap();
        let mut line = String::new();
        answers_from.read_line(&mut line).unwrap();
        let theirs: Value = serde_json::from_str(&line).unwrap();
        let Ok(map) = map else {
            if theirs.get("graph").is_none() {
                problems.push(format!("case {number}: the graph is refused: {rows:?}"));
            }
            continue;
        };
        if let Some(kind) = theirs.get("graph") {
            problems.push(format!(
                "case {number}: Alembic refuses the graph ({kind}): {rows:?}"
            ));
            continue;
        }
        for ((kind, rows, target), expected) in
            questions.iter().zip(theirs["answers"].as_array().unwrap())
        {
            let actual = match answer(&map, kind, rows, target) {
                Ok(value) => json!({"ok": value}),
                Err(error) => json!({"refused": error.to_string()}),
            };
            // Where Alembic crashes, limbeck refuses in words of its own, or does what was meant.
            if expected.get("crashed").is_some() {
                continue;
            }
            if in_order(kind, &actual) != in_order(kind, expected)
                && !order_is_random(&revisions)
                && !misspelt_branch(kind, target, &actual)
            {
                problems.push(format!(
                    "case {number}: {kind} {target} from {rows:?}\n  alembic {expected}\n  limbeck {actual}\n  {}",
                    serde_json::to_string(&revisions.iter().map(|r| json!([r.id, r.down_revisions, r.branch_labels, r.dependencies])).collect::<Vec<_>>()).unwrap()
                ));
            }
        }
        assert!(problems.len() < 10, "{}", problems.join("\n"));
    }
    drop(questions_to);
    assert!(oracle.wait().unwrap().success());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
