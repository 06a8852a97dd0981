"""A server on the Python SDK (mcp 2.x) with all kinds of features, which the programs of ../protocol use."""

import argparse
import base64
from typing import Annotated

from mcp.server.auth.settings import AuthSettings
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import (
    Context,
    Elicit,
    ElicitationResult,
    Image,
    ListRoots,
    MCPServer,
    Resolve,
    Sample,
)
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import Completion, CreateMessageResult, ListRootsResult, SamplingMessage, TextContent
from pydantic import BaseModel

import announce
from sdk_server import Verifier

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TOPICS = ("rust", "ruby", "python")


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


class Greeting(BaseModel):
    name: str
    greeting: str = "Hello"


class Colour(BaseModel):
    colour: str


def ask_greeting() -> Elicit[Greeting]:
    return Elicit("Who are you?", Greeting)


def ask_colour() -> Elicit[Colour]:
    return Elicit("Which colour?", Colour)


def messages(prompt: str) -> list[SamplingMessage]:
    return [SamplingMessage(role="user", content=TextContent(type="text", text=prompt))]


def sample(prompt: str) -> Sample:
    return Sample(messages(prompt), max_tokens=16)


def sample_all() -> Sample:
    return Sample(messages("all"), max_tokens=16)


def list_roots() -> ListRoots:
    return ListRoots()


def make(auth: dict) -> MCPServer:
    hints = {
        "tools/list": CacheHint(ttl_ms=60000, scope="public"),
        "resources/read": CacheHint(ttl_ms=60000),
    }
    server = MCPServer(
        name="libmcp-features",
        version="1.2.3",
        instructions="For tests.",
        cache_hints=hints,
        **auth,
    )
    tools(server)
    resources_and_prompts(server)
    changes(server)
    inputs(server)
    return server


def tools(server: MCPServer) -> None:
    @server.tool()
    def echo(text: str) -> str:
        return text

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    def person(name: str, age: int) -> Person:
        return Person(name=name, age=age, tags=["a", "b"])

    @server.tool()
    def fail(why: str) -> str:
        raise ToolError(why)

    @server.tool()
    def picture() -> Image:
        return Image(data=PIXEL, format="png")

    @server.tool()
    async def count(steps: int, ctx: Context) -> str:
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
        return f"counted to {steps}"

    @server.tool()
    async def speak(text: str, ctx: Context) -> str:
        for log in (ctx.debug, ctx.info, ctx.warning, ctx.error):
            await log(text, logger_name="speaker")
        return "spoken"


def resources_and_prompts(server: MCPServer) -> None:
    @server.resource("memo://text", name="memo", mime_type="text/plain")
    def memo() -> str:
        return "Dear diary"

    @server.resource("memo://bytes", name="bytes", mime_type="application/octet-stream")
    def all_bytes() -> bytes:
        return bytes(range(256))

    @server.resource("memo://squares/{number}", name="square", mime_type="text/plain")
    def square(number: int) -> str:
        return str(int(number) ** 2)

    @server.prompt(description="Greets.")
    def greet() -> str:
        return "Say hello."

    @server.prompt(description="Explains.")
    def explain(topic: str, style: str | None = None) -> str:
        return f"Explain {topic} in {style}." if style else f"Explain {topic}."

    @server.completion()
    async def complete(ref, argument, context):
        values = TOPICS if argument.name == "topic" else ("1", "12", "123")
        return Completion(values=[value for value in values if value.startswith(argument.value)])


def changes(server: MCPServer) -> None:
    @server.tool()
    async def change(what: str, ctx: Context) -> str:
        if ctx.protocol_version >= "2026":
            await getattr(ctx, f"notify_{what}_changed")()
        else:
            await getattr(ctx.session, f"send_{what.removesuffix('s')}_list_changed")()
        return "changed"

    @server.tool()
    async def touch(uri: str, ctx: Context) -> str:
        if ctx.protocol_version >= "2026":
            await ctx.notify_resource_updated(uri)
        else:
            await ctx.session.send_resource_updated(uri)
        return "touched"


def inputs(server: MCPServer) -> None:
    @server.tool()
    def ask_name(answer: Annotated[ElicitationResult[Greeting], Resolve(ask_greeting)]) -> str:
        if answer.action != "accept":
            return f"action: {answer.action}"
        return f"{answer.data.greeting}, {answer.data.name}!"

    @server.tool()
    async def ask_name_directly(ctx: Context) -> str:
        answer = await ctx.elicit("Who are you?", Greeting)  # fails with modern versions
        if answer.action != "accept":
            return f"action: {answer.action}"
        return f"{answer.data.greeting}, {answer.data.name}!"

    @server.tool()
    def ask_model(prompt: str, answer: Annotated[CreateMessageResult, Resolve(sample)]) -> str:
        return answer.content.text

    @server.tool()
    def ask_roots(answer: Annotated[ListRootsResult, Resolve(list_roots)]) -> str:
        return " ".join(str(root.uri) for root in answer.roots)

    @server.tool()
    def ask_all(
        form: Annotated[Colour, Resolve(ask_colour)],
        answer: Annotated[CreateMessageResult, Resolve(sample_all)],
        roots: Annotated[ListRootsResult, Resolve(list_roots)],
    ) -> str:
        return f"three: {form.colour}, {answer.content.text}, {len(roots.roots)}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sse", action="store_true", help="HTTP+SSE instead of Streamable HTTP")
    parser.add_argument("--stdio", action="store_true")
    options = parser.parse_args()
    if options.stdio:
        return make({}).run(transport="stdio")
    settings = AuthSettings(
        issuer_url="https://issuer.test",
        resource_server_url="https://libmcp.test/mcp",
        required_scopes=[announce.SCOPE],
        validate_token_resource=False,
    )
    server = make({"token_verifier": Verifier(), "auth": settings})
    app = server.sse_app(sse_path=announce.SSE) if options.sse else server.streamable_http_app()
    announce.serve(app, announce.TOKENS, options.sse)


if __name__ == "__main__":
    main()
