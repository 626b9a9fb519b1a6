//! Known devices, which have signed in before. Each has its own rate limit for signing in, so that
//! wrong passwords from elsewhere don't lock out the account's owner.
//!
//! The device cookie has a random id and, for each account that has signed in there, an HMAC of id
//! and name. It proves nothing else: signing in still needs the password.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::http::cookie;
use crate::http::secret_key::SecretKey;
use crate::http::settings::Settings;
use crate::text::name_key;

/// The maximum number of accounts of a device; the least recently used one is removed.
const MAX_ACCOUNTS: usize = 8;
/// The purpose of the HMAC.
const PURPOSE: &str = "device";
/// The length of an id and of a tag: 128 bits in base64.
const LENGTH: usize = 22;

/// A device, from its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    id: String,
    /// The newest first.
    tags: Vec<String>,
}

impl Device {
    /// The device of the request; `None` without a valid cookie.
    pub fn of(request: &HttpRequest, settings: &Settings) -> Option<Device> {
        Device::parse(&cookie::device(request, settings)?)
    }

    /// `Set-Cookie` that adds the account with this name to the device of the request.
    pub fn remember(
        request: &HttpRequest,
        settings: &Settings,
        name: &str,
    ) -> Result<HeaderValue, getrandom::Error> {
        let mut device = match Device::of(request, settings) {
            Some(device) => device,
            None => Device { id: new_id()?, tags: Vec::new() },
        };
        let tag = tag(&settings.secret_key, &device.id, name);
        device.tags.retain(|known| *known != tag);
        device.tags.insert(0, tag);
        device.tags.truncate(MAX_ACCOUNTS);
        Ok(cookie::set_device(settings, &device.to_text()))
    }

    /// Its id, if the account with this name has signed in on it.
    pub fn id_for(&self, name: &str, key: &SecretKey) -> Option<&str> {
        let name_key = name_key(name);
        let is_valid = |tag: &String| {
            let tag = BASE64_URL_SAFE_NO_PAD.decode(tag);
            tag.is_ok_and(|tag| key.is_tag(PURPOSE, &[&self.id, &name_key], &tag))
        };
        self.tags.iter().any(is_valid).then_some(self.id.as_str())
    }

    fn parse(text: &str) -> Option<Device> {
        let mut parts = text.split('.').map(str::to_owned);
        let id = parts.next()?;
        let tags: Vec<_> = parts.take(MAX_ACCOUNTS).collect();
        let fits =
            |part: &String| part.len() == LENGTH && BASE64_URL_SAFE_NO_PAD.decode(part).is_ok();
        (fits(&id) && tags.iter().all(fits)).then_some(Device { id, tags })
    }

    fn to_text(&self) -> String {
        [std::slice::from_ref(&self.id), &self.tags].concat().join(".")
    }
}

fn new_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn tag(key: &SecretKey, id: &str, name: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.tag(PURPOSE, &[id, &name_key(name)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    fn sign_in(settings: &Settings, cookie: &str, name: &str) -> String {
        let request = TestRequest::default().cookie(Cookie::new("ostrakon_device", cookie));
        let given = Device::remember(&request.to_http_request(), settings, name).unwrap();
        let given = given.to_str().unwrap();
        given.split(['=', ';']).nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_device_is_known_to_its_accounts_alone() {
        let settings = Settings::for_tests();
        let other = "another key of 32 characters here".parse().unwrap();
        let cookie = sign_in(&settings, "", "Aspasia");
        let device = Device::parse(&cookie).unwrap();
        let id = Some(device.id.as_str());
        assert_eq!(device.id_for("aspasia", &settings.secret_key), id);
        assert_eq!(device.id_for("pericles", &settings.secret_key), None);
        assert_eq!(device.id_for("aspasia", &other), None);
        let stolen = Device { id: new_id().unwrap(), ..device.clone() };
        assert_eq!(stolen.id_for("aspasia", &settings.secret_key), None, "a tag of another id");

        let both = Device::parse(&sign_in(&settings, &cookie, "pericles")).unwrap();
        for name in ["aspasia", "pericles"] {
            assert_eq!(both.id_for(name, &settings.secret_key), id);
        }
        let again = Device::parse(&sign_in(&settings, &both.to_text(), "ASPASIA")).unwrap();
        assert_eq!(again.tags.len(), 2);
        let mut many = again.to_text();
        for number in 0..MAX_ACCOUNTS {
            many = sign_in(&settings, &many, &format!("name-{number}"));
        }
        let many = Device::parse(&many).unwrap();
        assert_eq!((many.id, many.tags.len()), (device.id, MAX_ACCOUNTS));
    }

    #[test]
    fn invalid_cookies_are_no_device() {
        let id = "A".repeat(LENGTH);
        assert!(Device::parse(&id).is_some());
        for bad in ["", "x", &id[1..], &format!("{id}.x"), &format!("{id}."), &"%".repeat(LENGTH)] {
            assert_eq!(Device::parse(bad), None, "{bad}");
        }
    }
}
