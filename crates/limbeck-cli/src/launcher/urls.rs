//! The URLs in the application's environment: an asynchronous one for the application, a synchronous one for migrations.

use std::collections::BTreeMap;
use std::ffi::OsString;

use limbeck::ProbeTarget;
use limbeck::project::Project;
use limbeck::url::{Conversion, DatabaseConfigProvider, ErrorKind};

use super::{Launcher, Settings};
use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::output::notices::print_warning;

impl Launcher<'_> {
    /// Returns the variables for the application, or none if the URL is unknown.
    pub(super) fn application_variables(
        &self,
        project: &Project,
    ) -> Result<BTreeMap<String, OsString>, CliError> {
        let provider = match &self.url {
            Some(url) => Some(DatabaseConfigProvider::new(url)),
            None => url_provider(self.context, project)?,
        };
        match provider {
            Some(provider) => convert_urls(&provider, &self.settings),
            None => Ok(BTreeMap::new()),
        }
    }
}

fn convert_urls(
    provider: &DatabaseConfigProvider,
    settings: &Settings,
) -> Result<BTreeMap<String, OsString>, CliError> {
    let mut variables = BTreeMap::new();
    let application = match &settings.driver {
        Some(driver) => provider.database_url_for(driver),
        None => provider.async_database_url(),
    };
    for (name, converted) in [
        (&settings.url_variable, application),
        (
            &settings.migration_url_variable,
            provider.sync_database_url(),
        ),
    ] {
        match converted {
            Ok(conversion) if conversion.is_complete() => {
                for warning in &conversion.warnings {
                    print_warning(&format!("{name}: {}", warning.message));
                }
                variables.insert(name.clone(), conversion.reveal_url().into());
            }
            Ok(conversion) => print_warning(&incomplete_url_warning(name, &conversion)),
            Err(error) => {
                return Err(LaunchError::Url {
                    name: name.clone(),
                    error,
                }
                .into());
            }
        }
    }
    Ok(variables)
}

/// Returns the application's URL: from the environment or `.env`, else `sqlalchemy.url` if `env.py` is a stock one.
pub(super) fn url_provider(
    context: &Context,
    project: &Project,
) -> Result<Option<DatabaseConfigProvider>, CliError> {
    match context.project_environment().provider() {
        Ok(provider) => return Ok(Some(provider)),
        Err(error) if error.kind == ErrorKind::MissingUrl => {}
        Err(error) => {
            let name = "DATABASE_URL".to_owned();
            return Err(LaunchError::Url { name, error }.into());
        }
    }
    if ProbeTarget::read(project, &context.process_environment)?.is_none() {
        return Ok(None);
    }
    let url = project.config.ini_text("sqlalchemy.url")?;
    Ok(url.map(DatabaseConfigProvider::new))
}

/// Returns the warning about a URL that can't contain all parameters. The application has to set the others itself.
fn incomplete_url_warning(name: &str, conversion: &Conversion) -> String {
    let arguments: Vec<&str> = conversion
        .connect_args
        .iter()
        .map(|(argument, _)| argument.as_str())
        .collect();
    format!(
        "{name} is not changed: the driver's URL can't contain {}, see `limbeck url convert`",
        arguments.join(", ")
    )
}
