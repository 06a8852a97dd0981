"""Faults while a client registers."""

from fault_matrix import REGISTRATION, add_cases

from harness import run

add_cases(REGISTRATION)

run()
