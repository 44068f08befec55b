//! Checks of `env.py`: its template, and conversions of the URL by hand.

use std::path::Path;

use limbeck_script::environment::{
    EnvironmentAnalysis, EnvironmentFindings, EnvironmentSyntaxError, Finding, FindingKind,
};
use limbeck_script::interpreter::InstalledVersions;
use limbeck_url::{DatabaseUrl, mask};

use super::check::{Check, CheckId};
use super::source::UrlCandidate;
use super::url::{rejected_parameters, target_of_driver};

/// An `env.py`, and the context to judge it in.
pub(super) struct EnvContext<'a> {
    pub(super) path: &'a Path,
    pub(super) analysis: &'a EnvironmentAnalysis,
    pub(super) findings: &'a Result<EnvironmentFindings, EnvironmentSyntaxError>,
    /// The settings of `engine_from_config` other than the URL.
    pub(super) engine_settings: &'a [String],
    pub(super) urls: &'a [UrlCandidate],
    pub(super) installed: Option<&'a InstalledVersions>,
}

pub(super) fn check(env: &EnvContext<'_>) -> Vec<Check> {
    let findings = match env.findings {
        Ok(findings) => findings,
        Err(error) => {
            let mut checks = vec![
                CheckId::EnvFile
                    .error(format!("`env.py` is not valid Python: {error}"))
                    .at(env.path, Some(error.line)),
            ];
            checks.extend(not_checked("`env.py` is not valid Python"));
            return checks;
        }
    };
    let mut checks = vec![
        CheckId::EnvFile
            .ok("`env.py` exists and is valid Python")
            .at(env.path, None),
        check_shape(env, findings),
    ];
    for (id, ok_message) in [
        (
            CheckId::EnvReplacedDriver,
            "no driver is replaced in a URL's text",
        ),
        (
            CheckId::EnvUrlAsText,
            "no URL object is converted with `str()`",
        ),
        (CheckId::EnvPercent, "no percent sign can cause an error"),
    ] {
        let found: Vec<Check> = findings
            .findings
            .iter()
            .filter(|finding| id_of(&finding.kind) == Some(id))
            .filter_map(|finding| check_finding(env, finding))
            .collect();
        if found.is_empty() {
            checks.push(id.ok(ok_message));
        }
        checks.extend(found);
    }
    checks
}

/// Returns the checks of an `env.py` that can't be read.
pub(super) fn not_checked(reason: &str) -> Vec<Check> {
    [
        (CheckId::EnvShape, "the template of `env.py`"),
        (
            CheckId::EnvReplacedDriver,
            "whether `env.py` replaces a driver in a URL's text",
        ),
        (CheckId::EnvUrlAsText, "whether `env.py` masks a password"),
        (
            CheckId::EnvPercent,
            "whether `env.py` doubles percent signs",
        ),
    ]
    .map(|(id, subject)| id.not_checked(subject, reason))
    .into()
}

fn check_shape(env: &EnvContext<'_>, findings: &EnvironmentFindings) -> Check {
    let (id, path) = (CheckId::EnvShape, env.path);
    let kind = if findings.is_async {
        "asynchronous"
    } else {
        "synchronous"
    };
    match env.analysis {
        EnvironmentAnalysis::Stock(_) if !env.engine_settings.is_empty() => id
            .note(format!(
                "the stock {kind} template; runs in Python, because SQLAlchemy reads {}",
                super::quoted(env.engine_settings)
            ))
            .at(path, None),
        EnvironmentAnalysis::Stock(_) => id
            .ok(format!(
                "the stock {kind} template: limbeck reads it without Python"
            ))
            .at(path, None),
        EnvironmentAnalysis::NeedsPython { line, reason } => {
            let template = if findings.is_multidb {
                "based on the template `multidb`".to_owned()
            } else {
                format!("{kind}, and not a stock template")
            };
            id.note(format!("{template}; runs in Python: {reason}"))
                .at(path, Some(*line))
        }
    }
}

fn id_of(kind: &FindingKind) -> Option<CheckId> {
    Some(match kind {
        FindingKind::DriverReplaced { .. } => CheckId::EnvReplacedDriver,
        FindingKind::PasswordMasked => CheckId::EnvUrlAsText,
        FindingKind::PercentNotDoubled => CheckId::EnvPercent,
        _ => return None,
    })
}

fn check_finding(env: &EnvContext<'_>, finding: &Finding) -> Option<Check> {
    let check = match &finding.kind {
        FindingKind::DriverReplaced { from, to } => replaced_driver(env, from, to.as_deref()),
        FindingKind::PasswordMasked => url_as_text(env.installed),
        FindingKind::PercentNotDoubled => percent_sign(env.urls),
        _ => return None,
    };
    Some(check.at(env.path, Some(finding.line)))
}

/// Checks a replacement of the driver in a URL's text, which keeps the parameters of the old driver. The replacement is an
/// error if the new driver rejects a parameter of a known URL.
fn replaced_driver(env: &EnvContext<'_>, from: &str, to: Option<&str>) -> Check {
    let id = CheckId::EnvReplacedDriver;
    let masked = mask(from);
    let fix = "convert the whole URL: `limbeck url convert --to …` prints the converted URL";
    for candidate in env.urls {
        let text = candidate.text.reveal_clear_text();
        let Some(to) = to.filter(|_| text.contains(from)) else {
            continue;
        };
        let replaced = text.replace(from, to);
        let target = DatabaseUrl::parse(&replaced)
            .ok()
            .and_then(|url| target_of_driver(&url.dialect, url.driver.as_deref(), env.installed));
        let Some(target) = target else {
            continue;
        };
        let rejected = match rejected_parameters(&replaced, target) {
            Ok(rejected) if rejected.is_empty() => continue,
            Ok(rejected) => super::quoted(&rejected),
            Err(error) => error.to_string(),
        };
        return id
            .error(format!(
                "`{masked}` is replaced in the URL's text, and {target} rejects the remaining parameters: {rejected}"
            ))
            .fix(fix);
    }
    id.warning(format!(
        "`{masked}` is replaced in the URL's text: the driver changes, but parameters such as `ssl` or `sslmode` stay those of the old driver"
    ))
    .fix(fix)
}

fn url_as_text(installed: Option<&InstalledVersions>) -> Check {
    let id = CheckId::EnvUrlAsText;
    let version = installed.and_then(|installed| installed.version("SQLAlchemy"));
    let keeps_password =
        version.is_some_and(|version| !super::interpreter::is_at_least(version, (2, 0)));
    let fix = "write `url.render_as_string(hide_password=False)`";
    if keeps_password {
        return id
            .warning("a URL object is converted with `str()`: SQLAlchemy 2.0 and newer writes `***` for the password")
            .fix(fix);
    }
    id.error("a URL object is converted with `str()`: SQLAlchemy writes `***` for the password")
        .fix(fix)
}

fn percent_sign(urls: &[UrlCandidate]) -> Check {
    let id = CheckId::EnvPercent;
    let fix = "pass `url.replace(\"%\", \"%%\")`";
    let has_percent = urls
        .iter()
        .any(|candidate| candidate.text.reveal_clear_text().contains('%'));
    if has_percent {
        return id
            .error(
                "the URL has a percent sign, which `set_main_option` reads as the start of `%(name)s`",
            )
            .fix(fix);
    }
    id.warning("a URL with a percent sign will fail here: `set_main_option` requires `%%`")
        .fix(fix)
}
