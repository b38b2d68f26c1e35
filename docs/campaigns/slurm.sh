#!/usr/bin/env bash
# Ten tasks search a million seeds each: `sbatch docs/campaigns/slurm.sh`. When they are done:
#   dsql-sim merge results/*.jsonl --require-coverage
#SBATCH --job-name=dsql-sim
#SBATCH --array=1-10
#SBATCH --cpus-per-task=4
#SBATCH --mem=512M
#SBATCH --time=01:00:00
set -euo pipefail

mkdir -p results
# Exit code 1 is a finding, not a failure of the task: the summary tells it.
dsql-sim sweep --seeds 0..10000000 --jobs "$SLURM_CPUS_PER_TASK" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --out "results/$SLURM_ARRAY_TASK_ID.jsonl" || [ $? -eq 1 ]
