"""What holds for every test process: two workers share two cores, so each keeps to one thread."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is first imported; child processes inherit it
