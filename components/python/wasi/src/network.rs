//! HTTP exchanges, which somebody with a network carries out (`_wasmsh.fetch`).

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use core::slice;

use crate::bindings::wasmsh::net::types::{Header, Request};
use crate::errno::{Errno, done};
use crate::layer::{self, Object};

/// What `_wasmsh.fetch` asks for.
#[repr(C)]
pub(crate) struct Exchange {
    method: *const c_char,
    url: *const c_char,
    /// Names and values in turn.
    headers: *const *const c_char,
    /// Of names and values together.
    header_count: usize,
    body: *const u8,
    body_length: usize,
    /// In milliseconds; 0: none.
    timeout: u32,
}

fn text(bytes: &CStr) -> Result<String, Errno> {
    bytes.to_str().map(String::from).map_err(|_| Errno::EILSEQ)
}

/// # Safety
/// The pointers are as `Exchange` says.
unsafe fn request(what: &Exchange) -> Result<Request, Errno> {
    let (method, url, pairs, body) = unsafe {
        (
            CStr::from_ptr(what.method),
            CStr::from_ptr(what.url),
            slice::from_raw_parts(what.headers, what.header_count),
            slice::from_raw_parts(what.body, what.body_length),
        )
    };
    let mut headers = Vec::new();
    for pair in pairs.chunks_exact(2) {
        if let [name, value] = pair {
            let (name, value) = unsafe { (CStr::from_ptr(*name), CStr::from_ptr(*value)) };
            headers.push(Header { name: text(name)?, value: value.to_bytes().to_vec() });
        }
    }
    let timeout_ms = (what.timeout > 0).then_some(what.timeout);
    Ok(Request {
        method: text(method)?,
        url: text(url)?,
        headers,
        body: body.to_vec(),
        timeout_ms,
        redirects: 0,
    })
}

fn fetch(request: &Request, to: i32) -> Result<(), Errno> {
    let description = layer::description(to)?;
    let Object::Process(number) = &description.object else {
        return Err(Errno::EINVAL);
    };
    let process = layer::process().ok_or(Errno::ENOSYS)?;
    Ok(process.fetch(request, *number)?)
}

/// Begins an exchange; the response is written to the descriptor `to`, a pipe.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_fetch(what: &Exchange, to: i32) -> i32 {
    // SAFETY: module.c makes the structure.
    done(unsafe { request(what) }.and_then(|request| fetch(&request, to)))
}
