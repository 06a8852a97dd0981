"""Secrets and texts of authorization servers: neither errors nor log lines nor pages show the secrets, and the texts
cannot forge lines."""

import json

from oauth_client import CLIENT_CREDENTIALS, OAuthClient, Store, follow, location_of, logged_in, new_site, using
from scripted_server import Site, challenge, form, html, oauth_error, query, redirect

from harness import case, http, must_not_show, run

# Control characters, a line separator, a change of the writing direction, and a terminal's escape sequence.
FORGING = "first\r\nsecond\x00\x1b[31m\x7f\x85\u2028\u202e\u200b end"

# The most characters of a server's text that are shown.
MAX_SHOWN = 200


def must_be_printable(outcome):
    for text in (outcome.message, outcome.oauth_code):
        bad = [char for char in text if not char.isprintable()]
        assert not bad, f"not printable: {bad} in {text!r}"
    assert len(outcome.message.encode()) <= 2048, len(outcome.message)


def must_fail(site, client, *statuses, shows=""):
    outcome = client.ping().must_be(*statuses)
    print(f"    {outcome.status} {outcome.oauth_code}: {outcome.message[-200:]}")
    must_be_printable(outcome)
    for line in client.lines:
        assert line.isprintable(), repr(line)
    assert shows in outcome.message, f"no {shows} in: {outcome.message}"
    client.must_not_show(*site.auth.secrets)
    return outcome


# --- Texts of the servers ---------------------------------------------------------------------------------------------


@case
def the_texts_of_a_token_error_are_one_printable_line():
    with new_site() as (site, client, _):
        with site.auth.answering(token=lambda _request: oauth_error("invalid_scope", description=FORGING)):
            outcome = must_fail(site, client, "MCP_OAUTH_FAILED", shows="second")
        assert outcome.oauth_code == "invalid_scope", outcome.oauth_code


@case
def the_texts_of_a_registration_error_are_one_printable_line():
    with new_site() as (site, client, _):
        refuse = lambda _request: oauth_error("invalid_redirect_uri", description=FORGING)  # noqa: E731
        with site.auth.answering(register=refuse):
            outcome = must_fail(site, client, "MCP_OAUTH_FAILED", shows="second")
        assert outcome.oauth_code == "invalid_redirect_uri", outcome.oauth_code


@case
def the_texts_of_a_denial_are_one_printable_line():
    with new_site() as (site, client, _):

        def deny(request):
            asked = query(request.path)
            return redirect(asked["redirect_uri"], error="access_denied", error_description=FORGING,
                            state=asked["state"], iss=site.auth.issuer)  # fmt: skip

        with site.auth.answering(authorize=deny):
            outcome = must_fail(site, client, "MCP_LOGIN_FAILED", shows="second")
        assert outcome.oauth_code == "access_denied", outcome.oauth_code


@case
def the_texts_of_documents_are_one_printable_line():
    for members in ({"resource": FORGING}, {"authorization_servers": [FORGING]}):
        with new_site() as (site, client, _):
            site.mcp.members = members
            must_fail(site, client, "MCP_OAUTH_FAILED")
    for members in (
        {"issuer": FORGING},
        {"token_endpoint": FORGING},
        {"authorization_endpoint": f"javascript:{FORGING}"},
        {"code_challenge_methods_supported": [FORGING]},
    ):
        with new_site() as (site, client, _):
            site.auth.members = members
            must_fail(site, client, "MCP_OAUTH_FAILED")


@case
def long_texts_are_cut():
    with new_site() as (site, client, _):
        long = "long words " * 10_000
        with site.auth.answering(token=lambda _request: oauth_error("invalid_scope", description=long)):
            outcome = must_fail(site, client, "MCP_OAUTH_FAILED", shows="long words")
        assert outcome.message.count("long words") <= MAX_SHOWN / len("long words"), outcome.message


# --- Secrets that the servers repeat ----------------------------------------------------------------------------------


def repeating(request):
    """An error that repeats all that was sent, in both texts."""
    sent = json.dumps([request.headers, request.body.decode()])
    return oauth_error(f"error of {sent[:5000]}", 400, f"received {sent}")


@case
def secrets_of_a_token_request_are_not_shown():
    """The code and the verifier; in a refresh, the refresh token."""
    with new_site() as (site, client, oauth):
        codes = []

        def repeat(request):
            codes.append(form(request)["code_verifier"])
            return repeating(request)

        with site.auth.answering(token=repeat):
            outcome = must_fail(site, client, "MCP_OAUTH_FAILED")
        must_not_show(outcome, [*client.lines, outcome.oauth_code], *codes)
        client.login().must_be("MCP_OK")
        site.auth.expire()
        with site.auth.answering(token=repeating):
            must_fail(site, client, "MCP_OAUTH_FAILED")


@case
def secrets_in_other_pages_of_a_token_endpoint_are_not_shown():
    pages = [
        lambda request: html(500, request.body.decode()),
        lambda request: http(200, request.body, kind="text/plain"),
        lambda request: http(200, {"access_token": form(request)["code"] + " with a space"}),
        lambda request: http(200, {"access_token": "x", "token_type": form(request)["code"]}),
        lambda request: http(307, kind=None, Location=f"/moved?{request.body.decode()}"),
        lambda request: http(401, {}, WWW_Authenticate=f'Basic realm="{request.body.decode()}"'),
    ]
    for page in pages:
        with new_site() as (site, client, _), site.auth.answering(token=page):
            must_fail(site, client, "MCP_OAUTH_FAILED", "MCP_REDIRECT_REFUSED")


@case
def a_client_secret_is_not_shown():
    for method in ("client_secret_basic", "client_secret_post"):
        with Site() as site:
            site.auth.members["token_endpoint_auth_methods_supported"] = [method]
            with using(site) as (client, _), site.auth.answering(token=repeating):
                must_fail(site, client, "MCP_OAUTH_FAILED")
            assert [text for text in site.auth.secrets if text.startswith("client-secret")]
        # A configured one.
        with Site() as site:
            site.auth.members["token_endpoint_auth_methods_supported"] = [method]
            secret = "s3cr3t/with+signs=="
            site.auth.secrets.append(secret)
            with using(site, client=(site.auth.issuer, "the-client", secret)) as (client, _):
                with site.auth.answering(authorize=accept_any_client(site), token=repeating):
                    must_fail(site, client, "MCP_OAUTH_FAILED")


def accept_any_client(site):
    def answer(request):
        asked = query(request.path)
        return redirect(asked["redirect_uri"], code=site.auth.code(asked), state=asked["state"], iss=site.auth.issuer)

    return answer


@case
def the_secret_of_client_credentials_is_not_shown():
    with Site() as site:
        site.auth.secrets.append("s3cr3t-of-the-service")
        given = (site.auth.issuer, "service", site.auth.secrets[-1])
        with using(site, person=None, client=given, grant=CLIENT_CREDENTIALS) as (client, _):
            with site.auth.answering(token=repeating):
                must_fail(site, client, "MCP_OAUTH_FAILED")


@case
def tokens_that_the_mcp_server_repeats_are_not_shown():
    with new_site() as (site, client, _):
        client.ping().must_be("MCP_OK")

        def refuse(request):
            text = f"{request.authorization} is bad"
            return challenge(403, error="insufficient_scope", error_description=text)

        with site.mcp.answering(mcp=refuse):
            must_fail(site, client, "MCP_FORBIDDEN")
        with site.mcp.answering(mcp=lambda request: http(500, request.authorization, kind="text/plain")):
            must_fail(site, client, "MCP_SERVER_ERROR")


@case
def an_invalid_redirect_is_not_repeated():
    """It may contain the code of another login."""

    def mangle(login):
        location = location_of(login)
        for url in (location.replace("state=", "stats="), location.replace("callback?", "callback/")):
            outcome = login.finish_later(url)
            assert outcome.status != "MCP_OK", url
            must_not_show(outcome, [], *login.oauth.site.auth.secrets)
        follow(login)

    with Site() as site, using(site, person=mangle) as (client, oauth):
        oauth.site = site
        client.ping().must_be("MCP_OK")


@case
def neither_the_state_nor_the_log_contains_a_secret():
    with new_site() as (site, client, _):
        client.ping().must_be("MCP_OK")
        site.auth.expire()
        client.ping().must_be("MCP_OK")
        shown = json.dumps(client.state())
        client.logout().must_be("MCP_OK")
        assert not [text for text in site.auth.secrets if text in shown], shown
        assert client.lines, "there are no log lines"


# --- The store --------------------------------------------------------------------------------------------------------


@case
def the_failure_of_a_store_is_reported_without_its_text():
    for operation in ("load", "save", "lock"):
        store = Store()
        with Site() as site, using(site, store=store) as (client, oauth):
            client.ping().must_be("MCP_OK")
            site.auth.expire()
            store.failures[operation] = "the keychain is locked"
            outcome = client.ping().must_be("MCP_OAUTH_FAILED")
            assert "the keychain is locked" in outcome.message, outcome.message
            must_be_printable(outcome)
            store.failures.clear()
            client.login().must_be("MCP_OK")
            client.ping().must_be("MCP_OK")


@case
def a_lock_that_cannot_be_released_fails_no_call():
    """The tokens are stored, and the next call may be able to lock the record."""
    store = Store()
    with Site() as site, using(site, store=store) as (client, _):
        client.ping().must_be("MCP_OK")
        site.auth.expire()
        # The lock is released nevertheless, as that of a system is that reports a failure.
        store.failures["unlock"] = "the keychain is locked"
        lock, store.lock = store.lock, lambda *_: None
        client.ping().must_be("MCP_OK")
        store.failures.clear()
        store.lock = lock
        assert len(site.auth.refreshes()) == 1, site.auth.refreshes()


@case
def damaged_records_are_reported_without_their_text():
    for damage in (b"", b"{", b"[]", b'{"v":99,"s3cr3t":1}', b"s3cr3t", b'{"v":1,"s3cr3t":"x"}', b'"s3cr3t"'):
        store = Store()
        with Site() as site:
            with logged_in(site, store=store):
                pass
            [key] = store.records
            store.records[key] = damage
            with using(site, store=store) as (client, _):
                outcome = client.ping()
                print(f"    {damage}: {outcome.status}: {outcome.message}")
                assert outcome.status in ("MCP_OK", "MCP_OAUTH_FAILED"), outcome.status
                client.must_not_show("s3cr3t")
                if b"99" in damage:
                    # A newer version of the library wrote it.
                    assert outcome.status == "MCP_OAUTH_FAILED" and store.records[key] == damage, store.records


@case
def no_callback_gets_the_texts_of_another_server():
    """The key of a record is the resource and the client, and each server has its own record."""
    store = Store()
    with Site() as first, Site() as second, using(first, store=store) as (client, oauth):
        with OAuthClient(second.url, oauth) as other:
            client.ping().must_be("MCP_OK")
            other.ping().must_be("MCP_OK")
        texts = {key: text.decode() for key, text in store.records.items()}
        assert len(texts) == 2, list(texts)
        for site, foreign in ((first, second), (second, first)):
            [text] = [text for key, text in texts.items() if site.url in key]
            assert not [secret for secret in foreign.auth.secrets if secret in text], text


run()
