//! The command line: arguments, exit codes, what is printed where.
//!
//! Exit code 0: done. 1: it failed, or `verify` found something. 2: the arguments, the
//! configuration or the databases are not what they must be.

mod accounts;
mod audit;
mod backup;
mod commands;
mod output;
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
use crate::http::CLIENT_LOG_TARGET;
use crate::store::{SetupError, StoreError};

/// Product reviews on shards: a JSON API, its app, and its docs.
///
/// Without any configuration, reviews are spread over three SQLite files in ./data, and served
/// on http://127.0.0.1:8080. A TOML file (./ostrakon.toml) and the environment choose otherwise:
///
///   data_dir                OSTRAKON_DATA_DIR                folder of the SQLite files
///   listen                  OSTRAKON_LISTEN                  address and port to serve on
///   reviews_databases       OSTRAKON_REVIEWS_DATABASES       reviews databases of a new cluster
///   spread                  OSTRAKON_SPREAD                  home buckets a product has there
///   default_url             OSTRAKON_DEFAULT_URL             postgres://… instead of a file
///   reviews_urls            OSTRAKON_REVIEWS_URLS            the same, reviews-1 first, by commas
///   database_password_file  OSTRAKON_DATABASE_PASSWORD_FILE  password for URLs without one
///   reads                   OSTRAKON_READS                   from primary or replica: primary
///   max_replica_lag_ms      OSTRAKON_MAX_REPLICA_LAG_MS      how late a replica may be: 1000
///   read_connections        OSTRAKON_READ_CONNECTIONS        reading ones, by database: 4
///   write_connections       OSTRAKON_WRITE_CONNECTIONS       writing ones, to PostgreSQL: 4
///   checkout_timeout_ms     OSTRAKON_CHECKOUT_TIMEOUT_MS     wait for a free one: 2000
///   lock_timeout_ms         OSTRAKON_LOCK_TIMEOUT_MS         wait for a lock: 5000
///   statement_timeout_ms    OSTRAKON_STATEMENT_TIMEOUT_MS    a statement, a read: 10000
///   app_dir                 OSTRAKON_APP_DIR                 folder of the built app
///   guest_reviews           OSTRAKON_GUEST_REVIEWS           whether guests may review: true
///   pre_moderation          OSTRAKON_PRE_MODERATION          whether reviews wait: false
///   public_url              OSTRAKON_PUBLIC_URL              how browsers reach it, as http(s)://…
///   trusted_proxies         OSTRAKON_TRUSTED_PROXIES         whose X-Forwarded-For to believe
///   sign_ins_per_minute     OSTRAKON_SIGN_INS_PER_MINUTE     by name and network; 0: no limit
///   registrations_per_hour  OSTRAKON_REGISTRATIONS_PER_HOUR  by address; 0: no limit
///   reviews_per_minute      OSTRAKON_REVIEWS_PER_MINUTE      by account or address; 0: no limit
///   secret_key_file         OSTRAKON_SECRET_KEY_FILE         its key: data_dir/secret-key
///   cache_mib               OSTRAKON_CACHE_MIB               memory for answers in MiB: 16; 0: none
///   audit_days              OSTRAKON_AUDIT_DAYS              days the audit trail is kept: 365
///   log                     OSTRAKON_LOG                     what to log, e.g. debug
///
/// In the file only: `[replicas]`, with lists of URLs by database, e.g. reviews-1 = ["postgres://…"].
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
    /// Serve API, docs and app until Ctrl-C
    Serve {
        /// Migrate the databases first, creating what is missing in a new cluster
        #[arg(long)]
        migrate: bool,
    },
    /// Create or update the tables of every database; safe to repeat
    Migrate {
        /// Only this database: default, reviews-1, reviews-2, …
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
        /// Change nothing, show which migrations each database has; exit code 1 if any lacks some
        #[arg(long)]
        status: bool,
        /// With --status: print one JSON document
        #[arg(long, requires = "status")]
        json: bool,
    },
    /// Fill in the demo: 62 products and 5,000 reviews, the same ones every time, and an admin who
    /// can sign in on this machine only; safe to repeat
    Demo,
    /// Create accounts, and change them
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show the audit trail, the newest first: sign-ins, and changes of accounts, tokens, products
    /// and settings
    Audit {
        /// Only what this account has done, or what was done to it
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only what was done in this way, e.g. sign_in_failed
        #[arg(long)]
        action: Option<AuditAction>,
        /// Entries at most
        #[arg(long, value_name = "N", default_value = "20")]
        limit: NonZero<usize>,
        #[command(flatten)]
        form: Form,
    },
    /// Show what each reviews database holds, and its share of all reviews
    Databases {
        #[command(flatten)]
        form: Form,
    },
    /// Show where a review lives: date, bucket, database, and how to look at its row
    Locate {
        /// The review's id, 13 characters as in its link, or the number in its row
        #[arg(value_name = "REVIEW_ID", value_parser = review_id)]
        id: ReviewId,
        #[command(flatten)]
        form: Form,
    },
    /// Recount all ratings and check that every row lies where its hash says; exit code 1 and a
    /// list of findings if something is wrong
    Verify {
        #[command(flatten)]
        form: Form,
    },
    /// Save all databases while they are served, in a new folder below DIR
    ///
    /// SQLite files are copied, PostgreSQL databases saved by pg_dump, each at one moment. The
    /// folder is named by the time, and is whole when it has that name. `ostrakon restore` fills
    /// empty databases from it.
    Backup(backup::BackupArguments),
    /// Fill empty databases from a backup, while nothing is served
    ///
    /// All databases, or only those that are named. The backup is checked first. Sessions and API
    /// tokens end when `default` is restored. A restore that was interrupted goes on when it is
    /// repeated, and until then nothing of it can be served.
    Restore(backup::RestoreArguments),
    /// Move the cluster to the databases that another configuration file names, of any engines
    ///
    /// They must be empty, and as many. From the beginning the databases of the current
    /// configuration are read-only, and stay so: servers answer reads, and refuse changes. When
    /// all rows are copied and compared, serve with the other configuration. A run that was
    /// interrupted goes on when it is repeated.
    Transfer {
        /// The configuration file that names the target; the environment has no say in it
        #[arg(long, value_name = "FILE", required_unless_present = "abandon")]
        to: Option<PathBuf>,
        /// Give up: make the databases of the current configuration writable again
        #[arg(long, conflicts_with = "to")]
        abandon: bool,
    },
    /// Print the OpenAPI document as YAML
    Openapi,
}

/// Passwords are asked for on a terminal; otherwise they are one line of standard input.
#[derive(Subcommand)]
enum AccountCommand {
    /// Create an account, with a password that is asked for
    Create {
        /// The name to sign in with
        name: String,
        /// What it may do: member, moderator or admin
        #[arg(long, default_value_t = Role::Member)]
        role: Role,
    },
    /// Give an account a new password, which is asked for; its sessions and API tokens end
    Password {
        /// The account's name
        name: String,
    },
    /// Shut an account: it can't sign in, its sessions end, its API tokens are refused
    Disable {
        /// The account's name
        name: String,
    },
    /// Open an account that was shut
    Enable {
        /// The account's name
        name: String,
    },
    /// Show where an account is signed in
    Sessions {
        /// The account's name
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Show an account's API tokens
    Tokens {
        /// The account's name
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// End all sessions and API tokens of an account, or those that are named
    Revoke {
        /// The account's name
        name: String,
        /// Only this session, by its id
        #[arg(long, value_name = "ID")]
        session: Option<CredentialId>,
        /// Only this API token, by its id
        #[arg(long, value_name = "ID")]
        token: Option<CredentialId>,
    },
    /// Show all accounts
    List {
        #[command(flatten)]
        form: Form,
    },
}

/// How a report is printed.
#[derive(clap::Args)]
struct Form {
    /// Print one JSON document (see docs/production.md)
    #[arg(long)]
    json: bool,
}

fn review_id(text: &str) -> Result<ReviewId, String> {
    ReviewId::from_text_or_number(text)
        .map_err(|error| format!("{error}, or the number in its row"))
}

/// Why a command ends early.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// What is there is not what it must be: exit code 2.
    #[error("{0}")]
    Refused(String),
    /// It was tried, and failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The command has printed what it found: exit code 1.
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

/// Runs the program with this process's arguments.
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

/// Says why a command has failed; returns its exit code.
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
        Command::Demo => commands::demo(&config),
        Command::Account(command) => accounts::account(&config, command),
        Command::Audit { account, action, limit, form } => {
            audit::audit(&config, account.as_deref(), action, limit, form.json)
        }
        Command::Databases { form } => reports::databases(&config, form.json),
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

/// Help goes out as it is; a mistake becomes one line.
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
