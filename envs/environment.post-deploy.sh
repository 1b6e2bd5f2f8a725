# Snakemake copies this file away from the project, but runs it in the folder in which it was started itself.
pip install -r envs/requirements.txt -e .
