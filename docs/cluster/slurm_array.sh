#!/bin/bash
# recon-all subjects as a SLURM array: each task runs its part of them. Give the same command again to go on after
# failures and time limits; what is done is skipped. Then slurm_merge.sh writes the tables.
#
#   parts=100
#   job=$(sbatch --parsable --array=1-$parts slurm_array.sh $parts /data/subjects --write_qa_stats)
#   sbatch --dependency=afterany:$job slurm_merge.sh /data/subjects
#
#SBATCH --job-name=sclimbic
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --time=02:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
#SBATCH --output=sclimbic_%A_%a.log
#SBATCH --open-mode=append
set -euo pipefail
parts=$1 subjects_dir=$2
shift 2
exec mri_sclimbic_seg --sd "$subjects_dir" --s --part "$SLURM_ARRAY_TASK_ID/$parts" \
    --threads "${SLURM_CPUS_PER_TASK:-1}" --no-cite-sclimbic "$@"
