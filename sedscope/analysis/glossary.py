"""Words that say of every quantity of a report what it is, how it is read, and what it does not show.

Decides these words once: the report links to them, the viewer's help shows them. Each entry is two or three sentences.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """A quantity as the report and the viewer explain it."""

    title: str
    text: str
    """Definition, and how to read the number."""
    limit: str
    """Conclusion that the number does not carry."""


GLOSSARY: dict[str, GlossaryEntry] = {
    "R": GlossaryEntry(
        "R_k and R̄_k",
        "R_k is how strongly the window's k-th direction moves the centroids, divided by the median over random"
        " directions of the same space; R̄_k is the mean over k. 1 is what a random direction does, 10 is ten times"
        " that; read it beside the controls and only within one selection of one model.",
        "It does not see labels: a gradient with shuffled labels can couple as strongly, so a high R̄_k alone is no"
        " evidence that a direction serves the task.",
    ),
    "R_logit": GlossaryEntry(
        "R^logit",
        "The same ratio for the model's centred outputs in place of its centroids. Where it follows R̄_k, coupling to"
        " features and sensitivity of the outputs are one thing.",
        "It does not tell which of the two is the cause.",
    ),
    "R_matched": GlossaryEntry(
        "R^matched",
        "R_k against random directions that have v_k's norm in every block, instead of directions spread evenly over"
        " all parameters. What R̄_k has above it comes from which matrices a direction lies in, not from where it"
        " points within them.",
        "It does not show that the matrices were chosen for a reason.",
    ),
    "peak": GlossaryEntry(
        "peak and final",
        "The largest R̄_k among checkpoints whose window is full, and R̄_k at the last checkpoint. Short windows, at"
        " the start, count for neither.",
        "A peak is a maximum over checkpoints, so it is biased upwards, more so with more checkpoints. At the first"
        " full window or at the last checkpoint (†) it is an edge of what was seen, and may be higher beyond.",
    ),
    "interval": GlossaryEntry(
        "95 % interval",
        "Percentile bootstrap over groups of probes and random directions, jointly. Where there are several fixed"
        " batches, Student's t on the logarithm over the batches, with the bootstrap's variance added: it then says"
        " how well the mean over all batches of the pool is known. The step of the peak is held fixed.",
        "It does not say how the number varies over seeds or trainings.",
    ),
    "effective_examples": GlossaryEntry(
        "effective examples",
        "1/Σw² of a fixed batch, w_x the share of example x in the sum of the norms of the loss's gradient with respect"
        " to the model's output: as many examples of equal weight would carry the batch's gradient. Over several"
        " batches the geometric mean. Below 10 the number is marked: another batch holds other such examples.",
        "Shares of the gradient with respect to the parameters differ by what each example's Jacobian makes of them.",
    ),
    "control_band": GlossaryEntry(
        "controls and their band",
        "Directions that know less than a gradient: with permuted labels (shuffled), of random cotangents (cotangent),"
        " of random combinations of per-example gradients (per example), one draw on each fixed batch. The band spans"
        " the controls, their draws and"
        " their intervals; a source inside it shows no more than they do.",
        "Lying above the band shows a difference from these controls, not what makes it.",
    ),
    "rank90": GlossaryEntry(
        "rank-90",
        "The least number of principal components that hold 90 % of the centroids' variance over the probes. A fall"
        " means that features gather in fewer directions.",
        "It says nothing about which directions, and depends on the number of probes.",
    ),
    "grok": GlossaryEntry(
        "grok step, memorisation step, delay",
        "The first evaluated step after 0 with test accuracy above chance, (accuracy − chance) / (1 − chance), of at"
        " least 0.5 (again at 0.98), the first with train accuracy of at least 0.99 above chance, and their difference"
        " where memorisation came first. Chance is what the script states, else 1 / number of classes; where it is"
        " unknown, or the published definition is asked for, it is not taken off. The true crossing lies within the"
        " evaluations' cadence before it.",
        "A crossing says when, not how sharply.",
    ),
    "k_star": GlossaryEntry(
        "spectral edge k* and gap",
        "k* is where neighbouring singular values of the window's rows fall most, σ_k*/σ_(k*+1) is the gap there. A"
        " wide gap means that the first k* directions are set apart from the rest.",
        "There is always a largest ratio: a gap near 1 is no edge.",
    ),
    "participation": GlossaryEntry(
        "participation ratio and flat spectrum",
        "(Σσ²)²/Σσ⁴ is how many directions share the window's energy. Where K exceeds it, or σ_K/σ_(K+1) < 1.1, the"
        " spectrum is called flat: other rows of the same kind would give another top K.",
        "A flat spectrum does not make R̄_k wrong; it makes the choice of directions arbitrary.",
    ),
    "energy": GlossaryEntry(
        "energy and coupling per block",
        "Energy is the share of ‖v_k‖² that lies in one matrix; coupling is A of v_k restricted to it, as a share of"
        " the sum over matrices. A matrix with much coupling and little energy moves features cheaply.",
        "Shares leave out what matrices do together, which A(v_k) contains.",
    ),
    "alignment": GlossaryEntry(
        "alignment a(v)",
        "The cosine between how a direction would move the centroids and how the training moved them next; gradients"
        " are taken downhill. It has a sign: +1 is the same movement, 0 unrelated, −1 the opposite. The floor is what"
        " random directions reach.",
        "It compares with what did happen, not with what would have been good.",
    ),
    "crossed": GlossaryEntry(
        "crossed coupling",
        "Directions of one task against the centroids of another. Where it equals the own-task value, the directions"
        " are not specific to the task.",
        "R̄_k of different tasks have different baselines: compare along a column.",
    ),
    "angles": GlossaryEntry(
        "principal angles",
        "Cosines between two top-K subspaces, 1 for a shared direction; the floor is the same source with another fixed"
        " batch. Two sources that are as close as the floor cannot be told apart.",
        "With a flat spectrum in either subspace the angles are as arbitrary as the subspace.",
    ),
    "stages": GlossaryEntry(
        "stages of the optimizer",
        "R̄_k of the same steps at each stage from gradient to displacement, and the factor from one stage to the next"
        " (geometric mean over checkpoints). The least factor is where most coupling is lost.",
        "The order of the stages is the optimizer's; another order would divide the loss otherwise.",
    ),
    "seeds": GlossaryEntry(
        "over seeds",
        "Mean over runs that differ in nothing but the seed, with the range and a 95 % interval over them"
        " (Student's t).",
        "An interval over three seeds is rough, and over one does not exist.",
    ),
    "speedup": GlossaryEntry(
        "speed-up",
        "Grok step of the control over that of the intervened run, of the same seed and command; over several seeds the"
        " geometric mean. Above 1 the intervened run was earlier. Where one of the two never got there, the quotient is"
        " only bounded, and so is the mean.",
        "It does not show what made the run earlier: a kept subspace must stand beside weights that do not move at all"
        " (freeze) and beside a random subspace.",
    ),
    "interval_seeds": GlossaryEntry(
        "interval over seeds",
        "Student's t over seeds, for quotients on their logarithms and paired by seed, widened by the evaluations'"
        " cadence, within which every crossing may be earlier. It says how the number varies from one training to the"
        " next.",
        "With two or three seeds it is wide, and it takes them for a fair sample of all seeds.",
    ),
    "restricted": GlossaryEntry(
        "restricted mean",
        "Mean of min(T, horizon), the area under Kaplan and Meier's curve of runs that have not grokked, where the"
        " horizon is the step up to which all compared groups were followed. A run that never got there counts with as"
        " long as it was followed, so none is left out.",
        "Beyond the horizon nothing is known: the mean of all times is larger, by an unknown amount.",
    ),
}
"""By key, in the order in which a report meets them."""
