//! Variables of the environment that begin with `OSTRAKON_` but are no settings.

/// The similarity from which an unknown key counts as a misspelt one, from 0 to 1.
const ALIKE: f64 = 0.85;

/// Names of other programs for some of our keys.
const ELSEWHERE: [(&str, &str); 9] = [
    ("port", "listen"),
    ("host", "listen"),
    ("bind", "listen"),
    ("address", "listen"),
    ("database_url", "default_url"),
    ("postgres_url", "default_url"),
    ("log_level", "log"),
    ("rust_log", "log"),
    ("base_url", "public_url"),
];

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// Whether Kubernetes or Docker sets this variable, named without our prefix, for a service or a
/// linked container that is called `ostrakon` or `ostrakon-…`.
///
/// Kubernetes:
/// <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>, which
/// are those of Docker's links and `…_SERVICE_HOST`, `…_SERVICE_PORT` and
/// `…_SERVICE_PORT_<name>`.
pub(super) fn is_injected(key: &str, value: &str) -> bool {
    let words: Vec<&str> = key.split('_').collect();
    // OSTRAKON_PORT=9000 may be a mistaken setting; injected values are URLs.
    let is_url = PROTOCOLS.iter().any(|protocol| value.starts_with(&format!("{protocol}://")));
    let is_service = |words: &[&str]| words == ["service", "host"] || words == ["service", "port"];
    let is_port = |words: &[&str]| {
        words[0] == "port" && words[1].parse::<u16>().is_ok() && PROTOCOLS.contains(&words[2])
    };
    let (last, before) = words.split_last().unwrap_or((&"", &[]));
    words.windows(2).any(is_service)
        || words.windows(3).any(is_port)
        || (*last == "port" && is_url)
        || (*last == "name" && value.starts_with('/'))
        || before.contains(&"env")
}

/// The key among `known` that was probably meant.
pub(super) fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let ours = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == key).map(|(_, ours)| *ours);
    if let Some(known) = known.iter().find(|known| ours == Some(known.as_str())) {
        return Some(known);
    }
    let alike = known.iter().map(|known| (strsim::jaro_winkler(key, known), known.as_str()));
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (nearest.0 >= ALIKE).then_some(nearest.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_and_docker_are_recognized() {
        for (key, value) in [
            ("service_host", "10.96.0.7"),
            ("service_port", "80"),
            ("service_port_http", "80"),
            ("port", "tcp://10.96.0.7:80"),
            ("port_80_tcp", "tcp://10.96.0.7:80"),
            ("port_80_tcp_proto", "tcp"),
            ("port_80_tcp_port", "80"),
            ("port_80_tcp_addr", "10.96.0.7"),
            ("port_53_udp", "udp://10.96.0.7:53"),
            ("db_default_service_host", "10.96.0.8"),
            ("db_default_port", "tcp://10.96.0.8:5432"),
            ("db_default_port_5432_tcp_addr", "10.96.0.8"),
            ("db_default_port_5432_tcp_port", "5432"),
            ("name", "/shop/ostrakon"),
            ("env_lang", "C"),
            ("db_env_pgdata", "/data"),
        ] {
            assert!(is_injected(key, value), "{key}");
        }
        for (key, value) in [
            ("port", "9000"),
            ("listen_port", "9000"),
            ("port_number", "9000"),
            ("name", "ostrakon"),
            ("import", "tcp://10.96.0.7:80"),
            ("selfservice_host", "a"),
            ("reviews_database", "3"),
        ] {
            assert!(!is_injected(key, value), "{key}");
        }
    }

    #[test]
    fn unknown_keys_suggest_a_similar_one() {
        let known = ["listen", "public_url", "trusted_proxies", "reviews_databases"];
        let known = known.map(str::to_owned);
        for (key, expected) in [
            ("listen_address", Some("listen")),
            ("trusted_proxy", Some("trusted_proxies")),
            ("review_databases", Some("reviews_databases")),
            ("publicurl", Some("public_url")),
            ("port", Some("listen")),
            ("host", Some("listen")),
            ("base_url", Some("public_url")),
            ("database_url", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(key, &known), expected, "{key}");
        }
    }
}
