//! The command line: arguments and exit codes.
//!
//! Exit code 0: done. 1: the command failed, or a check such as `verify` found problems. 2: the
//! arguments, the configuration or the state of the databases are invalid.

mod accounts;
mod audit;
mod backup;
mod commands;
mod output;
mod rebalance;
mod reports;
mod transfer;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use ostrakon_shared::{AuditAction, CredentialId, ReviewId, Role};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ConfigError};
use crate::demo::Until;
use crate::http::CLIENT_LOG_TARGET;
use crate::store::{SetupError, StoreError};

/// Product reviews on shards: a JSON API, its app, and its docs.
///
/// Without configuration, Ostrakon stores reviews in three SQLite files in ./data and serves on
/// http://127.0.0.1:8080. A TOML file (./ostrakon.toml) or environment variables override this:
///
///   data_dir                OSTRAKON_DATA_DIR                directory of the SQLite files
///   listen                  OSTRAKON_LISTEN                  address and port to serve on
///   reviews_databases       OSTRAKON_REVIEWS_DATABASES       reviews databases of a new cluster
///   spread                  OSTRAKON_SPREAD                  home buckets per product in a new cluster
///   default_url             OSTRAKON_DEFAULT_URL             postgres://… instead of a SQLite file
///   reviews_urls            OSTRAKON_REVIEWS_URLS            comma-separated URLs, reviews-1 first,
///                                                            or as reviews-4=postgres://…
///   database_password_file  OSTRAKON_DATABASE_PASSWORD_FILE  password file for URLs without one
///   reads                   OSTRAKON_READS                   primary (default) or replica
///   max_replica_lag_ms      OSTRAKON_MAX_REPLICA_LAG_MS      maximum lag of a replica (default: 1000)
///   read_connections        OSTRAKON_READ_CONNECTIONS        read connections per database (default: 4)
///   write_connections       OSTRAKON_WRITE_CONNECTIONS       PostgreSQL write connections (default: 4)
///   checkout_timeout_ms     OSTRAKON_CHECKOUT_TIMEOUT_MS     wait for a connection (default: 2000)
///   lock_timeout_ms         OSTRAKON_LOCK_TIMEOUT_MS         wait for a lock (default: 5000)
///   statement_timeout_ms    OSTRAKON_STATEMENT_TIMEOUT_MS    timeout for a statement (default: 10000)
///   app_dir                 OSTRAKON_APP_DIR                 directory of the built app
///   guest_reviews           OSTRAKON_GUEST_REVIEWS           whether guests may review (default: true)
///   pre_moderation          OSTRAKON_PRE_MODERATION          reviews need approval (default: false)
///   public_url              OSTRAKON_PUBLIC_URL              URL that browsers use, as http(s)://…
///   trusted_proxies         OSTRAKON_TRUSTED_PROXIES         proxies whose X-Forwarded-For is trusted
///   sign_ins_per_minute     OSTRAKON_SIGN_INS_PER_MINUTE     per name and network; 0: no limit
///   registrations_per_hour  OSTRAKON_REGISTRATIONS_PER_HOUR  per address; 0: no limit
///   reviews_per_minute      OSTRAKON_REVIEWS_PER_MINUTE      per account or address; 0: no limit
///   secret_key_file         OSTRAKON_SECRET_KEY_FILE         secret key (default: data_dir/secret-key)
///   cache_mib               OSTRAKON_CACHE_MIB               response cache, MiB (default: 16; 0: off)
///   audit_days              OSTRAKON_AUDIT_DAYS              days of audit trail kept (default: 365)
///   log                     OSTRAKON_LOG                     log level or filter, e.g. debug
///
/// Only in the file: `[replicas]`, a list of URLs per database, e.g. reviews-1 = ["postgres://…"].
#[derive(Parser)]
#[command(name = "ostrakon", version, verbatim_doc_comment, max_term_width = 100)]
struct Arguments {
    /// Read this configuration file instead of ./ostrakon.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API, its docs and the app until Ctrl-C
    Serve {
        /// Migrate the databases first; in a new cluster, create them
        #[arg(long)]
        migrate: bool,
    },
    /// Create or update the tables of every database; safe to repeat
    Migrate {
        /// Only this database: default, reviews-1, reviews-2, …
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
        /// Only show the migrations of each database; exit code 1 if any are pending
        #[arg(long)]
        status: bool,
        /// With --status: print JSON
        #[arg(long, requires = "status")]
        json: bool,
    },
    /// Add demo data: 62 products, 5,000 reviews (the same each time), and an admin who can sign in
    /// from this machine only; safe to repeat
    Demo {
        /// Date the reviews up to this day (UTC) instead of up to now, e.g. for pictures
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Option<Until>,
    },
    /// Create and manage accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show the audit trail, newest first: sign-ins and changes to accounts, tokens, products and
    /// settings
    Audit {
        /// Only entries by or about this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only entries with this action, e.g. sign_in_failed
        #[arg(long)]
        action: Option<AuditAction>,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value = "20")]
        limit: NonZero<usize>,
        #[command(flatten)]
        form: Form,
    },
    /// Show the reviews databases, each with its number and share of reviews; add or remove some
    Databases {
        #[command(subcommand)]
        command: Option<rebalance::DatabasesCommand>,
        #[command(flatten)]
        form: Form,
    },
    /// Move buckets between the reviews databases while the service runs
    #[command(subcommand)]
    Rebalance(rebalance::RebalanceCommand),
    /// Show where a review is stored: date, bucket, database, and a command that prints its row
    Locate {
        /// The review's id: 13 characters as in its URL, or the number in its row
        #[arg(value_name = "REVIEW_ID", value_parser = review_id)]
        id: ReviewId,
        #[command(flatten)]
        form: Form,
    },
    /// Recount all ratings and check that each row is in the right bucket and database; exit code 1
    /// and a list of problems if any are found
    Verify {
        #[command(flatten)]
        form: Form,
    },
    /// Back up all databases, without downtime, to a new folder below DIR
    ///
    /// Copies SQLite files and runs pg_dump on PostgreSQL databases, each from one snapshot. The
    /// folder gets its name, the time, when the backup is complete. `ostrakon restore` fills empty
    /// databases from it.
    Backup(backup::BackupArguments),
    /// Restore a backup to empty databases, while no server runs
    ///
    /// Restores all databases or those given by --database, after checking the backup. Restoring
    /// `default` ends all sessions and API tokens. Repeat an interrupted restore to resume it; until
    /// it has finished, its databases can't be served.
    Restore(backup::RestoreArguments),
    /// Move the cluster to the databases of another configuration file, of any engine
    ///
    /// The target needs the same number of databases, all empty. The transfer makes the current
    /// databases read-only for good: servers answer reads and refuse changes. When it has copied and
    /// compared all rows, serve with the other configuration. Repeat an interrupted transfer to
    /// resume it.
    Transfer {
        /// The configuration file of the target; environment variables are ignored
        #[arg(long, value_name = "FILE", required_unless_present = "abandon")]
        to: Option<PathBuf>,
        /// Give up the transfer: make the current databases writable again
        #[arg(long, conflicts_with = "to")]
        abandon: bool,
    },
    /// Print the OpenAPI document as YAML
    Openapi,
}

/// Passwords are read from the terminal, or as one line from standard input.
#[derive(Subcommand)]
enum AccountCommand {
    /// Create an account; prompts for its password
    Create {
        /// The name to sign in with
        name: String,
        /// The role: member, moderator or admin
        #[arg(long, default_value_t = Role::Member)]
        role: Role,
    },
    /// Set a new password; ends the sessions and API tokens of the account
    Password {
        /// The account's name
        name: String,
    },
    /// Disable an account: it can't sign in, its sessions end, its API tokens are refused
    Disable {
        /// The account's name
        name: String,
    },
    /// Enable a disabled account
    Enable {
        /// The account's name
        name: String,
    },
    /// List an account's sessions
    Sessions {
        /// The account's name
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// List an account's API tokens
    Tokens {
        /// The account's name
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// End all sessions and API tokens of an account, or only the given ones
    Revoke {
        /// The account's name
        name: String,
        /// Only the session with this id
        #[arg(long, value_name = "ID")]
        session: Option<CredentialId>,
        /// Only the API token with this id
        #[arg(long, value_name = "ID")]
        token: Option<CredentialId>,
    },
    /// List all accounts
    List {
        #[command(flatten)]
        form: Form,
    },
}

/// The output format of a report.
#[derive(clap::Args)]
struct Form {
    /// Print JSON (see docs/production.md)
    #[arg(long)]
    json: bool,
}

fn review_id(text: &str) -> Result<ReviewId, String> {
    ReviewId::from_text_or_number(text)
        .map_err(|error| format!("{error}, or the number in its row"))
}

/// Why a command exits with an error.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command refuses its input or the state of the databases: exit code 2.
    #[error("{0}")]
    Refused(String),
    /// The command ran and failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The command has printed its findings: exit code 1.
    #[error("")]
    Found,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Refused(error.to_string())
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Failure {
        Failure::Refused(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::RebalanceState(problem) => Failure::Refused(problem),
            error @ (StoreError::NoRebalance | StoreError::DatabaseNotFound(_)) => {
                Failure::Refused(error.to_string())
            }
            StoreError::Invalid(errors) => {
                let details: Vec<_> = errors.into_iter().map(|error| error.detail).collect();
                Failure::Refused(details.join(" "))
            }
            error => Failure::Failed(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let done = execute(arguments);
    let lost = output::finish().map_err(unwritten).err();
    let failures = [done.err(), lost].into_iter().flatten();
    failures.map(|failure| report(&failure)).max().map_or(ExitCode::SUCCESS, ExitCode::from)
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::Failed(format!("standard output: {error}"))
}

/// Prints why a command failed; returns its exit code.
fn report(failure: &Failure) -> u8 {
    for line in failure.to_string().lines() {
        output::complain(format_args!("error: {line}"));
    }
    if matches!(failure, Failure::Refused(_)) { 2 } else { 1 }
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    start_log(&config.log)?;
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    match arguments.command {
        Command::Serve { migrate } => commands::serve(&config, migrate),
        Command::Migrate { database, status: false, .. } => {
            commands::migrate(&config, database.as_deref())
        }
        Command::Migrate { database, status: true, json } => {
            reports::migration_status(&config, database.as_deref(), json)
        }
        Command::Demo { until } => commands::demo(&config, until.unwrap_or_else(Until::now)),
        Command::Account(command) => accounts::account(&config, command),
        Command::Audit { account, action, limit, form } => {
            audit::audit(&config, account.as_deref(), action, limit, form.json)
        }
        Command::Databases { command: Some(command), .. } => rebalance::databases(&config, command),
        Command::Databases { command: None, form } => reports::databases(&config, form.json),
        Command::Rebalance(command) => rebalance::rebalance(&config, command),
        Command::Locate { id, form } => reports::locate(&config, id, form.json),
        Command::Verify { form } => reports::verify(&config, form.json),
        Command::Backup(arguments) => backup::backup(&config, arguments),
        Command::Restore(arguments) => backup::restore(&config, &arguments),
        Command::Transfer { to: Some(to), .. } => transfer::transfer(&config, &to),
        Command::Transfer { to: None, .. } => transfer::abandon(&config),
        Command::Openapi => commands::openapi(),
    }
}

fn start_log(directives: &str) -> Result<(), Failure> {
    let refused = |error| Failure::Refused(format!("log (OSTRAKON_LOG): {error}"));
    let mut filter = EnvFilter::try_new(directives).map_err(refused)?;
    if !directives.contains(CLIENT_LOG_TARGET) {
        filter = filter.add_directive(format!("{CLIENT_LOG_TARGET}=off").parse().map_err(refused)?);
    }
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .init();
    Ok(())
}

/// Prints help as it is, and a mistake as one line.
fn usage(error: &clap::Error) -> ExitCode {
    let rendered = error.render();
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::keep(error.print());
        return match output::finish().map_err(unwritten) {
            Ok(()) => ExitCode::from(if is_help { 0 } else { 2 }),
            Err(failure) => ExitCode::from(report(&failure)),
        };
    }
    let text = rendered.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let mistake: Vec<_> = lines.filter(|l| !l.is_empty() && !l.starts_with("For more")).collect();
    output::complain(format_args!("{} (see --help)", mistake.join(" ")));
    ExitCode::from(2)
}
