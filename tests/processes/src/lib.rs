//! Tests of the real binaries over real HTTP.
