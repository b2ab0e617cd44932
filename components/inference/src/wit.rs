//! Generated from `wit/`.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "generated")]

wit_bindgen::generate!({ path: "../../wit", world: "inference-component" });

use crate::Component;
export!(Component);
