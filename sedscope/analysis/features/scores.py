"""s_x: the one number per probe whose derivative by the feature is the probe's centroid.

Decides how a score is read off a model's output. Leaves to others: running the model and differentiating it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor

from recorders.errors import UsageError

CentroidKind: TypeAlias = Literal["target_logit", "sum_of_logits", "output"]


def score(output: Tensor, targets: Tensor, kind: CentroidKind) -> Tensor:
    """Read s_x `[N]` off the output of a batch.

    Args:
        output: `[N, C]` logits, `[N, T, C]` logits at T positions, or `[N, …]` for a regression.
        targets: Class indices `[N]` or `[N, T]`; not looked at by the other kinds.
        kind: "target_logit": ℓ_y, as in arXiv 2604.25143. "sum_of_logits": J^T·1, the convention of the Linear
            Centroid Hypothesis (arXiv 2604.11962). "output": a regression's own output. Several positions or outputs of
            one probe add up.

    Raises:
        UsageError: An unknown kind, or targets that do not fit.
    """
    if kind == "target_logit":
        if targets.shape != output.shape[:-1] or targets.is_floating_point():
            raise UsageError(
                f"centroid target_logit: needs integer targets of shape {list(output.shape[:-1])};"
                f" found {targets.dtype} {list(targets.shape)}"
            )
        # Ignored targets are negative: they read class 0, and count for nothing.
        logits = output.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1)
        return (logits * (targets >= 0)).reshape(len(output), -1).sum(1)
    if kind in ("sum_of_logits", "output"):
        return output.reshape(len(output), -1).sum(1)
    raise UsageError(f"centroid: must be target_logit, sum_of_logits or output; found {kind}")


def centred_output(output: Tensor, kind: CentroidKind) -> Tensor:
    """Return the output of R^logit `[N, L]`: logits minus their mean over classes; a regression's output as it is.

    Adding a constant to all logits of an example changes no prediction, so directions that do only that count for
    nothing.
    """
    centred = output if kind == "output" else output - output.mean(dim=-1, keepdim=True)
    return centred.reshape(len(output), -1)
