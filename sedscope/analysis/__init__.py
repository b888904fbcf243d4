"""The mathematics of sedscope: pure functions on arrays, thresholds as arguments, results as frozen dataclasses.

Importing this package imports no torch. What needs automatic differentiation lives in modules of its own, which import
torch at their top and are imported only when a Jacobian-vector product, a centroid or a fixed gradient is computed.
Rooms, from the floor upwards; each may import those above it in this table, never those below:

| room | holds |
|---|---|
| `statistics` | groups of probes, intervals, ratios, milestones of accuracy |
| `spectra` | rows of a source, windows, Gram matrix, σ, k*, SED directions |
| `features` | the model at a checkpoint, centroids, their Jacobian-vector products, random directions |
| `sources` | derived rows: fixed gradients, controls, batches, stages between stored rows |
| `coupling` | A(v) of directions and of whole spans, block by block, and along what came next |
| `pipeline` | a question about a run → what is cached → what is computed → results |
| `interventions` | several runs: what interventions did, beside their controls |
"""
