"""The listener that receives the redirect: any program and any web page on this machine can send it requests."""

import contextlib
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from oauth_client import LONG, browse, ignore, location_of, must_stop_at_once, using, visit
from scripted_server import Site

from harness import PATIENCE, Cancel, case, run


@contextlib.contextmanager
def waiting_login(**settings):
    """A login that waits for its redirect. At the end, the right redirect has to succeed."""
    with Site() as site, using(site, person=ignore, **settings) as (client, oauth):
        ping = client.begin_ping(timeout=3 * LONG)
        login = oauth.must_ask()
        yield site, login
        status, _, _ = visit(location_of(login))
        assert status == 200, status
        ping.result().must_be("MCP_OK")
        assert len(site.auth.received("token")) == 1, site.auth.saw()
        assert len(oauth.logins) == 1, oauth.logins


def connect(login):
    connection = socket.create_connection(("127.0.0.1", login.port), timeout=PATIENCE)
    connection.settimeout(PATIENCE)
    return connection


def exchange(login, data):
    """Sends bytes, and returns the status of the response; 0 if there is none."""
    with connect(login) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        received = b""
        while more := connection.recv(65536):
            received += more
        return int(received.split()[1]) if received.startswith(b"HTTP/1.1 ") else 0
    return 0


def callback(login, **parameters):
    return f"{urlsplit(login.redirect_uri).path}?{urlencode(parameters)}"


def get(target, method="GET", headers=""):
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


# --- Forged requests --------------------------------------------------------------------------------------------------


@case
def a_forged_redirect_is_answered_with_400_and_waited_past():
    with waiting_login() as (site, login):
        right, issuer = login.asked["state"], site.auth.issuer
        for parameters in (
            {"code": "planted", "state": "wrong", "iss": issuer},
            {"code": "planted", "state": right[:-1], "iss": issuer},
            {"code": "planted", "state": f"{right} ", "iss": issuer},
            {"code": "planted", "state": "", "iss": issuer},
            {"code": "planted", "iss": issuer},
            {"error": "access_denied", "state": "wrong"},
            {"error": "access_denied"},
            {},
        ):
            assert exchange(login, get(callback(login, **parameters))) == 400, parameters
        wrong = callback(login, code="planted", state="wrong")
        assert exchange(login, get(f"{wrong}&state=other")) == 400
        assert exchange(login, get(f"{wrong}&code=second")) == 400


@case
def other_paths_and_methods_are_waited_past():
    with waiting_login() as (site, login):
        right = callback(login, code="planted", state=login.asked["state"], iss=site.auth.issuer)
        for path in ("/", "/favicon.ico", "/callback/", "/Callback", "/callback2", "//callback", "/%63allback"):
            assert exchange(login, get(right.replace("/callback", path))) == 404, path
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            assert exchange(login, get(right, method, "Content-Length: 0\r\n")) == 405, method


@case
def what_is_not_http_is_waited_past():
    with waiting_login() as (site, login):
        right = callback(login, code="planted", state=login.asked["state"], iss=site.auth.issuer)
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
            b"\r\n" * 1000,
            b"GET\r\n\r\n",
            get(f"http://127.0.0.1:{login.port}{right}"),
            get(f"http://attacker.example{right}"),
            f"GET {right}\r\n\r\n".encode(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            bytes(range(256)) * 100,
        ):
            with connect(login) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(data)
                with contextlib.suppress(OSError):  # the library may have closed the connection
                    connection.shutdown(socket.SHUT_WR)
                received = connection.recv(65536)
                assert not received.startswith(b"HTTP/1.1 200"), (data, received)


@case
def a_head_that_is_too_large_is_waited_past():
    with waiting_login() as (site, login):
        right = callback(login, code="planted", state=login.asked["state"], iss=site.auth.issuer)
        large = "X-Filling: " + "x" * 1000 + "\r\n"
        assert exchange(login, get(right, headers=large * 100)) in (0, 400, 413, 431)
        assert exchange(login, get(f"{right}&x={'x' * 100_000}")) in (0, 400, 413, 414, 431)


@case
def a_right_redirect_may_arrive_in_pieces():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        ping = client.begin_ping(timeout=3 * LONG)
        login = oauth.must_ask()
        location = urlsplit(location_of(login))
        data = get(f"{location.path}?{location.query}", headers="Cookie: " + "x" * 4000 + "\r\n")
        with connect(login) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for begin in range(0, len(data), 100):
                connection.sendall(data[begin : begin + 100])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200"), "no page"
        ping.result().must_be("MCP_OK")


# --- Connections that say nothing -------------------------------------------------------------------------------------


@case
def silent_connections_do_not_keep_the_browser_out():
    with contextlib.ExitStack() as opened, waiting_login() as (_site, login):
        for _ in range(20):
            opened.enter_context(connect(login))
        for _ in range(20):
            opened.enter_context(connect(login)).sendall(b"GET /callback?co")


@case
def a_flood_of_forged_redirects_does_not_keep_the_browser_out():
    stop = threading.Event()
    counts = []

    def flood(login):
        count = 0
        while not stop.is_set():
            # The listener closes when the login is complete.
            with contextlib.suppress(OSError):
                exchange(login, get(callback(login, code="planted", state="wrong")))
                count += 1
        counts.append(count)

    with waiting_login() as (_site, login):
        for _ in range(4):
            login.begin(lambda: flood(login))
        try:
            status, _, _ = visit(callback_url(login, state="wrong"))
            assert status == 400, status
        finally:
            threading.Timer(0.3, stop.set).start()
        # The right redirect follows while the flood goes on.
    stop.set()
    print(f"    {counts} forged redirects")


def callback_url(login, **parameters):
    return f"{login.redirect_uri}?{urlencode(parameters)}"


@case
def a_stop_ends_the_call_also_during_a_flood():
    stop = threading.Event()

    def flood(login):
        while not stop.is_set():
            with contextlib.suppress(OSError):
                exchange(login, get(callback(login, code="planted", state="wrong")))

    with Site() as site, using(site, person=ignore) as (client, oauth), Cancel() as cancel:
        ping = client.begin_ping(timeout=3 * LONG, cancel=cancel)
        login = oauth.must_ask()
        login.begin(lambda: flood(login))
        visit(callback_url(login, state="wrong"))
        begun = time.monotonic()
        cancel.trigger()
        outcome = ping.result().must_be("MCP_CANCELLED")
        stop.set()
        must_stop_at_once(begun, outcome.ended)


# --- What the browser sees --------------------------------------------------------------------------------------------


@case
def the_page_contains_nothing_of_the_redirect_and_loads_nothing():
    with Site() as site, using(site, person=browse) as (client, oauth):
        client.ping().must_be("MCP_OK")
        oauth.threads[0].join()
        status, headers, body = oauth.logins[0].page
        assert status == 200, status
        assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer", headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], headers
        for text in (oauth.logins[0].asked["state"], *site.auth.secrets):
            assert text not in body + str(headers), body


@case
def a_denial_is_shown_without_the_words_of_the_server():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        ping = client.begin_ping()
        login = oauth.must_ask()
        denied = callback_url(login, error="access_denied", error_description="<b>planted</b>",
                              state=login.asked["state"], iss=site.auth.issuer)  # fmt: skip
        _, headers, body = visit(denied)
        assert "planted" not in body + str(headers) and "access_denied" not in body, body
        outcome = ping.result().must_be("MCP_LOGIN_FAILED")
        assert outcome.oauth_code == "access_denied", outcome


@case
def the_listener_is_reachable_from_this_machine_only_and_closes_with_the_login():
    with Site() as site, using(site, person=browse) as (client, oauth):
        bound = set()

        def look(login):
            bound.update(addresses_of(login.port))
            browse(login)

        oauth.person = look
        client.ping().must_be("MCP_OK")
        assert bound == {"0100007F"}, bound
        assert not addresses_of(oauth.logins[0].port), "the listener is still open"


def addresses_of(port):
    """The addresses on which this port is listened on, in hexadecimal digits as the kernel shows them."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A" and local.endswith(f":{port:04X}"):
                found.add(local.rpartition(":")[0])
    return found


run()
