#!/bin/bash
# A folder of images on a Dask cluster of your own inside one SLURM job of several nodes: a scheduler, a worker a
# processor, and the run. (Or let 'mri_sclimbic_seg --dask slurm --workers 20' start jobs from the login node.)
#
#   sbatch --ntasks=40 dask_slurm.sh /data/images /data/results --conform --write_volumes
#
#SBATCH --job-name=sclimbic-dask
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G
#SBATCH --time=04:00:00
#SBATCH --output=sclimbic_dask_%j.log
set -euo pipefail
images=$1 results=$2
shift 2
folder=$(mktemp -d "$PWD/dask-XXXXXX") # all nodes must see it
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT

dask scheduler --port 0 --no-dashboard --scheduler-file "$folder/scheduler.json" &
srun --ntasks="$SLURM_NTASKS" dask worker --scheduler-file "$folder/scheduler.json" \
    --nworkers 1 --nthreads 1 --no-dashboard --local-directory "${TMPDIR:-/tmp}" &
until [ -s "$folder/scheduler.json" ]; do sleep 1; done
mri_sclimbic_seg --i "$images" --o "$results" --dask "$folder/scheduler.json" --no-cite-sclimbic "$@"
