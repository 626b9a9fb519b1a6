//! The values of the file and the environment, by their keys.

use std::collections::HashMap;

use config::Value;

use crate::config::{ENVIRONMENT_PREFIX, environment};
use crate::http::TrustedProxies;
use crate::shard::{BUCKETS, Spread};

/// The values that have not been read yet, and the problems found so far.
pub(super) struct Keys {
    pub file: String,
    pub values: HashMap<String, Value>,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    /// The keys that were read; in the end, all keys.
    pub known: Vec<String>,
}

impl Keys {
    pub fn new(file: String, values: HashMap<String, Value>) -> Keys {
        Keys { file, values, problems: Vec::new(), warnings: Vec::new(), known: Vec::new() }
    }

    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.known.push(key.to_owned());
        self.values.remove(key)
    }

    pub fn text(&mut self, key: &str, default: &str) -> String {
        self.parsed(key, default, "a text")
    }

    pub fn parsed<T: std::str::FromStr>(&mut self, key: &str, default: &str, what: &str) -> T
    where
        T::Err: std::fmt::Debug,
    {
        let default = || default.parse().expect("defaults are valid: a test loads them");
        self.optional(key, what).unwrap_or_else(default)
    }

    pub fn optional<T: std::str::FromStr>(&mut self, key: &str, what: &str) -> Option<T> {
        let value = self.take(key)?;
        let source = self.source(key, &value);
        let text = value.into_string().ok().filter(|text| !text.is_empty());
        let parsed = text.and_then(|text| text.parse().ok());
        if parsed.is_none() {
            self.problems.push(format!("{source}: this must be {what}"));
        }
        parsed
    }

    pub fn trusted_proxies(&mut self) -> TrustedProxies {
        let what = "IP addresses and networks like 10.0.0.0/8, with commas between them";
        self.optional("trusted_proxies", what).unwrap_or_default()
    }

    pub fn number<T: TryFrom<i64>>(&mut self, key: &str, default: T, min: i64, max: i64) -> T {
        let Some(value) = self.take(key) else { return default };
        let source = self.source(key, &value);
        let number = whole_number(value).filter(|number| (min..=max).contains(number));
        number.and_then(|number| T::try_from(number).ok()).unwrap_or_else(|| {
            let problem = format!("{source}: this must be a whole number from {min} to {max}");
            self.problems.push(problem);
            default
        })
    }

    pub fn spread(&mut self) -> Option<Spread> {
        let value = self.take("spread")?;
        let source = self.source("spread", &value);
        let number = whole_number(value).and_then(|number| u16::try_from(number).ok());
        let spread = number.and_then(Spread::new);
        if spread.is_none() {
            self.problems
                .push(format!("{source}: this must be a power of two from 1 to {BUCKETS}"));
        }
        spread
    }

    /// The source of a value: its file and key, or its variable.
    pub fn source(&self, key: &str, value: &Value) -> String {
        if is_of_environment(value) {
            format!("environment: {}", variable(key))
        } else {
            format!("{}: {key}", self.file)
        }
    }

    /// Refuses unknown keys of the file. Unknown variables of the environment are returned as
    /// warnings, unless Kubernetes or Docker sets them.
    pub fn sort_out_unknown(&mut self) -> Vec<String> {
        let (mut warnings, mut problems) = (Vec::new(), Vec::new());
        for (key, value) in &self.values {
            let of_environment = is_of_environment(value);
            let text = value.clone().into_string().unwrap_or_default();
            if of_environment && environment::is_injected(key, &text) {
                continue;
            }
            let nearest = environment::nearest(key, &self.known);
            let nearest = nearest
                .map(|known| if of_environment { variable(known) } else { known.to_owned() });
            let hint = nearest.map_or_else(String::new, |known| format!(", did you mean {known}?"));
            let line = format!("{}: unknown{hint}", self.source(key, value));
            if of_environment { &mut warnings } else { &mut problems }.push(line);
        }
        warnings.sort();
        problems.sort();
        self.problems.append(&mut problems);
        warnings
    }
}

pub(super) fn is_of_environment(value: &Value) -> bool {
    matches!(value.origin(), None | Some("the environment"))
}

pub(super) fn variable(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}_{}", key.to_uppercase())
}

/// `Value::into_int` would read 4.5 as 4, and true as 1.
pub(super) fn whole_number(value: Value) -> Option<i64> {
    value.into_string().ok()?.parse().ok()
}
