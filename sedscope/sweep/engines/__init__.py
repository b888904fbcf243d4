"""Where the trainings of a sweep run: processes here, jobs of a Slurm cluster, tasks of a Ray cluster."""
