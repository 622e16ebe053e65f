"""Uploads by the GraphQL multipart request specification."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from server.graphql.transport.bodies import limited
from server.graphql.transport.request import BadRequestError, GraphQLRequest, json_of, of_object
from server.settings import Settings

PREFLIGHT_HEADERS = ("x-samverkan-request", "graphql-preflight", "apollo-require-preflight")
"""A page of another site cannot set any of these without asking first, and only listed origins are answered."""
MOST_FILES = 10


def check_preflight(request: Request) -> None:
    """Refuses an upload that a form on another site could have sent: one without a token and without such a header."""
    if "authorization" not in request.headers and not any(name in request.headers for name in PREFLIGHT_HEADERS):
        message = "Uploads without a bearer token need the header X-Samverkan-Request: 1; no foreign form can send it."
        raise BadRequestError(403, message, "PREFLIGHT_HEADER_MISSING")


async def of_multipart(request: Request, settings: Settings) -> GraphQLRequest:
    """The request with its files in their places: operations, map, files."""
    stream = limited(request, settings.max_body_bytes + settings.max_document_bytes)
    parser = MultiPartParser(
        request.headers, stream, max_files=MOST_FILES, max_fields=2, max_part_size=settings.max_body_bytes
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadRequestError(400, f"The multipart body cannot be read: {error.message}") from None
    files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    try:
        operations, places = (_part(form, name) for name in ("operations", "map"))
        asked = of_object(operations)
        _put_files(operations, places, form)
    except BaseException:
        for file in files:
            await file.close()
        raise
    asked.files = files
    return asked


def _part(form: Mapping[str, Any], name: str) -> Any:
    text = form.get(name)
    if not isinstance(text, str):
        raise BadRequestError(400, f"The multipart body has no field {name}; send operations, map, then the files.")
    return json_of(text.encode(), f"The part {name}")


def _put_files(operations: dict[str, Any], places: Any, form: Mapping[str, Any]) -> None:
    """Puts each file where the map says: a null inside the variables."""
    if not isinstance(places, dict):
        raise BadRequestError(400, "The part map must be an object from file names to lists of paths.")
    for name, paths in places.items():
        file = form.get(name)
        if not isinstance(file, UploadFile) or not isinstance(paths, list):
            raise BadRequestError(400, f"The part map needs a file {name!r:.80} and a list of paths for it.")
        for path in paths:
            _put(operations, path, file)


def _put(operations: dict[str, Any], path: Any, file: UploadFile) -> None:
    *way, last = path.split(".") if isinstance(path, str) else [""]
    target: Any = operations if way[:1] == ["variables"] else None
    for step in way:
        target = _inside(target, step)
    if _inside(target, last, missing=file) is not None:
        raise BadRequestError(400, f"The part map names the path {path!r:.80}, which is not a null in the variables.")
    target[int(last) if isinstance(target, list) else last] = file


def _inside(container: Any, step: str, missing: Any = None) -> Any:
    """What `container` holds under `step`; `missing` when there is no such place."""
    if isinstance(container, dict):
        return container.get(step, missing)
    if isinstance(container, list) and step.isdecimal() and int(step) < len(container):
        return container[int(step)]
    return missing
