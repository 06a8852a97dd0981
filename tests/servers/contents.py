"""A tool result with every type of content, for the servers features_fastmcp.py and features_sdk.py."""

from pydantic import TypeAdapter

# Servers also send base64 with the alphabet for URLs and without padding.
BLOCKS = [
    {"type": "text", "text": "All types:"},
    {"type": "image", "data": "-_8B", "mimeType": "image/png"},
    {"type": "audio", "data": "-_8BAg", "mimeType": "audio/wav"},
    {"type": "resource_link", "uri": "memo://text", "name": "memo", "mimeType": "text/plain"},
    {"type": "resource", "resource": {"uri": "memo://text", "mimeType": "text/plain", "text": "diary"}},
    {"type": "resource", "resource": {"uri": "memo://bytes", "blob": "+/8BAg=="}},
]


def contents(types) -> list:
    """The blocks as objects of the module `types`, which the versions of the SDK have under different names."""
    block = TypeAdapter(types.ContentBlock)
    return [block.validate_python(each) for each in BLOCKS]
