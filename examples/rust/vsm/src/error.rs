// SPDX-License-Identifier: BSD-3-Clause
//! Errors of libvsm, and the one that only Rust has.

use std::ffi::{c_int, CStr};
use std::fmt;

use vsm_sys as sys;

/// What a function returns that may fail.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:ident,)*) => {
        /// Why something failed; see `enum vsm_err` in `vsm/error.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])* $name,)*
            /// An operation of the host panicked; the partition cannot be used any more.
            Panicked,
            /// A number that these bindings have no name for.
            Unknown(i32),
        }

        impl Error {
            fn from_code(code: c_int) -> Self {
                match -code {
                    $(sys::$code => Self::$name,)*
                    _ => Self::Unknown(code),
                }
            }

            /// The number that C knows, negative. A panic is a host op that failed.
            pub(crate) fn code(self) -> c_int {
                match self {
                    $(Self::$name => -sys::$code,)*
                    Self::Panicked | Self::Unknown(_) => -sys::VSM_ERR_HOST,
                }
            }
        }
    };
}

errors! {
    /// A call in the wrong order or state, or from within an operation.
    Misuse = VSM_ERR_MISUSE,
    /// An argument is out of range or contradicts another.
    Inval = VSM_ERR_INVAL,
    /// No memory.
    NoMem = VSM_ERR_NOMEM,
    /// An operation of the host failed.
    Host = VSM_ERR_HOST,
    /// Neither this version nor this host can do it.
    NoSup = VSM_ERR_NOSUP,
    /// The VP index, APIC id or range is taken.
    Exists = VSM_ERR_EXISTS,
    /// No such VP, register, range or token.
    NotFound = VSM_ERR_NOTFOUND,
    /// A guest physical range lies outside of RAM or wraps.
    Range = VSM_ERR_RANGE,
    /// The rights of a VTL forbid the access.
    Denied = VSM_ERR_DENIED,
    /// The host could not go back to where it was.
    State = VSM_ERR_STATE,
    /// A system call failed.
    Sys = VSM_ERR_SYS,
    /// Somebody else changes the same just now.
    Busy = VSM_ERR_BUSY,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::Panicked {
            return f.write_str("an operation of the host panicked");
        }
        let code = if let Self::Unknown(code) = *self { code } else { self.code() };
        // SAFETY: any number is allowed, and the text is static.
        let text = unsafe { CStr::from_ptr(sys::vsm_strerror(code)) };
        f.write_str(&text.to_string_lossy())
    }
}

impl std::error::Error for Error {}

/// 0 or more is a value, the rest errors.
pub(crate) fn check(code: c_int) -> Result<c_int> {
    if code < 0 {
        Err(Error::from_code(code))
    } else {
        Ok(code)
    }
}

/// What an operation's result is in C.
pub(crate) fn to_code(result: Result<()>) -> c_int {
    result.map_or_else(Error::code, |()| 0)
}
