#!/bin/bash
# The tables of a study whose subjects an array has run, from the records of the subjects: seconds, no images are read.
#
#   sbatch --dependency=afterany:JOB slurm_merge.sh /data/subjects
#
#SBATCH --job-name=sclimbic-merge
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=00:30:00
#SBATCH --output=sclimbic_merge_%j.log
set -euo pipefail
subjects_dir=$1
shift
exec fs_sclimbic merge --sd "$subjects_dir" --s "$@"
