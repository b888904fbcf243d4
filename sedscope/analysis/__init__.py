"""The mathematics of sedscope: pure functions on arrays, thresholds as arguments, results as frozen dataclasses.

Importing this package imports no torch. What needs automatic differentiation lives in modules of its own, which import
torch at their top and are imported only when a J-product, a centroid or a fixed gradient is computed:

| numpy alone | decides |
|---|---|
| `undefined` | the named state of a result that does not exist |
| `windows` | which rows belong to the window of a checkpoint |
| `gram` | inner products of rows within a window's reach, in one pass over them |
| `spectrum`, `basis` | σ, edge, participation, flatness; SED directions as combinations of rows |
| `groups` | which probe lies in which of the 32 groups; A kept per group |
| `coupling_gram` | A of every direction in the span of a window; the ceiling |
| `ratio`, `interval` | baseline, R_k, R̄_k, peak, final; their 95 % intervals |
| `centroid_spectrum` | principal components of the centroids, rank-90 |
| `metrics` | grok step, memorisation step, delay |
| `comparison` | several runs: what interventions did, beside their controls |
| `random_directions` | the random baseline's directions |
| `variants`, `batches` | draws of a control, batches of a fixed gradient, and which examples these hold |
| `response` | what directions do to centroids, output, and along what came next, kept per group |
| `blocks`, `alignment`, `angles`, `stages` | the measures beside R |

| torch | computes |
|---|---|
| `scores` | s_x from a model's output |
| `jproduct` | J v, exactly or by a central difference |
| `coupling` | A of directions, coupling Gram matrices |
| `centroids` | μ_x |
| `fixed_gradient`, `control_gradient` | gradients of sums and mean losses over fixed examples; their controls |
| `shift` | how the centroids moved over the next interval |
| `blockwise` | products of directions taken block by block |

Whole runs: `analyse` decides the order, `material` holds rows, cache and model, `measure` and `couple` the checkpoints,
`assemble` and `evidence` make of them what `results` holds.
"""
