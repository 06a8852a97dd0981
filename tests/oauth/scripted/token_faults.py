"""Faults of the token endpoint, in a login and in a refresh."""

from fault_matrix import LOGIN_TOKEN, REFRESH, add_cases

from harness import run

add_cases(LOGIN_TOKEN)
add_cases(REFRESH)

run()
