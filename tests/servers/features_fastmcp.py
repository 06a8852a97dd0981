"""A FastMCP server with all kinds of features. The venv determines the version of FastMCP: 2.x, 3.x or 4.x.

It has the features of features_sdk.py and ts2/server.mjs, as far as FastMCP supports them: the programs of ../protocol
run against all three.
"""

import argparse
import base64
from dataclasses import dataclass

import fastmcp
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from fastmcp.utilities.types import Image

import announce

MAJOR = int(fastmcp.__version__.split(".")[0])
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TOPICS = ("rust", "ruby", "python")


@dataclass
class Person:
    name: str
    age: int
    tags: list[str]


@dataclass
class Greeting:
    name: str
    greeting: str = "Hello"


def make(auth: StaticTokenVerifier | None) -> FastMCP:
    pages = {"list_page_size": 2} if MAJOR >= 3 else {}
    server = FastMCP(
        name="libmcp-features", version="1.2.3", instructions="For tests.", auth=auth, **pages
    )
    tools(server)
    resources_and_prompts(server)
    changes(server)
    modern_inputs(server) if MAJOR >= 4 else legacy_inputs(server)
    return server


def tools(server: FastMCP) -> None:
    @server.tool
    def echo(text: str) -> str:
        return text

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    @server.tool
    def person(name: str, age: int) -> Person:
        return Person(name, age, ["a", "b"])

    @server.tool
    def fail(why: str) -> str:
        raise ToolError(why)

    @server.tool
    def picture() -> Image:
        return Image(data=PIXEL, format="png")

    @server.tool
    async def count(steps: int, ctx: Context) -> str:
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
        return f"counted to {steps}"

    @server.tool
    async def speak(text: str, ctx: Context) -> str:
        for log in (ctx.debug, ctx.info, ctx.warning, ctx.error):
            await log(text, logger_name="speaker")
        return "spoken"


def resources_and_prompts(server: FastMCP) -> None:
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

    if MAJOR >= 4:

        @server.completion
        async def complete(ref, argument, context):
            values = TOPICS if argument.name == "topic" else ("1", "12", "123")
            return [value for value in values if value.startswith(argument.value)]


def changes(server: FastMCP) -> None:
    @server.tool
    async def change(what: str, ctx: Context) -> str:
        session = ctx.session
        await getattr(session, f"send_{what.removesuffix('s')}_list_changed")()
        return "changed"


def legacy_inputs(server: FastMCP) -> None:
    @server.tool
    async def ask_name(ctx: Context) -> str:
        answer = await ctx.elicit("Who are you?", response_type=Greeting)
        if answer.action != "accept":
            return f"action: {answer.action}"
        return f"{answer.data.greeting}, {answer.data.name}!"

    @server.tool
    async def ask_model(prompt: str, ctx: Context) -> str:
        return (await ctx.sample(prompt, max_tokens=16)).text

    @server.tool
    async def ask_roots(ctx: Context) -> str:
        return " ".join(str(root.uri) for root in await ctx.list_roots())


def modern_inputs(server: FastMCP) -> None:
    """Since FastMCP 4, a tool requests input in its result; with legacy versions, the server sends requests."""
    import mcp_types as types
    from fastmcp.server.context import MODERN_PROTOCOL_VERSIONS

    def modern(ctx: Context) -> bool:
        return ctx.request_context.protocol_version in MODERN_PROTOCOL_VERSIONS

    def required(key: str, request, state: str | None = None) -> types.InputRequiredResult:
        return types.InputRequiredResult(input_requests={key: request}, request_state=state)

    def form(message: str, schema: dict) -> types.ElicitRequest:
        return types.ElicitRequest(
            params=types.ElicitRequestFormParams(message=message, requested_schema=schema)
        )

    greeting = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "greeting": {"type": "string", "default": "Hello"},
        },
        "required": ["name"],
    }

    async def elicited(ctx: Context) -> str:
        answer = await ctx.elicit("Who are you?", response_type=Greeting)
        if answer.action != "accept":
            return f"action: {answer.action}"
        return f"{answer.data.greeting}, {answer.data.name}!"

    @server.tool
    async def ask_name_directly(ctx: Context) -> str:
        """Fails with modern versions."""
        return await elicited(ctx)

    @server.tool
    async def ask_name(ctx: Context) -> str | types.InputRequiredResult:
        if not modern(ctx):
            return await elicited(ctx)
        if ctx.input_responses is None:
            return required("name", form("Who are you?", greeting))
        answer = ctx.input_responses["name"]
        if answer.action != "accept":
            return f"action: {answer.action}"
        return f"{answer.content['greeting']}, {answer.content['name']}!"

    @server.tool
    async def ask_model(prompt: str, ctx: Context) -> str | types.InputRequiredResult:
        messages = [
            types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
        ]
        if not modern(ctx):
            sample = await ctx.session.create_message(
                messages=messages, max_tokens=16, related_request_id=ctx.request_id
            )
            return sample.content.text
        if ctx.input_responses is None:
            params = types.CreateMessageRequestParams(messages=messages, max_tokens=16)
            return required("sample", types.CreateMessageRequest(params=params))
        return ctx.input_responses["sample"].content.text

    @server.tool
    async def ask_roots(ctx: Context) -> str | types.InputRequiredResult:
        if not modern(ctx):
            roots = await ctx.session.list_roots()
        elif ctx.input_responses is None:
            return required("roots", types.ListRootsRequest())
        else:
            roots = ctx.input_responses["roots"]
        return " ".join(str(root.uri) for root in roots.roots)

    @server.tool
    async def rounds(count: int, ctx: Context) -> str | types.InputRequiredResult:
        """Modern only: requests a word in each round; the state contains the words of the rounds before."""
        words = ctx.request_state.split() if ctx.request_state else []
        if ctx.input_responses is not None:
            words.append(ctx.input_responses[f"word{len(words) + 1}"].content["word"])
        if len(words) == count:
            return " ".join(words)
        number = len(words) + 1
        schema = {"type": "object", "properties": {"word": {"type": "string"}}}
        return required(f"word{number}", form(f"Word {number}?", schema), " ".join(words))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sse", action="store_true", help="HTTP+SSE instead of Streamable HTTP")
    parser.add_argument("--stdio", action="store_true")
    options = parser.parse_args()
    if options.stdio:
        return make(None).run(transport="stdio", show_banner=False)
    server = make(StaticTokenVerifier(tokens=announce.CLAIMS, required_scopes=[announce.SCOPE]))
    app = server.http_app(transport="sse", path=announce.SSE) if options.sse else server.http_app()
    announce.serve(app, announce.TOKENS, options.sse)


if __name__ == "__main__":
    main()
