#!/usr/bin/env bash
#SBATCH --job-name=otsfs-copy
#SBATCH --array=0-15
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --output=otsfs-copy-%A_%a.log
#
# Copy a table with an array of Slurm tasks, one split each:
#
#   sbatch slurm-array.sh SOURCE DESTINATION TABLE
#
# Tasks that failed are run again by their numbers, with the count of the whole array:
#
#   sbatch --array=3,7 --export=ALL,COUNT=16 slurm-array.sh SOURCE DESTINATION TABLE
#
# copy-split must be in the folder from which the job is submitted, or in PATH; otsfs, FUSE and the keys
# (~/.config/otsfs/datasources.json) on every node.
set -euo pipefail
PATH=${SLURM_SUBMIT_DIR:-.}:$PATH
exec copy-split "$1" "$2" "$3" "$SLURM_ARRAY_TASK_ID" "${COUNT:-$SLURM_ARRAY_TASK_COUNT}"
