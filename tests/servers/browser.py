"""browser.py [OPTION...] URL: logs in at an authorization server as a person in a browser would, without a browser.

It requests the authorization URL, follows redirects, keeps cookies, and fills in and submits every form, until the
server redirects to the `redirect_uri` of the URL. Then it requests that, if it is an http URL of this machine, and
otherwise prints it.

Options:
    --print        prints the redirect URL in any case, instead of requesting it
    --deny         declines where a page asks for consent
    --background   returns before the login, as a command does that hands the URL to a running browser
    --log FILE     appends every request to FILE

A program that honors BROWSER uses it with BROWSER="python3 browser.py --background %s".
"""

import argparse
import html.parser
import http.cookiejar
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

USER, PASSWORD = "alice", "wonderland"
SECONDS = 20
MAX_PAGES = 30
DECLINING = re.compile(r"den(y|ied)|cancel|abort|decline|reject", re.IGNORECASE)


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, text


class Page(html.parser.HTMLParser):
    """The forms and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []  # target, text
        self.open_form: Form | None = None
        self.button: list[str] | None = None
        self.link: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        form = self.open_form
        if tag == "form":
            self.open_form = Form(given.get("action", ""), given.get("method", "get").upper())
            self.forms.append(self.open_form)
        elif tag == "a":
            self.link = [given.get("href", ""), ""]
        elif tag == "button" or (tag == "input" and given.get("type") in ("submit", "image")):
            if form and given.get("type") not in ("button", "reset"):
                self.button = [given.get("name", ""), given.get("value", ""), given.get("value", "")]
                if tag == "input":
                    self.handle_endtag("button")
        elif tag == "input" and form and given.get("name"):
            self.handle_input(form, given)

    def handle_input(self, form: Form, given: dict[str, str]) -> None:
        match given.get("type", "text"):
            case "hidden":
                form.fields[given["name"]] = given.get("value", "")
            case "checkbox" | "radio":
                form.fields.setdefault(given["name"], given.get("value", "on"))
            case "password":
                form.fields[given["name"]] = PASSWORD
            case _:
                form.fields[given["name"]] = given.get("value") or USER

    def handle_data(self, data: str) -> None:
        for element in (self.button, self.link):
            if element:
                element[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open_form = None
        elif tag == "button" and self.button and self.open_form:
            self.open_form.buttons.append((self.button[0], self.button[1], self.button[2].strip()))
            self.button = None
        elif tag == "a" and self.link:
            self.links.append((self.link[0], self.link[1].strip()))
            self.link = None


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Browser:
    def __init__(self, deny: bool = False, log: TextIO | None = None) -> None:
        self.deny, self.log = deny, log
        self.opener = urllib.request.build_opener(
            NoRedirects,
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.ProxyHandler({}),
        )

    def request(self, url: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Returns the status, the Location and the body."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        headers = {"Accept": "text/html", "User-Agent": "browser.py"}
        try:
            response = self.opener.open(urllib.request.Request(url, data, headers), timeout=SECONDS)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            body = response.read().decode(errors="replace")
        location = response.headers.get("Location") or ""
        if self.log:
            method = "GET" if fields is None else "POST"
            print(method, url, "->", response.status, location, file=self.log, flush=True)
        return response.status, location, body

    def log_in(self, url: str) -> str:
        """Returns the URL that the server redirects to in the end."""
        if self.log:
            print("open", url, file=self.log, flush=True)
        end = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"][0]
        status, location, body = self.request(url)
        for _ in range(MAX_PAGES):
            if 300 <= status < 400 and location:
                url = urllib.parse.urljoin(url, location)
                if url.split("?")[0] == end.split("?")[0]:
                    return url
                status, location, body = self.request(url)
                continue
            url, fields = self.next_request(url, Page(body), f"{url} responded with {status}: {body[:1000]}")
            status, location, body = self.request(url, fields)
        raise SystemExit(f"not logged in after {MAX_PAGES} pages, the last is {url}")

    def next_request(self, url: str, page: Page, problem: str) -> tuple[str, dict[str, str] | None]:
        """What a person does on a page: the URL, and the fields of the form if it is sent with POST."""
        if self.deny:
            for target, text in page.links:
                if DECLINING.search(text):
                    return urllib.parse.urljoin(url, target), None
        for form in page.forms:
            buttons = [button for button in form.buttons if bool(DECLINING.search(" ".join(button))) == self.deny]
            # A login form has no button that declines: the person logs in first.
            name, value, _ = (buttons or form.buttons or [("", "", "")])[0]
            fields = form.fields | ({name: value} if name else {})
            target = urllib.parse.urljoin(url, form.action)
            if form.method == "POST":
                return target, fields
            return f"{target.split('?')[0]}?{urllib.parse.urlencode(fields)}", None
        raise SystemExit(f"no form: {problem}")


def is_on_this_machine(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--print", action="store_true", dest="only_print")
    parser.add_argument("--deny", action="store_true")
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    if options.background and os.fork():
        os._exit(0)
    with open(options.log, "a") as log:
        try:
            browser = Browser(options.deny, log)
            redirect = browser.log_in(options.url)
            if options.only_print or not is_on_this_machine(redirect):
                return print(redirect)
            status, _, body = browser.request(redirect)
            if status >= 400:
                raise SystemExit(f"the program responded to the redirect with {status}: {body[:1000]}")
        except (SystemExit, OSError) as error:
            print(error, file=log)
            raise


if __name__ == "__main__":
    main()
