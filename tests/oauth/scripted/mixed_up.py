"""Authorization responses that do not come from the authorization server of the login, or not for the first time."""

from urllib.parse import urlencode

from oauth_client import OAuthClient, follow, ignore, location_of, logged_in, paste, using
from scripted_server import Site, query, redirect

from harness import case, run


def answering(site, **parameters):
    """An authorization endpoint whose responses have other parameters; None leaves one out."""

    def answer(request):
        asked = query(request.path)
        usual = {"code": site.auth.code(asked), "state": asked["state"], "iss": site.auth.issuer}
        return redirect(asked["redirect_uri"], **(usual | parameters))

    return site.auth.answering(authorize=answer)


def pass_on(login):
    """As `follow`, but the library may refuse the redirect at once."""
    login.finish(location_of(login))


def must_refuse(site, parameters, *words):
    """The login fails before a token request, and the program learns why."""
    with using(site, person=pass_on) as (client, oauth), answering(site, **parameters):
        outcome = client.ping().must_be("MCP_OAUTH_FAILED")
        for word in words:
            assert word in outcome.message, f"no {word} in: {outcome.message}"
        assert not site.auth.received("token"), site.auth.saw()
        oauth.person = follow
        return outcome


# --- The issuer -------------------------------------------------------------------------------------------------------


@case
def a_response_of_another_issuer_is_refused():
    with Site() as site:
        issuer, other = site.auth.issuer, "https://attacker.example"
        for found in (other, f"{issuer}/", issuer.upper(), issuer.replace("127.0.0.1", "localhost"), f"{issuer}/tenant",
                      issuer.replace("http:", "https:"), ""):  # fmt: skip
            for advertised in (True, False, None):
                site.auth.members["authorization_response_iss_parameter_supported"] = advertised
                if found or advertised:
                    must_refuse(site, {"iss": found}, found, issuer)


@case
def a_response_without_an_advertised_issuer_is_refused():
    with Site() as site:
        must_refuse(site, {"iss": None}, "iss", site.auth.issuer)


@case
def a_response_without_an_issuer_is_accepted_where_none_is_advertised():
    with Site() as site:
        for advertised in (False, None):
            site.auth.members["authorization_response_iss_parameter_supported"] = advertised
            with using(site) as (client, _), answering(site, iss=None):
                client.ping().must_be("MCP_OK")


@case
def the_error_of_another_issuer_is_not_shown():
    with Site() as site:
        error = {"code": None, "error": "planted_code", "error_description": "planted text"}
        outcome = must_refuse(site, error | {"iss": "https://attacker.example"})
        assert "planted" not in outcome.message and "planted" not in outcome.oauth_code, outcome
        outcome = must_refuse(site, error | {"iss": None})
        assert "planted" not in outcome.message and "planted" not in outcome.oauth_code, outcome


@case
def an_error_of_the_right_issuer_is_shown():
    with Site() as site, using(site) as (client, oauth):
        denied = {"code": None, "error": "access_denied", "error_description": "The person said no"}
        with answering(site, **denied):
            outcome = client.ping().must_be("MCP_LOGIN_FAILED")
        assert outcome.oauth_code == "access_denied" and "The person said no" in outcome.message, outcome
        assert not site.auth.received("token"), site.auth.saw()
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        client.login().must_be("MCP_OK")
        assert len(oauth.logins) == 2, oauth.logins


# --- Responses that belong to no login --------------------------------------------------------------------------------


def forged(login, **parameters):
    return f"{login.redirect_uri}?{urlencode(parameters)}"


@case
def a_redirect_with_another_state_does_not_end_the_login():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        ping = client.begin_ping()
        login = oauth.must_ask()
        right, issuer = login.asked["state"], site.auth.issuer
        for url in (
            forged(login, code="planted", state="wrong", iss=issuer),
            forged(login, code="planted", state="", iss=issuer),
            forged(login, code="planted", iss=issuer),
            forged(login, code="planted", state=right[:-1], iss=issuer),
            forged(login, code="planted", state=right.swapcase(), iss=issuer),
            forged(login, error="access_denied", state="wrong", iss=issuer),
            login.redirect_uri,
            "http://127.0.0.1/",
            "com.example:/callback",
            "",
            "not a URL",
        ):
            login.finish_later(url).must_be("MCP_INVALID_ARGUMENT")
        paste(login)
        ping.result().must_be("MCP_OK")
        assert len(site.auth.received("token")) == 1, site.auth.saw()


@case
def a_repeated_parameter_is_refused():
    for name in ("code", "iss", "state", "error"):

        def answer(login, name=name):
            location = location_of(login)
            value = {"state": login.asked["state"]}.get(name, "planted")
            login.finish(f"{location}&{name}={value}")
            if name == "error":
                login.finish(f"{location}&error=a&error=b")

        with Site() as site, using(site, person=answer, login=(1, 100)) as (client, _):
            client.ping().must_be("MCP_OAUTH_FAILED", "MCP_LOGIN_FAILED")
            assert not site.auth.received("token"), (name, site.auth.saw())


@case
def a_redirect_is_accepted_once():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        ping = client.begin_ping()
        login = oauth.must_ask()
        location = location_of(login)
        login.finish_later(location).must_be("MCP_OK")
        ping.result().must_be("MCP_OK")
        login.finish_later(location).must_be("MCP_INVALID_ARGUMENT")
        # Not in the next login either.
        site.auth.revoke_all()
        ping = client.begin_ping()
        second = oauth.must_ask(2)
        second.finish_later(location).must_be("MCP_INVALID_ARGUMENT")
        paste(second)
        ping.result().must_be("MCP_OK")
        assert len(site.auth.token_requests("authorization_code")) == 2, site.auth.token_requests()


@case
def each_login_has_its_own_state_and_verifier():
    with Site() as site, logged_in(site) as (client, oauth):
        for _ in range(3):
            site.auth.revoke_all()
            client.ping().must_be("MCP_OK")
        for name in ("state", "code_challenge"):
            values = {login.asked[name] for login in oauth.logins}
            assert len(values) == 4, values


@case
def a_redirect_of_another_login_is_not_mixed_up():
    """Two MCP servers with one mcp_oauth, and both persons log in at the same time."""
    with Site() as first, Site() as second, using(first, person=ignore) as (client, oauth):
        with OAuthClient(second.url, oauth) as other:
            pings = [client.begin_ping(), other.begin_ping()]
            oauth.must_ask(2)
            by_issuer = {login.issuer: login for login in oauth.logins}
            for site in (second, first):
                paste(by_issuer[site.auth.issuer])
            for ping in pings:
                ping.result().must_be("MCP_OK")
        for site in (first, second):
            assert len(site.auth.received("token")) == 1, site.auth.saw()


run()
