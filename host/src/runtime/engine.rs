//! The one wasmtime engine of the process, and the clock that ends what runs too long.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::functions::FunctionCache;
use super::{RuntimeConfig, RuntimeError};
use crate::limits;

/// Builds the engine; with it the settings of a [`Compiler`], and whether instances come from a pool.
pub(super) fn build(
    config: &RuntimeConfig,
    functions: &Arc<FunctionCache>,
) -> Result<(Engine, Config, Allocation), RuntimeError> {
    let mut settings = settings(config, functions).map_err(RuntimeError::Engine)?;
    let compiling = settings.clone();
    settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    match Engine::new(&settings) {
        Ok(engine) => Ok((engine, compiling, Allocation::Pooled)),
        // A container may forbid reserving that much address space; answers are slower without, not wrong.
        Err(error) => {
            tracing::warn!(%error, "the instance pool cannot be reserved, allocating on demand");
            settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            let engine = Engine::new(&settings).map_err(RuntimeError::Engine)?;
            Ok((engine, compiling, Allocation::OnDemand))
        }
    }
}

/// Compiles for the engine of the process, on one of its own: an engine keeps the memory that it compiled in, a hundred
/// megabytes after the largest component, for as long as it lives.
pub(super) struct Compiler {
    settings: Config,
    engine: OnceLock<Engine>,
}

impl Compiler {
    /// With the settings that [`build`] gave.
    pub(super) fn new(settings: Config) -> Self {
        Self { settings, engine: OnceLock::new() }
    }

    /// The compiled form of a component.
    pub(super) fn compile(&self, wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
        let engine = match self.engine.get() {
            Some(engine) => engine,
            None => {
                let engine = Engine::new(&self.settings)?;
                self.engine.get_or_init(|| engine)
            }
        };
        engine.precompile_component(wasm)
    }
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiler")
    }
}

/// Where the memory of instances comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Slots reserved at the start: about ten microseconds an instance.
    Pooled,
    /// Mapped anew each time: three times slower, where the pool could not be reserved.
    OnDemand,
}

fn settings(config: &RuntimeConfig, functions: &Arc<FunctionCache>) -> wasmtime::Result<Config> {
    let mut settings = Config::new();
    settings
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        // The two relaxed instructions that our components have (a test says which) are exact for what they are given,
        // and so the same on every processor; made deterministic for all inputs it would take three times as long.
        .relaxed_simd_deterministic(false)
        // Without it a sparse snapshot would be copied for every instance instead of mapped.
        .memory_guaranteed_dense_image_size(config.memory_bytes_max as u64)
        // Of files, only those in memory can be moved onto huge pages.
        .force_memory_init_memfd(true)
        // Nobody reads a guest's addresses or stack; without them the compiled form is smaller.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .concurrency_support(false)
        .wasm_memory64(false)
        .max_wasm_stack(limits::STACK_BYTES)
        .enable_incremental_compilation(Arc::clone(functions) as Arc<dyn wasmtime::CacheStore>)?;
    Ok(settings)
}

fn pool(config: &RuntimeConfig) -> PoolingAllocationConfig {
    // The ranker runs in an instance of its own inside a ranking invocation; some more for loading.
    let slots = config.invocations_max * 2 + limits::INSTANCES_SPARE;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots * limits::CORE_INSTANCES_MAX)
        .max_core_instances_per_component(limits::CORE_INSTANCES_MAX)
        .total_memories(slots)
        .max_memories_per_component(1)
        .max_memories_per_module(1)
        .max_memory_size(config.memory_bytes_max)
        .total_tables(slots * limits::TABLES_MAX)
        .max_tables_per_component(limits::TABLES_MAX)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(limits::KEEP_RESIDENT_BYTES)
        .table_keep_resident(limits::KEEP_RESIDENT_BYTES)
        // A slot that has had the component before, while there is one: another would map all of its image anew.
        .max_unused_warm_slots(0)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Counts ticks; the engine's epoch moves with it.
#[derive(Debug)]
pub(super) struct Clock {
    now: Arc<AtomicU64>,
    tick: Duration,
    // Dropping it ends the thread.
    _stop: Sender<()>,
}

impl Clock {
    /// Starts the thread that moves the epoch of this engine every `tick`.
    pub(super) fn start(engine: &Engine, tick: Duration) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let now = Arc::new(AtomicU64::new(0));
        let (counter, engine) = (Arc::clone(&now), engine.clone());
        std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || run(&engine, &counter, tick, &stopped))?;
        Ok(Self { now, tick, _stop: stop })
    }

    /// Ticks since the start.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Ticks after which `time` has passed; at least one.
    pub(super) fn ticks(&self, time: Duration) -> u64 {
        let ticks = time.as_nanos() / self.tick.as_nanos().max(1);
        u64::try_from(ticks).unwrap_or(u64::MAX / 2).max(1)
    }
}

fn run(engine: &Engine, now: &AtomicU64, tick: Duration, stopped: &Receiver<()>) {
    while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
        now.fetch_add(1, Ordering::Relaxed);
        engine.increment_epoch();
    }
}

/// The tick for a deadline: a tenth of it, so that a deadline is met within ten per cent.
pub(super) fn tick_for(deadline: Duration) -> Duration {
    (deadline / 10).clamp(limits::EPOCH_TICK_MIN, limits::EPOCH_TICK_MAX)
}
