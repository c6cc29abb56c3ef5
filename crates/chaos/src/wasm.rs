//! The same seeds in WebAssembly: the module of `src/bin/trace.rs`, run by an interpreter.

use wasmi::{Engine, Linker, Module, Store};

/// The trace hash that the module tells, one byte a call.
///
/// # Errors
/// When these bytes are no module, or not that one.
pub fn trace_hash(module: &[u8]) -> Result<u64, String> {
    let engine = Engine::default();
    let said = |error: wasmi::Error| error.to_string();
    let module = Module::new(&engine, module).map_err(said)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).map_err(said)?;
    let main = instance.get_typed_func::<(i32, i32), i32>(&store, "main").map_err(said)?;
    let mut bytes = [0; 8];
    for byte in &mut bytes {
        let told = main.call(&mut store, (0, 0)).map_err(said)?;
        *byte = u8::try_from(told).map_err(|_| format!("{told} is no byte of a hash"))?;
    }
    Ok(u64::from_be_bytes(bytes))
}
