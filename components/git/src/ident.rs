//! Who and when: identities for commits, and dates as git prints them.

use gix::bstr::{BStr, BString, ByteSlice};
use gix::date::Time;
use gix::date::time::{CustomFormat, format};

use crate::error::{Error, Result, fatal};
use crate::session::Session;

/// A name, an address, a moment.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name.
    pub name: BString,
    /// The address.
    pub email: BString,
    /// The moment, with the offset of its zone.
    pub time: Time,
}

impl Person {
    /// As objects hold it.
    pub fn line(&self) -> BString {
        let mut line = self.who();
        line.extend_from_slice(format!(" {}", raw(self.time)).as_bytes());
        line
    }

    /// `Name <address>`.
    pub fn who(&self) -> BString {
        let mut line = self.name.clone();
        line.extend_from_slice(b" <");
        line.extend_from_slice(&self.email);
        line.push(b'>');
        line
    }

    /// Reads the form that objects hold; what is damaged there is left empty.
    pub fn parse(line: &BStr) -> Person {
        let mut person =
            Person { name: BString::default(), email: BString::default(), time: Time::default() };
        let Some(open) = line.find_byte(b'<') else {
            person.name = line.trim().into();
            return person;
        };
        person.name = line[..open].trim().into();
        let rest = &line[open + 1..];
        let close = rest.rfind_byte(b'>').unwrap_or(rest.len());
        person.email = rest[..close].into();
        if let Ok(text) = rest.get(close + 1..).unwrap_or_default().to_str()
            && let Some(time) = gix::date::parse_header(text.trim())
        {
            person.time = time;
        }
        person
    }
}

/// Seconds and zone as objects hold them.
pub fn raw(time: Time) -> String {
    let minutes = time.offset.abs() / 60;
    let sign = if time.offset < 0 { '-' } else { '+' };
    format!("{} {sign}{:02}{:02}", time.seconds, minutes / 60, minutes % 60)
}

/// This moment.
pub fn now() -> Time {
    Time::now_local_or_utc()
}

/// Reads a date that a user wrote.
pub fn parse_date(text: &BStr) -> Option<Time> {
    let text = text.to_str().ok()?.trim();
    let now = now();
    if text == "now" {
        return Some(now);
    }
    let relative = text.replace(['.', '_'], " ");
    let zoned = now.to_zoned().ok();
    gix::date::parse(text, zoned.clone())
        .ok()
        .or_else(|| gix::date::parse(&relative, zoned.clone()).ok())
        .or_else(|| {
            // A day alone means that day at this time of day.
            let day = gix::date::parse(&format!("{text} 00:00:00 +0000"), zoned).ok()?;
            Some(Time { seconds: day.seconds + now.seconds.rem_euclid(86_400), offset: now.offset })
        })
}

fn clean(text: &BStr) -> BString {
    let crud = |byte: u8| byte <= b' ' || b".,:;<>\"\\'".contains(&byte);
    let start = text.iter().position(|byte| !crud(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !crud(*byte)).map_or(start, |at| at + 1);
    text[start..end].iter().copied().filter(|byte| !b"<>\n".contains(byte)).collect::<Vec<u8>>().into()
}

fn variable(name: &str) -> Option<BString> {
    let value = std::env::var_os(name)?;
    gix::path::os_string_into_bstring(value).ok()
}

/// Which of the two that a commit names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Who wrote it.
    Author,
    /// Who put it in.
    Committer,
}

/// The identity that environment and configuration give.
pub fn person(session: &Session<'_>, role: Role) -> Result<Person> {
    let (upper, lower) = match role {
        Role::Author => ("AUTHOR", "author"),
        Role::Committer => ("COMMITTER", "committer"),
    };
    let unknown = |reason: String| {
        let who = if role == Role::Author { "Author" } else { "Committer" };
        Error::Text(
            format!(
                "{who} identity unknown\n\n*** Please tell me who you are.\n\nRun\n\n  \
                 git config --global user.email \"you@example.com\"\n  \
                 git config --global user.name \"Your Name\"\n\n\
                 to set your account's default identity.\n\
                 Omit --global to set the identity only in this repository.\n\nfatal: {reason}\n"
            ),
            128,
        )
    };
    let account =
        || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "user".into());
    let email = variable(&format!("GIT_{upper}_EMAIL"))
        .or_else(|| session.config(&format!("{lower}.email")))
        .or_else(|| session.config("user.email"))
        .or_else(|| variable("EMAIL").filter(|email| !email.is_empty()));
    let Some(email) = email else {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".into());
        return Err(unknown(format!(
            "unable to auto-detect email address (got '{}@{host}.(none)')",
            account()
        )));
    };
    let name = variable(&format!("GIT_{upper}_NAME"))
        .or_else(|| session.config(&format!("{lower}.name")))
        .or_else(|| session.config("user.name"));
    let email = clean(email.as_bstr());
    let name = clean(name.unwrap_or_else(|| account().into()).as_bstr());
    if name.is_empty() {
        return Err(unknown(format!("empty ident name (for <{email}>) not allowed")));
    }
    let time = match variable(&format!("GIT_{upper}_DATE")).filter(|date| !date.is_empty()) {
        Some(date) => parse_date(date.as_bstr()).ok_or_else(|| fatal!("invalid date format: {date}"))?,
        None => now(),
    };
    Ok(Person { name, email, time })
}

/// How a date is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// `Thu Jan 1 00:00:00 1970 +0000`.
    #[default]
    Default,
    /// The default without a zone, in this zone.
    Local,
    /// `1970-01-01 00:00:00 +0000`.
    Iso,
    /// `1970-01-01T00:00:00Z`.
    IsoStrict,
    /// As in mail.
    Rfc,
    /// The day.
    Short,
    /// `2 days ago`.
    Relative,
    /// Seconds and zone.
    Raw,
    /// Seconds.
    Unix,
    /// strftime's.
    Custom(String),
}

impl DateStyle {
    /// Reads the value of `--date`.
    pub fn parse(text: &BStr) -> Result<DateStyle> {
        let text = text.to_str_lossy();
        let plain = text.strip_suffix("-local").unwrap_or(&text);
        Ok(match plain {
            "default" | "normal" => DateStyle::Default,
            "local" => DateStyle::Local,
            "iso" | "iso8601" => DateStyle::Iso,
            "iso-strict" | "iso8601-strict" => DateStyle::IsoStrict,
            "rfc" | "rfc2822" => DateStyle::Rfc,
            "short" => DateStyle::Short,
            "relative" => DateStyle::Relative,
            "raw" => DateStyle::Raw,
            "unix" => DateStyle::Unix,
            other => match other.strip_prefix("format:").or_else(|| other.strip_prefix("format-local:")) {
                Some(format) => DateStyle::Custom(format.to_owned()),
                None => return Err(fatal!("unknown date format {text}")),
            },
        })
    }

    /// Prints a moment.
    pub fn show(&self, time: Time) -> String {
        let custom = |format: CustomFormat| time.format_or_unix(format);
        match self {
            DateStyle::Default => custom(format::DEFAULT),
            DateStyle::Local => {
                let local = Time { offset: now().offset, ..time };
                local.format_or_unix(CustomFormat::new("%a %b %-d %H:%M:%S %Y"))
            }
            DateStyle::Iso => custom(format::ISO8601),
            DateStyle::IsoStrict if time.offset == 0 => custom(CustomFormat::new("%Y-%m-%dT%H:%M:%SZ")),
            DateStyle::IsoStrict => custom(format::ISO8601_STRICT),
            DateStyle::Rfc => custom(format::GIT_RFC2822),
            DateStyle::Short => custom(format::SHORT),
            DateStyle::Relative => relative(time.seconds),
            DateStyle::Raw => raw(time),
            DateStyle::Unix => time.seconds.to_string(),
            DateStyle::Custom(pattern) => match time.to_zoned() {
                Ok(zoned) => zoned.strftime(pattern).to_string(),
                Err(_) => time.seconds.to_string(),
            },
        }
    }
}

fn relative(seconds: i64) -> String {
    let gone = now().seconds - seconds;
    if gone < 0 {
        return "in the future".into();
    }
    let many = |count: i64, unit: &str| format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" });
    let minutes = (gone + 30) / 60;
    let hours = (minutes + 30) / 60;
    let days = (hours + 12) / 24;
    if gone < 90 {
        many(gone, "second")
    } else if minutes < 90 {
        many(minutes, "minute")
    } else if hours < 36 {
        many(hours, "hour")
    } else if days < 14 {
        many(days, "day")
    } else if days < 70 {
        many((days + 3) / 7, "week")
    } else if days < 365 {
        many((days + 15) / 30, "month")
    } else if days < 1825 {
        let total = (days * 12 * 2 + 365) / (365 * 2);
        let (years, months) = (total / 12, total % 12);
        let year = format!("{years} year{}", if years == 1 { "" } else { "s" });
        if months > 0 { format!("{year}, {}", many(months, "month")) } else { format!("{year} ago") }
    } else {
        many((days + 183) / 365, "year")
    }
}
