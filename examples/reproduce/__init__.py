"""The published experiments again, and a page that puts published numbers beside ours: `python -m examples.reproduce`.

| module | decides |
|---|---|
| `plan` | which trainings are recorded, and with which settings they are measured |
| `published` | what was published, as data with its words |
| `recordings` | which runs of a folder can be measured, and what is missing |
| `measure` | from recorded runs to numbers |
| `verdict` | from two numbers and a control to plain words |
| `claims` | which measured number stands against which published one |
| `summary` | how several values become one |
| `figures` | the pictures of the page |
| `sections`, `markdown`, `page` | the page |

Recording and measuring both go on where they were interrupted: the first by the run directories, the second by the
cache that every run keeps. The page can be made at any time, from whatever is recorded by then.
"""
