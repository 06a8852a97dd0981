"""Faults while tokens are revoked."""

from fault_matrix import REVOCATION, add_cases

from harness import run

add_cases(REVOCATION)

run()
