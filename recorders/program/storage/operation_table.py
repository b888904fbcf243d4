"""The operations that a feature program may use: an explicit list, nothing inferred.

Decides which overloads are allowed and which of their arguments must have one fixed value. Left out are operations that
write in place, draw random numbers, have a result whose shape depends on values, open files, or can be brought to crash
the process by hostile arguments (recurrent layers, `as_strided`, `empty`, direct pooling backwards, FFT internals).
How arguments are checked is decided in `schema`; what replaces an operation when it runs, in `kernels`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _overloads(text: str) -> frozenset[str]:
    return frozenset(f"aten.{word}" if "." in word else f"aten.{word}.default" for word in text.split())


_POINTWISE: Final = """
abs acos acosh asin asinh atan atanh bitwise_not ceil cos cosh elu erf erfc exp exp2 expm1 floor frac gelu
hardshrink hardsigmoid hardswish hardtanh isfinite isinf isnan leaky_relu log log10 log1p log2 log_sigmoid logical_not
mish nan_to_num neg positive prelu reciprocal relu relu6 round rsqrt selu celu sigmoid sign sgn silu sin sinc sinh
softplus softshrink sqrt square tan tanh threshold trunc glu logit
add.Tensor add.Scalar sub.Tensor sub.Scalar rsub.Tensor rsub.Scalar mul.Tensor mul.Scalar
div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode floor_divide floor_divide.Scalar
remainder.Tensor remainder.Scalar remainder.Scalar_Tensor fmod.Tensor fmod.Scalar
pow.Tensor_Tensor pow.Tensor_Scalar pow.Scalar maximum minimum max.other min.other atan2 logaddexp
xlogy.Tensor xlogy.Scalar_Other lerp.Scalar lerp.Tensor addcmul addcdiv
eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar ge.Tensor ge.Scalar
logical_and logical_or logical_xor bitwise_and.Tensor bitwise_and.Scalar bitwise_or.Tensor bitwise_or.Scalar
bitwise_xor.Tensor bitwise_xor.Scalar where.self where.ScalarSelf where.ScalarOther where.Scalar
clamp clamp.Tensor clamp_min clamp_min.Tensor clamp_max clamp_max.Tensor masked_fill.Scalar masked_fill.Tensor
"""

_COMPLEX: Final = "view_as_real view_as_complex polar complex real imag conj _conj resolve_conj angle"

_REDUCTIONS: Final = """
sum sum.dim_IntList mean mean.dim amax amin max min max.dim min.dim argmax argmin prod prod.dim_int
var var.dim var.correction std std.dim std.correction var_mean.correction norm.ScalarOpt_dim norm.Scalar
linalg_vector_norm logsumexp all all.dim any any.dim cumsum cumprod topk sort sort.stable argsort count_nonzero
softmax.int log_softmax.int _softmax _log_softmax cosine_similarity
"""

_NORMS: Final = """
layer_norm native_layer_norm rms_norm group_norm native_group_norm instance_norm batch_norm
_native_batch_norm_legit_no_training
"""

_PRODUCTS: Final = """
linear matmul mm bmm addmm baddbmm mv addmv dot vdot outer einsum bilinear tril triu diagonal diag_embed trace
scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_attention_math
"""

_IMAGES: Final = """
conv1d conv1d.padding conv2d conv2d.padding conv3d conv3d.padding conv_transpose1d conv_transpose2d.input
conv_transpose3d.input convolution max_pool1d max_pool2d max_pool2d_with_indices avg_pool1d avg_pool2d avg_pool3d
adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d constant_pad_nd pad
reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d upsample_nearest1d.vec upsample_nearest2d.vec
upsample_nearest2d upsample_bilinear2d.vec upsample_bilinear2d pixel_shuffle pixel_unshuffle unfold im2col
"""

_SHAPES: Final = """
view _unsafe_view reshape view_as reshape_as expand expand_as broadcast_to flatten.using_ints unflatten.int
squeeze squeeze.dim squeeze.dims unsqueeze select.int slice.Tensor narrow transpose.int permute t numpy_T mT
swapaxes movedim.int movedim.intlist index.Tensor index_select gather take_along_dim cat stack hstack vstack
split.Tensor split_with_sizes chunk unbind.int tile repeat repeat_interleave.self_int roll flip contiguous
broadcast_tensors meshgrid.indexing meshgrid select_scatter slice_scatter index_put index_add
scatter.src scatter.value scatter_add clone detach alias copy to.dtype _to_copy type_as embedding one_hot ravel
"""

_FACTORIES: Final = """
arange arange.start arange.start_step zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full
scalar_tensor eye eye.m linspace tril_indices triu_indices
"""

POINTWISE: Final = _overloads(_POINTWISE)
"""Operations that work entry by entry on their expanded arguments; and `glu` and `prelu`, which nearly do."""

OPERATIONS: Final = POINTWISE.union(
    *map(_overloads, (_COMPLEX, _REDUCTIONS, _NORMS, _PRODUCTS, _IMAGES, _SHAPES, _FACTORIES))
)
"""ATen overloads, `aten.<operation>.<overload>`."""

INTEGER_OPERATIONS: Final[dict[str, Callable[..., int]]] = {
    f"int.{word}": getattr(operator, word) for word in ["add", "sub", "mul", "floordiv", "mod", "neg"]
}
"""Python's own operators on sizes, by the names that programs give them."""

SIZE: Final = "aten.sym_size.int"
"""The size of one axis, an integer."""

GETITEM: Final = "getitem"
"""One entry of an operation that returns several tensors."""

FIXED: Final[dict[str, dict[str, object]]] = {
    "aten.batch_norm.default": {"training": False},
    "aten.instance_norm.default": {"use_input_stats": True, "running_mean": None, "running_var": None},
    "aten.scaled_dot_product_attention.default": {"dropout_p": 0.0},
    "aten._scaled_dot_product_flash_attention_for_cpu.default": {"dropout_p": 0.0},
    "aten._scaled_dot_product_attention_math.default": {"dropout_p": 0.0, "dropout_mask": None},
    "aten.embedding.default": {"sparse": False, "scale_grad_by_freq": False},
    "aten.gather.default": {"sparse_grad": False},
}
"""Arguments that must have this value: the others are random, change their arguments, or give sparse gradients."""

NARROW: Final = _words(
    "kernel_size stride padding output_padding dilation groups num_groups chunks pad upscale_factor downscale_factor "
    "divisor_override correction alpha k"
)
"""Integer arguments that must be literals of at most `MAX_NARROW`: larger ones reach faults inside the kernels."""
MAX_NARROW: Final = 4_096
MAX_WIDE: Final = 2**24
"""Every other integer: sizes, positions, axes."""

HANDED_IN: Final = frozenset(("device", "layout", "pin_memory"))
"""Arguments that a program never holds: it runs wherever its inputs are."""

NUMBER_FOR_TENSOR: Final = frozenset(
    f"aten.{word}"
    for word in _words(
        "add.Tensor sub.Tensor rsub.Tensor mul.Tensor div.Tensor eq.Tensor ne.Tensor lt.Tensor le.Tensor gt.Tensor "
        "ge.Tensor remainder.Tensor fmod.Tensor bitwise_and.Tensor bitwise_or.Tensor div.Tensor_mode "
        "floor_divide.default"
    )
)
"""Operations where a number may stand in the place of their second tensor."""


def is_known(op: str) -> bool:
    """Return whether a program may hold this operation."""
    return op in OPERATIONS or op in INTEGER_OPERATIONS or op in (SIZE, GETITEM)
