//! The Rust face of `wit/`, generated; the rest of the runtime re-exports the types of each interface.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::unwrap_used)]

pub mod ranking_world {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "ranking-component",
        imports: { default: trappable },
    });
}

pub mod inference_world {
    wasmtime::component::bindgen!({ path: "../wit", world: "inference-component" });
}

pub mod bitrate_world {
    wasmtime::component::bindgen!({ path: "../wit", world: "bitrate-component" });
}

pub mod qoe_world {
    wasmtime::component::bindgen!({ path: "../wit", world: "qoe-component" });
}
