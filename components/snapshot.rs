//! For components that a host takes a snapshot of.

fn main() {
    println!("cargo::rerun-if-changed=../snapshot.rs");
    // The host reads the stack pointer when it takes the snapshot: a component that exports it from the start compiles
    // to the same functions before and after, so that the host compiles them once.
    println!("cargo::rustc-cdylib-link-arg=--export=__stack_pointer");
    // So that statics and the arena of calls find room behind the stack in the first huge page, see `heap`.
    println!("cargo::rustc-cdylib-link-arg=-zstack-size=524288");
}
