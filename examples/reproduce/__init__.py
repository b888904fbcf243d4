"""The published experiments again, and a page that puts published numbers beside ours: `python -m examples.reproduce`.

| module | decides |
|---|---|
| `plan` | the trainings that are recorded, and the settings that they are measured with |
| `duration` | how many hours all of it will take here |
| `published` | the published numbers, as data with their words |
| `recordings` | the runs of a folder that can be measured, and the missing ones |
| `measure` | from recorded runs to numbers |
| `verdict` | from two numbers and a control to a verdict in words |
| `claims` | which measured number is held against which published one |
| `summary` | how several values become one |
| `figures` | the pictures of the page |
| `sections`, `markdown`, `page` | the page |

What is recorded is measured beside the trainings that follow. Recording and measuring both go on where they were
interrupted: the first by the run directories, the second by the cache that every run keeps. The page can be made at any
time, from whatever is recorded by then.
"""
