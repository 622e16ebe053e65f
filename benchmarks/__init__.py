"""What is measured, and against what: see docs/benchmarks.md."""
