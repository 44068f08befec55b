//! Checks of `env.py`: its shape, and conversions of the URL that were written by hand.

use std::path::Path;

use limbeck_script::environment::{
    EnvironmentAnalysis, EnvironmentFindings, EnvironmentSyntaxError, Finding, FindingKind,
};
use limbeck_script::interpreter::InstalledVersions;
use limbeck_url::{DatabaseUrl, mask};

use super::check::{Check, Id};
use super::source::FoundUrl;
use super::url::{own_target, refused_parameters};

/// What was made of `env.py`.
pub(super) struct Examined<'a> {
    pub(super) path: &'a Path,
    pub(super) reading: &'a EnvironmentAnalysis,
    pub(super) survey: &'a Result<EnvironmentFindings, EnvironmentSyntaxError>,
    /// What `engine_from_config` is told besides the URL.
    pub(super) engine_settings: &'a [String],
    pub(super) urls: &'a [FoundUrl],
    pub(super) installed: Option<&'a InstalledVersions>,
}

pub(super) fn check(examined: &Examined<'_>) -> Vec<Check> {
    let survey = match examined.survey {
        Ok(survey) => survey,
        Err(error) => {
            let mut checks = vec![
                Id::EnvFile
                    .error(format!("it is not valid Python: {error}"))
                    .at(examined.path, Some(error.line)),
            ];
            checks.extend(not_checked("it is not valid Python"));
            return checks;
        }
    };
    let mut checks = vec![
        Id::EnvFile
            .ok("it is there and is Python")
            .at(examined.path, None),
        shape(examined, survey),
    ];
    for (id, good) in [
        (Id::EnvReplacedDriver, "no driver is replaced as text"),
        (Id::EnvUrlAsText, "no URL object is made a text"),
        (Id::EnvPercent, "percent signs come to no harm"),
    ] {
        let found: Vec<Check> = survey
            .findings
            .iter()
            .filter(|finding| id_of(&finding.kind) == Some(id))
            .filter_map(|finding| judge(examined, finding))
            .collect();
        if found.is_empty() {
            checks.push(id.ok(good));
        }
        checks.extend(found);
    }
    checks
}

/// The checks of an `env.py` that can't be looked at.
pub(super) fn not_checked(why: &str) -> Vec<Check> {
    [
        (Id::EnvShape, "its shape"),
        (
            Id::EnvReplacedDriver,
            "whether it replaces a driver as text",
        ),
        (Id::EnvUrlAsText, "whether it masks a password"),
        (Id::EnvPercent, "whether it doubles percent signs"),
    ]
    .map(|(id, what)| id.not_checked(what, why))
    .into()
}

fn shape(examined: &Examined<'_>, survey: &EnvironmentFindings) -> Check {
    let (id, path) = (Id::EnvShape, examined.path);
    let kind = if survey.is_async {
        "asynchronous"
    } else {
        "synchronous"
    };
    match examined.reading {
        EnvironmentAnalysis::Stock(_) if !examined.engine_settings.is_empty() => id
            .note(format!(
                "the stock {kind} template; it runs in Python, because SQLAlchemy reads {}",
                super::quoted(examined.engine_settings)
            ))
            .at(path, None),
        EnvironmentAnalysis::Stock(_) => id
            .ok(format!(
                "the stock {kind} template: limbeck reads it without Python"
            ))
            .at(path, None),
        EnvironmentAnalysis::NeedsPython { line, reason } => {
            let what = if survey.is_multidb {
                "the template `multidb`, or like it".to_owned()
            } else {
                format!("{kind}, and not a stock one")
            };
            id.note(format!("{what}, so that it runs in Python: {reason}"))
                .at(path, Some(*line))
        }
    }
}

fn id_of(kind: &FindingKind) -> Option<Id> {
    Some(match kind {
        FindingKind::DriverReplaced { .. } => Id::EnvReplacedDriver,
        FindingKind::PasswordMasked => Id::EnvUrlAsText,
        FindingKind::PercentNotDoubled => Id::EnvPercent,
        _ => return None,
    })
}

fn judge(examined: &Examined<'_>, finding: &Finding) -> Option<Check> {
    let check = match &finding.kind {
        FindingKind::DriverReplaced { from, to } => replaced(examined, from, to.as_deref()),
        FindingKind::PasswordMasked => as_text(examined.installed),
        FindingKind::PercentNotDoubled => percent(examined.urls),
        _ => return None,
    };
    Some(check.at(examined.path, Some(finding.line)))
}

/// A replaced driver leaves the parameters as they are; with the URL at hand it can be told whether that fails.
fn replaced(examined: &Examined<'_>, from: &str, to: Option<&str>) -> Check {
    let installed = examined.installed;
    let id = Id::EnvReplacedDriver;
    let shown = mask(from);
    let fix = "convert the whole URL: `limbeck url convert --to …` says what it becomes";
    for found in examined.urls {
        let text = found.text.reveal_clear_text();
        let Some(to) = to.filter(|_| text.contains(from)) else {
            continue;
        };
        let replaced = text.replace(from, to);
        let target = DatabaseUrl::parse(&replaced)
            .ok()
            .and_then(|url| own_target(&url.dialect, url.driver.as_deref(), installed));
        let Some(target) = target else {
            continue;
        };
        let refused = match refused_parameters(&replaced, target) {
            Ok(refused) if refused.is_empty() => continue,
            Ok(refused) => super::quoted(&refused),
            Err(error) => error.to_string(),
        };
        return id
            .error(format!(
                "`{shown}` is replaced as text, and {target} does not take what is left: {refused}"
            ))
            .fix(fix);
    }
    id.warning(format!(
        "`{shown}` is replaced as text: the driver changes, and parameters as `ssl` or `sslmode` stay the other one's"
    ))
    .fix(fix)
}

fn as_text(installed: Option<&InstalledVersions>) -> Check {
    let id = Id::EnvUrlAsText;
    let version = installed.and_then(|installed| installed.version("SQLAlchemy"));
    let shows = version.is_some_and(|version| !super::interpreter::at_least(version, (2, 0)));
    let fix = "write `url.render_as_string(hide_password=False)`";
    if shows {
        return id
            .warning("a URL object is made a text, which from SQLAlchemy 2.0 on has `***` for the password")
            .fix(fix);
    }
    id.error("a URL object is made a text: SQLAlchemy puts `***` in place of the password")
        .fix(fix)
}

fn percent(urls: &[FoundUrl]) -> Check {
    let id = Id::EnvPercent;
    let fix = "pass `url.replace(\"%\", \"%%\")`";
    let has_percent = urls
        .iter()
        .any(|found| found.text.reveal_clear_text().contains('%'));
    if has_percent {
        return id
            .error(
                "the URL has a percent sign, which `set_main_option` takes for the start of a name",
            )
            .fix(fix);
    }
    id.warning("a URL with a percent sign in its password will fail here: `set_main_option` wants it doubled")
        .fix(fix)
}
