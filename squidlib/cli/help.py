"""Help texts: what tyro shows of an option that need not be given."""

from __future__ import annotations

from dataclasses import replace
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

if TYPE_CHECKING:
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo


def optional_without_none() -> ConstructorRegistry:
    """A registry by which ``float | None`` reads FLOAT in the help, and no word on the command line stands for None."""
    from tyro.constructors import ConstructorRegistry, PrimitiveTypeInfo

    registry = ConstructorRegistry()

    @registry.primitive_rule
    def optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if get_origin(info.type) not in (Union, UnionType) or NoneType not in get_args(info.type):
            return None
        given: Any = Union[tuple(part for part in get_args(info.type) if part is not NoneType)]  # noqa: UP007 (made here)
        spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(given, info.markers))
        if isinstance(spec, Exception):
            return None
        return replace(
            spec,
            is_instance=lambda value: value is None or spec.is_instance(value),
            str_from_instance=lambda value: ["none"] if value is None else spec.str_from_instance(value),
        )

    return registry
