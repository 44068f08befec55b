//! Benchmark of conversions: prints the median time of a conversion in nanoseconds, for several URLs and targets.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use limbeck_url::{Target, convert};

/// The number of measurements per row.
const ROUNDS: usize = 301;
/// The number of conversions in a measurement.
const CONVERSIONS_PER_ROUND: u32 = 200;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program, not a library"
)]
fn main() -> ExitCode {
    let rows = [
        (
            "postgresql+asyncpg://app:p%40w@db.internal:5432/shop?ssl=require",
            "postgresql+psycopg2",
        ),
        (
            "postgresql+psycopg2://app:p%40w@db.internal:5432/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgresql+asyncpg",
        ),
        (
            "postgres://u:p@h1:1,h2:2/d?target_session_attrs=read-write&options=-c%20search_path%3Da",
            "postgresql+asyncpg",
        ),
        (
            "mysql://u:p@db/d?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem&charset=utf8mb4",
            "mysql+pymysql",
        ),
        ("sqlite:////var/lib/app/a.db?timeout=5", "sqlite+aiosqlite"),
    ];
    for (url, name) in rows {
        let Ok(target) = name.parse::<Target>() else {
            eprintln!("error: unknown target `{name}`");
            return ExitCode::FAILURE;
        };
        let mut times: Vec<u128> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..CONVERSIONS_PER_ROUND {
                    black_box(convert(black_box(url), target).is_ok());
                }
                start.elapsed().as_nanos() / u128::from(CONVERSIONS_PER_ROUND)
            })
            .collect();
        times.sort_unstable();
        println!("{:>6} ns  {name} from {url}", times[ROUNDS / 2]);
    }
    ExitCode::SUCCESS
}
