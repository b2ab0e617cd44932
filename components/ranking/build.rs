//! Exports the stack pointer, which the host reads when it takes a snapshot: a component that exports it
//! from the start compiles to the same functions before and after, so that the host compiles them once.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=--export=__stack_pointer");
}
