//! What `curl` tells of a transfer: `--write-out`, and the progress meter.

use bstr::ByteSlice;
use serde_json::json;
use wasmsh_os::Header;

use crate::http;

/// What is known of a transfer when it is over.
#[derive(Default)]
pub(super) struct Report {
    pub(super) url: String,
    pub(super) effective: String,
    pub(super) method: String,
    pub(super) status: u16,
    pub(super) headers: Vec<Header>,
    pub(super) header_bytes: u64,
    pub(super) downloaded: u64,
    pub(super) uploaded: u64,
    pub(super) request_bytes: u64,
    pub(super) redirects: u32,
    pub(super) redirect_url: String,
    pub(super) nanoseconds: u64,
    pub(super) start_nanoseconds: u64,
    pub(super) file: String,
    pub(super) number: usize,
    pub(super) code: u8,
    pub(super) message: String,
    pub(super) retries: u32,
}

/// Names without a value of their own here.
const TIMES: &[&str] =
    &["time_appconnect", "time_connect", "time_namelookup", "time_pretransfer", "time_redirect"];

impl Report {
    fn seconds(&self) -> f64 {
        self.nanoseconds as f64 / 1e9
    }

    fn speed(&self, bytes: u64) -> u64 {
        if self.nanoseconds == 0 { bytes } else { (bytes as f64 / self.seconds()) as u64 }
    }

    fn content_type(&self) -> Option<String> {
        http::header(&self.headers, "content-type").map(|value| value.to_str_lossy().into_owned())
    }

    fn value(&self, name: &str) -> Option<String> {
        Some(match name {
            "http_code" | "response_code" => format!("{:03}", self.status),
            "http_connect" => "000".into(),
            "http_version" => if self.status == 0 { "0" } else { "1.1" }.into(),
            "url" => self.url.clone(),
            "url_effective" => self.effective.clone(),
            "urlnum" => self.number.to_string(),
            "method" => self.method.clone(),
            "content_type" => self.content_type().unwrap_or_default(),
            "size_download" => self.downloaded.to_string(),
            "size_upload" => self.uploaded.to_string(),
            "size_header" => self.header_bytes.to_string(),
            "size_request" => self.request_bytes.to_string(),
            "speed_download" => self.speed(self.downloaded).to_string(),
            "speed_upload" => self.speed(self.uploaded).to_string(),
            "num_redirects" => self.redirects.to_string(),
            "num_connects" => u32::from(self.status > 0).to_string(),
            "num_headers" => self.headers.len().to_string(),
            "num_retries" => self.retries.to_string(),
            "redirect_url" => self.redirect_url.clone(),
            "filename_effective" => self.file.clone(),
            "time_total" => format!("{:.6}", self.seconds()),
            "time_starttransfer" => format!("{:.6}", self.start_nanoseconds as f64 / 1e9),
            "exitcode" => self.code.to_string(),
            "errormsg" => self.message.clone(),
            "scheme" => self.effective.split("://").next().unwrap_or_default().to_ascii_uppercase(),
            "remote_ip" | "local_ip" | "ftp_entry_path" | "certs" | "referer" => String::new(),
            "remote_port" | "local_port" | "ssl_verify_result" | "proxy_ssl_verify_result" | "num_certs" => {
                "0".into()
            }
            "json" => self.json(),
            "header_json" => self.header_json(),
            name if TIMES.contains(&name) => "0.000000".into(),
            _ => return None,
        })
    }

    fn json(&self) -> String {
        let file = (!self.file.is_empty()).then_some(&self.file);
        let message = (self.code != 0).then_some(&self.message);
        let redirect = (!self.redirect_url.is_empty()).then_some(&self.redirect_url);
        json!({
            "content_type": self.content_type(),
            "errormsg": message,
            "exitcode": self.code,
            "filename_effective": file,
            "http_code": self.status,
            "method": self.method,
            "num_headers": self.headers.len(),
            "num_redirects": self.redirects,
            "redirect_url": redirect,
            "response_code": self.status,
            "size_download": self.downloaded,
            "size_header": self.header_bytes,
            "size_request": self.request_bytes,
            "size_upload": self.uploaded,
            "speed_download": self.speed(self.downloaded),
            "time_total": self.seconds(),
            "url": self.url,
            "url_effective": self.effective,
            "urlnum": self.number,
        })
        .to_string()
    }

    fn header_json(&self) -> String {
        let mut map = serde_json::Map::new();
        // In the order in which they came.
        let mut names: Vec<String> = Vec::new();
        for header in &self.headers {
            let name = header.name.to_ascii_lowercase();
            if !map.contains_key(&name) {
                names.push(name.clone());
            }
            let values = map.entry(name).or_insert_with(|| json!([]));
            if let Some(values) = values.as_array_mut() {
                values.push(json!(header.value.to_str_lossy()));
            }
        }
        let member = |(name, values): (&String, &serde_json::Value)| format!("{}:{values}", json!(name));
        let names: Vec<String> =
            names.iter().filter_map(|name| map.get_key_value(name)).map(member).collect();
        format!("{{{}\n}}", names.join(",\n"))
    }

    /// Fills a format of `--write-out`; what goes to standard output, and what to standard error.
    pub(super) fn write_out(&self, format: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut outs = (Vec::new(), Vec::new());
        let mut to_stderr = false;
        let mut rest = format;
        while let [first, tail @ ..] = rest {
            let out = if to_stderr { &mut outs.1 } else { &mut outs.0 };
            match (first, tail) {
                (b'%', [b'%', behind @ ..]) => {
                    out.push(b'%');
                    rest = behind;
                }
                (b'%', [b'{', behind @ ..]) => {
                    let Some(end) = behind.find_byte(b'}') else {
                        out.extend_from_slice(b"%{");
                        rest = behind;
                        continue;
                    };
                    let (name, after) = behind.split_at(end);
                    rest = after.get(1..).unwrap_or_default();
                    match &*name.to_str_lossy() {
                        "stderr" => to_stderr = true,
                        "stdout" => to_stderr = false,
                        "onerror" => {
                            if self.code == 0 {
                                return outs;
                            }
                        }
                        name => match self.value(name) {
                            Some(value) => out.extend_from_slice(value.as_bytes()),
                            None => outs.1.extend_from_slice(
                                format!("curl: unknown --write-out variable: '{name}'\n").as_bytes(),
                            ),
                        },
                    }
                }
                (b'%', [b'h', b'e', b'a', b'd', b'e', b'r', b'{', behind @ ..]) => {
                    let end = behind.find_byte(b'}').unwrap_or(behind.len());
                    let (name, after) = behind.split_at(end);
                    rest = after.get(1..).unwrap_or_default();
                    if let Some(value) = http::header(&self.headers, &name.to_str_lossy()) {
                        out.extend_from_slice(value);
                    }
                }
                (b'\\', [letter, behind @ ..]) => {
                    match letter {
                        b'n' => out.push(b'\n'),
                        b'r' => out.push(b'\r'),
                        b't' => out.push(b'\t'),
                        other => out.extend_from_slice(&[b'\\', *other]),
                    }
                    rest = behind;
                }
                _ => {
                    out.push(*first);
                    rest = tail;
                }
            }
        }
        outs
    }

    /// The progress meter as it stands at the end.
    pub(super) fn meter(&self) -> String {
        let down = short(self.downloaded);
        let up = short(self.uploaded);
        let seconds = self.nanoseconds / 1_000_000_000;
        let time = if seconds == 0 {
            "--:--:--".to_owned()
        } else {
            format!("{:2}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        };
        let (done, sent) = (u8::from(self.downloaded > 0) * 100, u8::from(self.uploaded > 0) * 100);
        format!(
            "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n\
             \x20                                Dload  Upload   Total   Spent    Left  Speed\n\
             \r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\
             \r{:3} {:>5}  {done:3} {down:>5}  {sent:3} {up:>5}  {:>5}  {:>5} {time:>8} {time:>8} --:--:-- {:>5}\n",
            done.max(sent),
            short(self.downloaded + self.uploaded),
            short(self.speed(self.downloaded)),
            short(self.speed(self.uploaded)),
            short(self.speed(self.downloaded.max(self.uploaded))),
        )
    }
}

/// A number in five columns.
fn short(bytes: u64) -> String {
    match bytes {
        0..100_000 => bytes.to_string(),
        100_000..10_240_000 => format!("{}k", bytes >> 10),
        10_240_000..104_857_600 => format!("{:.1}M", bytes as f64 / 1_048_576.0),
        104_857_600..10_485_760_000 => format!("{}M", bytes >> 20),
        _ => format!("{}G", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_filled() {
        let report = Report { status: 200, downloaded: 6, ..Report::default() };
        let (out, err) = report.write_out(b"%{http_code} %{size_download}%%\\n%{stderr}e%{nosuch}");
        assert_eq!(out, b"200 6%\n");
        assert!(err.starts_with(b"ecurl: unknown"));
    }
}
