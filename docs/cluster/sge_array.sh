#!/bin/bash
# recon-all subjects as an array of Grid Engine: each task runs its part of them.
#
#   qsub -t 1-100 -N sclimbic sge_array.sh /data/subjects --write_qa_stats
#   qsub -hold_jid sclimbic -b y -cwd fs_sclimbic merge --sd /data/subjects --s
#
#$ -cwd
#$ -j y
#$ -r y
#$ -l h_vmem=6G,h_rt=02:00:00
set -euo pipefail
subjects_dir=$1
shift
exec mri_sclimbic_seg --sd "$subjects_dir" --s --part "$SGE_TASK_ID/$SGE_TASK_LAST" \
    --threads "${NSLOTS:-1}" --no-cite-sclimbic "$@"
