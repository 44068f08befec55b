//! The URLs that an application gets: the asynchronous one for itself, the synchronous one for migrations.

use std::collections::BTreeMap;
use std::ffi::OsString;

use limbeck::native::NativeEnvironment;
use limbeck::project::Project;
use limbeck::url::{Conversion, DatabaseConfigProvider, ErrorKind};

use super::{Launcher, Settings};
use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::output::notices::print_warning;

impl Launcher<'_> {
    /// The variables for the application.
    pub(super) fn variables(
        &self,
        project: &Project,
    ) -> Result<BTreeMap<String, OsString>, CliError> {
        let provider = match &self.url {
            Some(url) => Some(DatabaseConfigProvider::new(url)),
            None => provider(self.context, project)?,
        };
        match provider {
            Some(provider) => for_application(&provider, &self.settings),
            None => Ok(BTreeMap::new()),
        }
    }
}

fn for_application(
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
            Ok(conversion) => print_warning(&cannot_carry(name, &conversion)),
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

/// The application's URL: of the environment or `.env`, else the one of an ini that `env.py` goes by.
pub(super) fn provider(
    context: &Context,
    project: &Project,
) -> Result<Option<DatabaseConfigProvider>, CliError> {
    match context.url_provider() {
        Ok(provider) => return Ok(Some(provider)),
        Err(error) if error.kind == ErrorKind::MissingUrl => {}
        Err(error) => {
            let name = "DATABASE_URL".to_owned();
            return Err(LaunchError::Url { name, error }.into());
        }
    }
    if NativeEnvironment::read(project, &context.process_environment)?.is_none() {
        return Ok(None);
    }
    let url = project.config.ini_text("sqlalchemy.url")?;
    Ok(url.map(DatabaseConfigProvider::new))
}

/// What is not in a URL is the application's own to give: its variable stays as it is.
fn cannot_carry(name: &str, conversion: &Conversion) -> String {
    let arguments: Vec<&str> = conversion
        .connect_args
        .iter()
        .map(|(argument, _)| argument.as_str())
        .collect();
    format!(
        "{name} is left as it is: the driver's URL can't carry {}, see `limbeck url convert`",
        arguments.join(", ")
    )
}
