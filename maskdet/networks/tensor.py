"""The type of a tensor: whatever the Keras backend in use has, or a symbolic one."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any
