//! `cargo afl fuzz` tells this program its inputs; by itself it takes one from the standard input.

#[cfg(fuzzing)]
fn main() {
    afl::fuzz!(|input: &[u8]| fuzz_tests::head(input));
}

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    let mut input = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut input)?;
    fuzz_tests::head(&input);
    Ok(())
}
