"""Strict query strings: a parameter that a route does not know is refused."""

from collections.abc import Set
from typing import get_args, get_origin

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from api.errors import InvalidRequestError

FREE = "x-free-query"  # a route with this in `openapi_extra` checks the names itself


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not declare, and those given twice."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\0" in name or "\0" in str(value):
            raise InvalidRequestError(f"{name!r} contains a NUL character", ((name, "contains a NUL character"),))
    if not request.scope["query_string"]:
        return
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or (route.openapi_extra or {}).get(FREE):
        return
    fields = get_flat_params(route.dependant)
    asked = [field for field in fields if isinstance(field.field_info, params.Query)]
    lists = {field.alias for field in asked if _is_list(field.field_info.annotation)}
    refuse_others(request, {field.alias for field in asked}, lists=lists)


def refuse_others(request: Request, known: Set[str], *, lists: Set[str] = frozenset()) -> None:
    """Refuse query parameters outside `known`, and those outside `lists` that are given twice."""
    names = [name for name, _ in request.query_params.multi_items()]
    errors = [(name, "is not a parameter of this address") for name in names if name not in known]
    errors += [(name, "is given more than once") for name in sorted(set(names) - lists) if names.count(name) > 1]
    if errors:
        raise InvalidRequestError("; ".join(f"{name!r} {why}" for name, why in errors), tuple(errors))


def _is_list(annotation: object) -> bool:
    """Tell whether a parameter may be given several times: `list[T]` or `list[T] | None`."""
    return any(get_origin(one) is list for one in (annotation, *get_args(annotation)))
