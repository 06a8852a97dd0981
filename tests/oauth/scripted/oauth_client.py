"""Shared by the OAuth tests: mcp_oauth through ctypes, persons who log in, and stores.

    python3 SUBJECT.py LIBRARY [WORD...]    run only the cases whose names contain one of the words
"""

import contextlib
import http.client
import json
import threading
import traceback
from ctypes import (
    CDLL, CFUNCTYPE, POINTER, byref, c_bool, c_char_p, c_int, c_int32, c_size_t, c_uint64, c_void_p, string_at,
)  # fmt: skip
from urllib.parse import urlsplit

from scripted_server import Site, query  # before the others: it sets their path

from auth_scheme import DESTROY
from harness import (
    ERROR, PATIENCE, Client, call, clock, declare, error_texts, lib, must_not_show, options, poll,
)  # fmt: skip

OPEN = CFUNCTYPE(None, c_void_p, c_void_p)
RECORD = CFUNCTYPE(None, c_void_p, c_void_p)
ASSERTION = CFUNCTYPE(None, c_void_p, c_void_p)

declare(c_void_p, mcp_oauth_new=[])
declare(None, mcp_oauth_free=[c_void_p], mcp_json_free=[c_void_p])
declare(c_int, mcp_set_oauth=[c_void_p, c_void_p, ERROR])
declare(c_int, mcp_oauth_set_client=[c_void_p, c_char_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_client_key=[c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_client_url=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_registration=[c_void_p, c_bool, c_char_p, c_size_t, ERROR])
declare(c_int, mcp_oauth_set_grant=[c_void_p, c_int32, ERROR], mcp_oauth_set_scopes=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_resource=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_parameter=[c_void_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_allow=[c_void_p, c_int32, c_bool, ERROR])
declare(c_int, mcp_oauth_set_open=[c_void_p, OPEN, c_void_p, DESTROY, ERROR])
declare(c_int, mcp_oauth_use_browser=[c_void_p, ERROR], mcp_open_browser=[c_char_p, ERROR])
declare(c_char_p, mcp_oauth_request_url=[c_void_p], mcp_oauth_request_server=[c_void_p])
declare(c_char_p, mcp_oauth_request_issuer=[c_void_p], mcp_oauth_request_scopes=[c_void_p])
declare(c_char_p, mcp_oauth_request_redirect_uri=[c_void_p])
declare(c_int, mcp_oauth_request_finish=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_request_fail=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_request_fail_with=[c_void_p, c_char_p, c_void_p, DESTROY, ERROR])
declare(c_int, mcp_oauth_finish=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_fail=[c_void_p, c_char_p, c_char_p, c_void_p, DESTROY, ERROR])
declare(c_int, mcp_oauth_set_redirect=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_login=[c_void_p, c_int32, c_uint64, ERROR])
declare(c_int, mcp_oauth_set_store=[c_void_p, RECORD, RECORD, RECORD, RECORD, c_void_p, DESTROY, ERROR])
declare(c_int, mcp_oauth_use_folder=[c_void_p, c_char_p, ERROR])
declare(c_char_p, mcp_oauth_record_key=[c_void_p])
declare(c_void_p, mcp_oauth_record_text=[c_void_p, POINTER(c_size_t)])
declare(c_int, mcp_oauth_record_set_text=[c_void_p, c_char_p, c_size_t, ERROR])
declare(c_int, mcp_oauth_record_fail=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_login=[c_void_p, c_void_p, ERROR], mcp_logout=[c_void_p, c_void_p, ERROR])
declare(c_int, mcp_oauth_state=[c_void_p, POINTER(c_void_p), ERROR])
declare(c_char_p, mcp_error_oauth_code=[c_void_p])
declare(c_int, mcp_oauth_set_assertion=[c_void_p, ASSERTION, c_void_p, DESTROY, ERROR])
declare(c_char_p, mcp_oauth_assertion_audience=[c_void_p], mcp_oauth_assertion_resource=[c_void_p])
declare(c_int, mcp_oauth_assertion_set=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_assertion_fail=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_oauth_set_identity=[c_void_p, c_char_p, c_char_p, c_char_p, ERROR])
error_texts["oauth_code"] = lib.mcp_error_oauth_code

LOGIN, CLIENT_CREDENTIALS, BY_ASSERTION = 1, 2, 3
UNSTATED_PKCE, PRIVATE_ADDRESSES, PLAIN_HTTP = 1, 2, 3
WHEN_NEEDED, WHEN_ASKED = 1, 2

# The timeout of calls that have to succeed, and the login timeout of tests in which it must not matter.
LONG = 10_000

# In how many milliseconds a cancel or a close has to end a call. The library with the address sanitizer is slower.
STOP_MS = 500 if hasattr(CDLL(None), "__asan_init") else 50

# The library may call back after a case has ended, if a call hangs.
callbacks = []


# --- Persons ----------------------------------------------------------------------------------------------------------


def visit(url, method="GET"):
    """Requests a URL as a browser does, without following a redirect. Returns the status, the headers, and the body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


def location_of(login):
    """Logs in at the authorization server. Returns where it sends the browser."""
    status, headers, body = visit(login.url)
    assert status == 302, f"{status} for {login.url}: {body}"
    return headers["Location"]


def follow(login):
    """The program has a window of its app, and passes the redirect to the library."""
    login.finish(location_of(login)).must_be("MCP_OK")


def browse(login):
    """The person logs in with a browser, which delivers the redirect to the library's listener."""

    def run():
        login.page = visit(location_of(login))

    login.begin(run)


def ignore(_login):
    """The person does nothing."""


def paste(login):
    """The person logs in elsewhere, and passes the URL of the redirect to the program, which is not in `open` then."""
    login.finish_later(location_of(login)).must_be("MCP_OK")


class Login:
    """An mcp_oauth_request, with copies of its texts."""

    def __init__(self, oauth, request):
        self.oauth, self.request = oauth, request
        texts = ("url", "server", "issuer", "scopes", "redirect_uri")
        values = [getattr(lib, f"mcp_oauth_request_{text}")(request) for text in texts]
        self.url, self.server, self.issuer, self.scopes, self.redirect_uri = [(each or b"").decode() for each in values]
        self.asked = query(self.url)
        self.port = urlsplit(self.redirect_uri).port
        self.page = None

    def finish(self, location):
        """During the callback."""
        return call(lib.mcp_oauth_request_finish, self.request, location.encode())

    def fail(self, reason):
        """During the callback."""
        return call(lib.mcp_oauth_request_fail, self.request, reason.encode())

    def finish_later(self, location):
        return call(lib.mcp_oauth_finish, self.oauth.handle, location.encode())

    def fail_later(self, reason):
        return call(lib.mcp_oauth_fail, self.oauth.handle, self.url.encode(), reason.encode(), None, DESTROY())

    def begin(self, function):
        """Runs a function on another thread, whose failure fails the case."""
        self.oauth.begin(function)


# --- Stores -----------------------------------------------------------------------------------------------------------


class Store:
    """Keeps records in memory. Several OAuth objects may use one, as processes do. `events` lists what was called;
    `failures` are the reasons for which an operation fails."""

    def __init__(self):
        self.records, self.events, self.failures = {}, [], {}
        self.changed = threading.Condition()
        self.locks = {}
        self.saved_texts = []

    def load(self, record, key):
        with self.changed:
            text = self.records.get(key)
        if text is not None:
            call(lib.mcp_oauth_record_set_text, record, text, len(text)).must_be("MCP_OK")

    def save(self, record, key):
        length = c_size_t()
        text = lib.mcp_oauth_record_text(record, byref(length))
        with self.changed:
            if text is None:
                self.records.pop(key, None)
            else:
                self.records[key] = string_at(text, length.value)
                self.saved_texts.append(self.records[key])
            self.changed.notify_all()

    def lock(self, _record, key):
        with self.changed:
            lock = self.locks.setdefault(key, threading.Lock())
        lock.acquire()

    def unlock(self, _record, key):
        self.locks[key].release()

    def wait_for(self, condition):
        with self.changed:
            return self.changed.wait_for(condition, PATIENCE)

    def contents(self):
        """The records as JSON values, by their keys."""
        with self.changed:
            return {key: json.loads(text) for key, text in self.records.items()}

    def tokens(self):
        """The tokens of the only record, or None."""
        records = list(self.contents().values())
        assert len(records) <= 1, list(self.records)
        return records[0].get("tokens") if records else None


class OAuth:
    """An mcp_oauth. Its callbacks are checked at the end: destroy has to be called once, and after all others."""

    def __init__(self, person=follow, store=None, locks=True, **settings):
        """`settings` are the arguments of the setters with these names."""
        self.handle = lib.mcp_oauth_new()
        self.person, self.store = person, store
        self.logins, self.threads, self.failures = [], [], []
        self.changed = threading.Condition()
        self.destroyed = self.registered = 0
        self.destroy = DESTROY(self.on_destroy)
        self.open = OPEN(self.on_open)
        callbacks.extend([self.destroy, self.open])
        if person:
            self.registered += 1
            call(lib.mcp_oauth_set_open, self.handle, self.open, None, self.destroy).must_be("MCP_OK")
        if store:
            self.registered += 1
            functions = [self.record_callback(name) for name in ("load", "save", "lock", "unlock")]
            if not locks:
                functions[2:] = [RECORD(), RECORD()]
            call(lib.mcp_oauth_set_store, self.handle, *functions, None, self.destroy).must_be("MCP_OK")
        for name, values in settings.items():
            self.set(name, *(values if isinstance(values, tuple) else (values,))).must_be("MCP_OK")

    def set(self, name, *values):
        setter = f"mcp_oauth_set_{name}" if hasattr(lib, f"mcp_oauth_set_{name}") else f"mcp_oauth_{name}"
        encoded = [value.encode() if isinstance(value, str) else value for value in values]
        return call(getattr(lib, setter), self.handle, *encoded)

    def on_open(self, _userdata, request):
        try:
            login = Login(self, request)
            with self.changed:
                self.check_not_destroyed()
                self.logins.append(login)
                self.changed.notify_all()
            self.person(login)
        except Exception:
            self.failures.append(traceback.format_exc())

    def record_callback(self, name):
        def run(_userdata, record):
            try:
                self.check_not_destroyed()
                key = lib.mcp_oauth_record_key(record).decode()
                self.store.events.append((name, key))
                if name in self.store.failures:
                    reason = self.store.failures[name].encode()
                    call(lib.mcp_oauth_record_fail, record, reason).must_be("MCP_OK")
                else:
                    getattr(self.store, name)(record, key)
            except Exception:
                self.failures.append(traceback.format_exc())

        callbacks.append(RECORD(run))
        return callbacks[-1]

    def on_destroy(self, _userdata):
        with self.changed:
            self.destroyed += 1
            self.changed.notify_all()

    def check_not_destroyed(self):
        if self.destroyed >= max(self.registered, 1):
            self.failures.append("a callback ran after destroy")

    def must_ask(self, count=1):
        """Waits until `open` was called this often. Returns the last login."""
        with self.changed:
            asked = self.changed.wait_for(lambda: len(self.logins) >= count, PATIENCE)
        assert asked, f"the person was asked {len(self.logins)} times instead of {count}"
        return self.logins[count - 1]

    def begin(self, function):
        def run():
            try:
                function()
            except Exception:
                self.failures.append(traceback.format_exc())

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for thread in self.threads:
            thread.join(PATIENCE)
        lib.mcp_oauth_free(self.handle)
        if kind is None:
            assert not self.failures, "\n".join(self.failures)
            # A token request may still run on a thread of the library.
            poll(lambda: self.destroyed >= self.registered, f"destroy was called {self.destroyed} times")
            assert self.destroyed == self.registered, f"destroy was called {self.destroyed} times"


# --- Clients ----------------------------------------------------------------------------------------------------------


class OAuthClient(Client):
    """A client with an mcp_oauth. Keeps all outcomes, so that they can be searched for secrets."""

    def __init__(self, url, oauth, **settings):
        super().__init__(url, **settings)
        self.outcomes = []
        self.kept(call(lib.mcp_set_oauth, self.client, oauth.handle)).must_be("MCP_OK")

    def kept(self, outcome):
        self.outcomes.append(outcome)
        return outcome

    def ping(self, timeout=LONG, **limits):
        return self.kept(super().ping(timeout=timeout, **limits))

    def login(self, timeout=LONG, **limits):
        with options(timeout=timeout, **limits) as opts:
            return self.kept(call(lib.mcp_login, self.client, opts))

    def logout(self, timeout=LONG, **limits):
        with options(timeout=timeout, **limits) as opts:
            return self.kept(call(lib.mcp_logout, self.client, opts))

    def begin_login(self, **limits):
        return self.begin(lambda: self.login(**limits))

    def state(self):
        document, length = c_void_p(), c_size_t()
        self.kept(call(lib.mcp_oauth_state, self.client, byref(document))).must_be("MCP_OK")
        raw = lib.mcp_json_raw(document, byref(length))
        value = json.loads(string_at(raw, length.value))
        lib.mcp_json_free(document)
        return value

    def must_not_show(self, *texts):
        """Checks that neither an error nor a log line shows one of the texts."""
        for outcome in self.outcomes:
            must_not_show(outcome, [outcome.oauth_code], *texts)
        must_not_show(self.outcomes[0], self.lines, *texts)


@contextlib.contextmanager
def using(site, oauth=None, **settings):
    """A client of the site and its mcp_oauth, which is made with `settings` if none is given. At the end, nothing that
    the client reported may contain a secret of the authorization servers."""
    with contextlib.ExitStack() as resources:
        if oauth is None:
            oauth = resources.enter_context(OAuth(**settings))
        client = resources.enter_context(OAuthClient(site.url, oauth))
        yield client, oauth
        client.must_not_show(*[text for auth in {site.auth, site.mcp.auth} for text in auth.secrets])


@contextlib.contextmanager
def logged_in(site, **settings):
    """A client that has logged in, and its mcp_oauth."""
    with using(site, **settings) as (client, oauth):
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins
        yield client, oauth


@contextlib.contextmanager
def new_site(**settings):
    """A site, a client and an mcp_oauth; the person logs in without help."""
    with Site() as site, using(site, **settings) as (client, oauth):
        yield site, client, oauth


def must_stop_at_once(begun, ended):
    """Checks that a call ended within STOP_MS, plus the time for which the machine delayed an ordinary thread."""
    late = (ended - begun) * 1000
    limit = STOP_MS + (clock.lost(begun, ended) if late > STOP_MS else 0)
    print(f"    ended {late:.0f} ms after the stop, {limit:.0f} ms are allowed")
    assert late <= limit, f"ended {late:.0f} ms after the stop, {limit:.0f} ms are allowed"
